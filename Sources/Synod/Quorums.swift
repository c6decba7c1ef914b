/// How many of a number of voters make a quorum. Every prepare quorum must meet every accept
/// quorum; nothing else is needed (Howard, Malkhi and Spiegelman 2016; Rystsov 2018, appendix B).
public struct QuorumSystem: Hashable, Sendable {
  /// Voters in all.
  public let voters: Int
  /// Promises that let a proposer go on.
  public let prepare: Int
  /// Acceptances that choose a value.
  public let accept: Int

  /// Voters that must answer for a value to be found and chosen: those of the larger of both quorums.
  @inlinable public var needed: Int { max(prepare, accept) }

  /// Majorities, both.
  public init(majorityOf voters: Int) {
    self.voters = voters
    prepare = voters / 2 + 1
    accept = voters / 2 + 1
  }

  /// - Throws: `QuorumError` where some prepare quorum would miss some accept quorum.
  public init(voters: Int, prepare: Int, accept: Int) throws(QuorumError) {
    guard (1...QuorumSystem.maxVoters).contains(voters) else {
      throw .voterCount(voters, limit: QuorumSystem.maxVoters)
    }
    guard (1...voters).contains(prepare), (1...voters).contains(accept) else {
      throw .outOfRange(prepare: prepare, accept: accept, voters: voters)
    }
    guard prepare + accept > voters else {
      throw .doNotIntersect(prepare: prepare, accept: accept, voters: voters)
    }
    self.voters = voters
    self.prepare = prepare
    self.accept = accept
  }

  /// Voters that one configuration may have.
  public static let maxVoters = 64

  /// Whether these promises let a proposer go on.
  @inlinable public func isPrepareQuorum(_ votes: VoteSet) -> Bool { votes.count >= prepare }
  #if PlantedBugs
    /// Whether these acceptances choose a value.
    public func isAcceptQuorum(_ votes: VoteSet) -> Bool {
      votes.count >= (PlantedBug.has(.shortQuorum) ? max(accept - 1, 1) : accept)
    }
  #else
    /// Whether these acceptances choose a value.
    @inlinable public func isAcceptQuorum(_ votes: VoteSet) -> Bool { votes.count >= accept }
  #endif
}

/// Why numbers of votes do not make a quorum system.
public enum QuorumError: Error, Hashable, Sendable, CustomStringConvertible {
  case voterCount(Int, limit: Int)
  case outOfRange(prepare: Int, accept: Int, voters: Int)
  case doNotIntersect(prepare: Int, accept: Int, voters: Int)
  case notDistinct(VoterID)
  case nobody

  /// For people to read.
  public var description: String {
    switch self {
    case .voterCount(let n, let limit): "\(n) voters: there must be 1 to \(limit)"
    case .outOfRange(let p, let a, let n):
      "prepare quorum \(p) and accept quorum \(a): both must be 1 to \(n), the number of voters"
    case .doNotIntersect(let p, let a, let n):
      "prepare quorum \(p) and accept quorum \(a) of \(n) voters can miss each other: "
        + "their sum must be at least \(n + 1)"
    case .notDistinct(let voter): "voter \(voter) is named twice"
    case .nobody: "voter 0 is nobody: identities start at 1"
    }
  }
}

/// A set of the voters of one configuration, by their places in it.
public struct VoteSet: Hashable, Sendable {
  @usableFromInline package var bits: UInt64

  /// One made of its parts.
  @inlinable public init() { bits = 0 }

  /// Voters in it.
  @inlinable public var count: Int { bits.nonzeroBitCount }
  /// Whether nobody is in it.
  @inlinable public var isEmpty: Bool { bits == 0 }
  /// Whether the voter at this place is in it.
  @inlinable public func contains(_ place: Int) -> Bool { bits & (1 << UInt64(place)) != 0 }
  /// Puts the voter at this place in.
  @inlinable public mutating func insert(_ place: Int) { bits |= 1 << UInt64(place) }
  /// Takes the voter at this place out.
  @inlinable public mutating func remove(_ place: Int) { bits &= ~(1 << UInt64(place)) }
  /// Those that are in either.
  @inlinable public func union(_ other: VoteSet) -> VoteSet {
    var votes = self
    votes.bits |= other.bits
    return votes
  }
  /// Those that are in both.
  @inlinable public func intersection(_ other: VoteSet) -> VoteSet {
    var votes = self
    votes.bits &= other.bits
    return votes
  }
  /// Those that are in this set and not in the other.
  @inlinable public func subtracting(_ other: VoteSet) -> VoteSet {
    var votes = self
    votes.bits &= ~other.bits
    return votes
  }
}
