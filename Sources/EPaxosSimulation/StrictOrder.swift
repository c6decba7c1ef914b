internal import Synod

/// Whether all that took effect has one order that agrees with every key's and with time: what ended
/// before another began comes before it (strict serializability: linearizability of the whole state).
///
/// The keys' histories say in which order everything took effect that meets, so nothing is searched
/// for. Were there none, some operation would come, by way of others or directly, behind one that
/// began after it had ended.
struct StrictOrder {
  /// An operation that took effect.
  struct Operation {
    /// For people.
    var name: String
    /// The moment when it was first asked.
    var began: UInt64
    /// The moment when it was first answered; nil for never.
    var ended: UInt64?
    /// Where it stands among others: `2n` for the write of number n, `2n + 1` for what saw so many.
    var stands: [(key: UInt8, at: Int)]
  }

  /// - Returns: what is wrong; nil where there is such an order.
  static func violation(_ operations: [Operation]) -> String? {
    var follows = [[Int]](repeating: [], count: operations.count)
    var waits = [Int](repeating: 0, count: operations.count)
    for key in 0..<Scrolls.keys { link(key, operations, &follows, &waits) }
    // The latest beginning of all that comes before, itself included.
    var latest = operations.map { (began: $0.began, name: $0.name) }
    var free = operations.indices.filter { waits[$0] == 0 }
    var count = 0
    while let next = free.popLast() {
      count += 1
      if let ended = operations[next].ended, latest[next].began > ended {
        return "\(operations[next].name) comes behind \(latest[next].name), which began after it "
          + "had ended"
      }
      for other in follows[next] {
        if latest[next].began > latest[other].began { latest[other] = latest[next] }
        waits[other] -= 1
        if waits[other] == 0 { free.append(other) }
      }
    }
    if count == operations.count { return nil }
    let stuck = operations.indices.first { waits[$0] > 0 }.map { operations[$0].name } ?? ""
    return "\(stuck) comes behind itself: commands of several keys are not taken as one"
  }

  private static func link(
    _ key: UInt8, _ operations: [Operation], _ follows: inout [[Int]], _ waits: inout [Int]
  ) {
    var places: [(at: Int, operation: Int)] = []
    for (number, operation) in operations.enumerated() {
      for stand in operation.stands where stand.key == key { places.append((stand.at, number)) }
    }
    places.sort { ($0.at, $0.operation) < ($1.at, $1.operation) }
    var write: Int?
    var reads: [Int] = []
    func link(_ a: Int, _ b: Int) {
      guard a != b else { return }
      follows[a].append(b)
      waits[b] += 1
    }
    for (at, operation) in places {
      if let write { link(write, operation) }
      if at % 2 == 0 {
        for read in reads { link(read, operation) }
        reads.removeAll()
        write = operation
      } else {
        reads.append(operation)
      }
    }
  }
}
