public import Synod

/// Who takes part in a cluster: the value of a reserved register, decided like any other, under the
/// quorums of the configuration before it (rule 42).
///
/// A membership is **decided** when a round on that register was chosen; only then does a node adopt
/// it. The voters change in one way alone (rule 43): epoch e, the old voters; e+1, the old and the new
/// ones, with quorums in both; then every register is accepted anew in e+1; e+2, the new ones, or,
/// rolled back, the old ones. Rolling back takes the old voters alone, whatever became of the new.
/// What does not touch the voters is written within an epoch.
public struct Membership: Hashable, Sendable {
  /// Rises by one with every write of the register; 0 was never written.
  public internal(set) var revision: UInt64
  /// Who votes.
  public internal(set) var configuration: Configuration
  /// In ascending order of their identities; all voters are among them.
  public internal(set) var members: [Member]
  /// The identity of the next member. None that was given is ever given again: a store that left
  /// would bring back what was deleted meanwhile (rule 43 d).
  public internal(set) var nextVoter: VoterID
  /// What was collected before the voters last changed, of registers that nobody holds any more, is at or
  /// below this. Every voter takes it for a floor of its own: those that joined were not there.
  public internal(set) var collected = Ballot.zero

  /// The register that holds it. Clients' proposals on keys that begin like this are refused.
  public static let key = Bytes("\0synod/members")
  static let keyLength = 14
  /// What reserved keys begin with.
  public static let reserved = Bytes("\0synod/")
  /// Voters of one component, at the most.
  public static let maxVoters = 7
  /// Members, at the most.
  public static let maxMembers = 32

  /// What is above is not believed, so that counting on cannot overflow.
  static let maxRevision: UInt64 = 1 << 48
  static let maxEpoch = Epoch(1 << 30)

  /// What a register that was never written stands for.
  public init(_ configuration: Configuration, addresses: [VoterID: Bytes] = [:]) {
    revision = 0
    self.configuration = configuration
    members = configuration.voters.map {
      Member(voter: $0, role: .voter, address: addresses[$0] ?? Bytes())
    }
    nextVoter = VoterID((configuration.voters.last?.rawValue ?? 0) &+ 1)
  }

  /// Who has this identity now.
  public func member(_ voter: VoterID) -> Member? {
    place(of: voter).map { members[$0] }
  }

  /// The next to become a voter.
  var learner: Member? { members.first { $0.role == .learner } }

  func place(of voter: VoterID) -> Int? { members.firstIndex { $0.voter == voter } }

  /// What the node of this identity is.
  public func standing(of voter: VoterID) -> Standing {
    switch member(voter)?.role {
    case .voter: .voter
    case .learner: .learner
    case .proposer: .proposer
    case .observer: .observer
    case nil: voter < nextVoter ? .retired : .stranger
    }
  }
}

extension Membership: ByteCodable {
  private static let version: UInt8 = 1
  /// With what was collected.
  private static let longVersion: UInt8 = 2

  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(collected.isZero ? Self.version : Self.longVersion)
    writer.write(revision)
    configuration.encode(into: &writer)
    writer.write(nextVoter.rawValue)
    writer.write(UInt8(truncatingIfNeeded: members.count))
    for member in members { member.encode(into: &writer) }
    if !collected.isZero { collected.encode(into: &writer) }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let version = try reader.read(UInt8.self)
    guard version == Self.version || version == Self.longVersion else {
      throw .malformed("unknown version of a membership")
    }
    revision = try reader.read(UInt64.self)
    configuration = try Configuration(from: &reader)
    nextVoter = VoterID(try reader.read(UInt32.self))
    let count = Int(try reader.read(UInt8.self))
    guard count <= QuorumSystem.maxVoters else {
      throw .overLimit(found: UInt64(count), limit: QuorumSystem.maxVoters)
    }
    members = []
    for _ in 0..<count { members.append(try Member(from: &reader)) }
    if version == Self.longVersion { collected = try Ballot(from: &reader) }
    guard isWellFormed else { throw .malformed("a membership that contradicts itself") }
  }

  /// Members ascend, voters of the configuration and members that vote are the same, and no identity
  /// is yet to be given.
  private var isWellFormed: Bool {
    for (one, next) in zip(members, members.dropFirst()) where one.voter >= next.voter {
      return false
    }
    guard let first = members.first, let last = members.last, first.voter != .none,
      last.voter < nextVoter, revision <= Self.maxRevision,
      configuration.epoch <= Self.maxEpoch, collected.epoch <= configuration.epoch
    else { return false }
    return members.lazy.filter { $0.role == .voter }.map(\.voter)
      .elementsEqual(configuration.voters)
  }

  /// Reads a register's value.
  init(_ bytes: Bytes) throws(CodingError) {
    var reader = ByteReader(bytes)
    try self.init(from: &reader)
    guard reader.isAtEnd else { throw .malformed("bytes behind a membership") }
  }
}

extension Membership: CustomStringConvertible {
  /// For people to read.
  public var description: String {
    "r\(revision) \(configuration) members \(members) next \(nextVoter)"
      + (collected.isZero ? "" : " collected \(collected)")
  }
}

extension Bytes {
  /// Whether it begins as the keys do that are not the clients'.
  @inlinable var isReserved: Bool {
    count >= Membership.reserved.count && self[0] == 0
      && self[0..<Membership.reserved.count] == Membership.reserved
  }
}
