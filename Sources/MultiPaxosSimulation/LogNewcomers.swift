internal import MultiPaxos
internal import Synod

/// The identities that nodes which join may be given, and what is made of each.
struct LogNewcomers: Sendable {
  /// One that was given out.
  struct Newcomer: Hashable, Sendable {
    /// Whose place it asks for itself, as its store was lost; nil where a client adds it.
    let lost: VoterID?
    /// The members are told of another store than its own: of one that was lost before (rule 33).
    let isImpostor: Bool
  }

  private let founders: Int
  private(set) var left: Int
  private(set) var given: [Newcomer] = []

  init(founders: Int, spares: Int) {
    self.founders = founders
    left = spares
  }

  /// Identities that were given out, those of the first voters too.
  var count: Int { founders + given.count }

  func newcomer(_ voter: VoterID) -> Newcomer? {
    let place = Int(voter.rawValue) - 1 - founders
    return given.indices.contains(place) ? given[place] : nil
  }

  /// Whether one of them that asks for a lost voter's place itself may yet be named; identities below
  /// `next` will not be.
  func mayBeNamed(from next: VoterID) -> Bool {
    given.indices.contains { given[$0].lost != nil && UInt32(founders + $0 + 1) >= next.rawValue }
  }

  mutating func give(replacing lost: VoterID? = nil, isImpostor: Bool = false) -> VoterID? {
    guard left > 0 else { return nil }
    left -= 1
    given.append(Newcomer(lost: lost, isImpostor: isImpostor))
    return VoterID(UInt32(count))
  }

  func mode(of voter: VoterID) -> StartMode {
    guard voter.rawValue > UInt32(founders) else { return .bootstrap }
    return newcomer(voter)?.lost.map { .recover(replacing: $0) } ?? .join
  }

  /// The number that the store of a voter drew.
  func store(of voter: VoterID) -> Identity128? {
    voter.rawValue > UInt32(founders)
      ? Identity128(high: 0x7374_6f72_65, low: UInt64(voter.rawValue)) : nil
  }

  /// What the members are told of it.
  func member(_ voter: VoterID, _ role: Member.Role) -> Member {
    let isImpostor = newcomer(voter)?.isImpostor ?? false
    let lost = Identity128(high: 0x6c_6f73_74, low: UInt64(voter.rawValue))
    return Member(voter: voter, role: role, store: isImpostor ? lost : store(of: voter))
  }
}
