public import Synod

/// Who takes part: replicated state, changed by instances that conflict with everything.
///
/// A change of the voters ends the epoch that it was decided in (rule 44). Nobody votes, or has anything
/// decided, in the next before it has executed the change, durably; by then it knows all that came
/// before, and all that comes behind the change has no effect. So every epoch is a cluster of its own,
/// with voters that stay the same, and what it decided before its last change stands before all that the
/// next decides. Quorums of two epochs need not meet: whatever quorum the next one finds, each of its
/// voters has the whole of the last.
public struct Membership: Hashable, Sendable {
  /// Who votes; its epoch counts the changes of the voters.
  public internal(set) var configuration: Configuration
  /// Counts all changes.
  public internal(set) var revision: UInt64
  /// In ascending order of their identities; all voters are among them.
  public internal(set) var members: [Member]
  /// The lowest identity that was never given. None is given twice: a store that is lost, rolled back or
  /// doubted has promised what nobody knows, and comes back as a new member only.
  public internal(set) var nextVoter: VoterID

  /// Members, at the most.
  public static let maxMembers = 32
  /// Voters, at the most.
  public static let maxVoters = 9

  /// That with which a cluster begins.
  public init(_ configuration: Configuration, addresses: [VoterID: Bytes] = [:]) {
    self.configuration = configuration
    revision = 0
    members = configuration.voters.map {
      Member(voter: $0, role: .voter, address: addresses[$0] ?? Bytes())
    }
    let last = configuration.voters.last ?? .none
    nextVoter = VoterID(last.rawValue < .max ? last.rawValue + 1 : .max)
  }

  /// Who has this identity.
  public func member(_ voter: VoterID) -> Member? { members.first { $0.voter == voter } }

  /// The epoch of the instances that are decided now.
  public var epoch: Epoch { configuration.epoch }
}

extension Membership: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    configuration.encode(into: &writer)
    writer.write(revision)
    writer.write(nextVoter.rawValue)
    writer.write(UInt8(truncatingIfNeeded: members.count))
    for member in members { member.encode(into: &writer) }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    configuration = try Configuration(from: &reader)
    revision = try reader.read(UInt64.self)
    nextVoter = VoterID(try reader.read(UInt32.self))
    let count = Int(try reader.read(UInt8.self))
    guard count <= QuorumSystem.maxVoters else {
      throw .overLimit(found: UInt64(count), limit: QuorumSystem.maxVoters)
    }
    members = []
    for _ in 0..<count { members.append(try Member(from: &reader)) }
    guard isWellFormed else { throw .malformed("a membership that contradicts itself") }
  }

  /// Members ascend, the configuration's voters are the members that vote, and no identity is yet to be
  /// given.
  private var isWellFormed: Bool {
    for (one, next) in zip(members, members.dropFirst()) where one.voter >= next.voter {
      return false
    }
    guard let first = members.first, let last = members.last, first.voter != .none,
      last.voter < nextVoter || nextVoter.rawValue == .max, !configuration.isJoint
    else { return false }
    return members.lazy.filter { $0.role == .voter }.map(\.voter)
      .elementsEqual(configuration.voters)
  }
}

extension Membership: CustomStringConvertible {
  /// For people to read.
  public var description: String {
    let others = members.filter { $0.role != .voter }.map { "\($0.voter) \($0.role)" }
    return "\(configuration)" + (others.isEmpty ? "" : " and \(others.joined(separator: ", "))")
  }
}
