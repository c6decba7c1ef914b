internal import Synod

/// Finds the number under which a ballot of one epoch is kept: open addressing, since it is asked for
/// every message.
struct BallotIndex: Sendable {
  private var names: [UInt64]
  private var numbers: [Int32]
  private var mask: Int
  private(set) var count = 0

  init() {
    names = Array(repeating: 0, count: 256)
    numbers = Array(repeating: 0, count: 256)
    mask = 255
  }

  /// A counter is below 2^56, and a simulated cluster has no voter above 255; no ballot is zero.
  private static func name(_ ballot: Ballot) -> UInt64 {
    ballot.counter << 8 | UInt64(ballot.voter.rawValue & 0xff)
  }

  private func probe(_ name: UInt64) -> Int {
    var place = Int(truncatingIfNeeded: (name &* 0x9e37_79b9_7f4a_7c15) >> 20) & mask
    while names[place] != 0 && names[place] != name { place = (place + 1) & mask }
    return place
  }

  func find(_ ballot: Ballot) -> Int? {
    let place = probe(Self.name(ballot))
    return names[place] == 0 ? nil : Int(numbers[place])
  }

  /// Numbers the ballot, which is new: one more than all before.
  mutating func insert(_ ballot: Ballot) -> Int {
    if (count + 1) * 2 > names.count { grow() }
    let name = Self.name(ballot)
    let place = probe(name)
    names[place] = name
    numbers[place] = Int32(count)
    count += 1
    return count - 1
  }

  private mutating func grow() {
    let (oldNames, oldNumbers) = (names, numbers)
    mask = names.count * 2 - 1
    names = Array(repeating: 0, count: mask + 1)
    numbers = Array(repeating: 0, count: mask + 1)
    for (old, name) in oldNames.enumerated() where name != 0 {
      let place = probe(name)
      names[place] = name
      numbers[place] = oldNumbers[old]
    }
  }
}
