internal import EPaxos
internal import Synod

/// The identities that nodes which join may be given.
struct InstanceNewcomers: Sendable {
  private let founders: Int
  private(set) var left: Int
  /// Whom each may ask for the state.
  private var given: [Configuration] = []

  init(founders: Int, spares: Int) {
    self.founders = founders
    left = spares
  }

  /// Identities that were given out, those of the first voters too.
  var count: Int { founders + given.count }

  func isOne(_ voter: VoterID) -> Bool { voter.rawValue > UInt32(founders) }

  func asks(_ voter: VoterID) -> Configuration? {
    let place = Int(voter.rawValue) - 1 - founders
    return given.indices.contains(place) ? given[place] : nil
  }

  /// One of those that nobody had; nil where there is none left.
  mutating func give(asking voters: Configuration) -> VoterID? {
    guard left > 0 else { return nil }
    left -= 1
    given.append(voters)
    return VoterID(UInt32(count))
  }
}
