import UV

/// Who is connected: how many, how many from where, and how many of them may be anybody.
struct ClientCensus {
  private(set) var count = 0
  /// Of these, those that have not shown who they are.
  private(set) var strangers = 0
  private var byOrigin: [NetworkOrigin: Int] = [:]
  /// Those that were found to be the oldest strangers, the oldest last. Looked for when there are none
  /// left, and not for each that has to go.
  private var oldest: [Place] = []

  /// A client's number, and where it is in the server's table.
  struct Place: Equatable {
    var id: UInt64
    var index: Int
  }

  func count(of origin: NetworkOrigin) -> Int { byOrigin[origin, default: 0] }

  mutating func add(_ origin: NetworkOrigin) {
    count += 1
    byOrigin[origin, default: 0] += 1
  }

  mutating func remove(_ origin: NetworkOrigin) {
    count -= 1
    let rest = byOrigin[origin, default: 0] - 1
    byOrigin[origin] = rest > 0 ? rest : nil
  }

  mutating func addStranger() { strangers += 1 }
  /// One is a stranger no more, or gone.
  mutating func removeStranger() { strangers -= 1 }

  /// The stranger that has been here longest.
  /// - Parameters:
  ///   - isStranger: whether it is still there, and one.
  ///   - all: all strangers.
  mutating func oldestStranger(
    where isStranger: (Place) -> Bool, of all: () -> [Place]
  ) -> Place? {
    while let place = oldest.popLast() { if isStranger(place) { return place } }
    oldest = all().sorted { $0.id > $1.id }
    return oldest.popLast()
  }
}
