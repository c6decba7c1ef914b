public import Synod

/// Who takes part in a cluster from some slot on: part of the replicated state, changed by entries of
/// the log (rule 19).
public struct Membership: Hashable, Sendable {
  /// Who votes; its epoch counts the changes. (A log's ballots are all of epoch zero: slots, not
  /// ballots, say which configuration counts.)
  public internal(set) var configuration: Configuration
  /// In ascending order of their identities; all voters are among them.
  public internal(set) var members: [Member]
  /// The lowest identity that was never given. None is given twice.
  public internal(set) var nextVoter: VoterID

  /// Members, at the most.
  public static let maxMembers = 32
  /// Voters, at the most.
  public static let maxVoters = 9

  /// That with which a cluster begins.
  public init(_ configuration: Configuration, addresses: [VoterID: Bytes] = [:]) {
    self.configuration = configuration
    members = configuration.voters.map {
      Member(voter: $0, role: .voter, address: addresses[$0] ?? Bytes())
    }
    nextVoter = VoterID((configuration.voters.last?.rawValue ?? 0) &+ 1)
  }

  /// Who has this identity.
  public func member(_ voter: VoterID) -> Member? { members.first { $0.voter == voter } }
}

extension Membership: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    configuration.encode(into: &writer)
    writer.write(nextVoter.rawValue)
    writer.write(UInt8(truncatingIfNeeded: members.count))
    for member in members { member.encode(into: &writer) }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    configuration = try Configuration(from: &reader)
    nextVoter = VoterID(try reader.read(UInt32.self))
    let count = Int(try reader.read(UInt8.self))
    guard count <= Membership.maxMembers else {
      throw .overLimit(found: UInt64(count), limit: Membership.maxMembers)
    }
    members = []
    for _ in 0..<count { members.append(try Member(from: &reader)) }
    guard isWellFormed else { throw .malformed("a membership that contradicts itself") }
  }

  /// Members ascend, voters of the configuration and members that vote are the same, and no identity
  /// is yet to be given.
  private var isWellFormed: Bool {
    for (one, next) in zip(members, members.dropFirst()) where one.voter >= next.voter {
      return false
    }
    guard let first = members.first, let last = members.last, first.voter != .none,
      last.voter < nextVoter, !configuration.isJoint
    else { return false }
    return members.lazy.filter { $0.role == .voter }.map(\.voter)
      .elementsEqual(configuration.voters)
  }
}

extension Membership: CustomStringConvertible {
  /// For people to read.
  public var description: String {
    let learners = members.filter { $0.role != .voter }.map(\.voter)
    return "\(configuration)" + (learners.isEmpty ? "" : " learners \(learners)")
  }
}
