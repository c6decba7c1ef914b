/// Who votes, and what makes a quorum, in one epoch.
///
/// While a change of the voters is under way, two components vote, the old voters and the new ones:
/// a quorum is then one that is a quorum in each of them, for prepares and accepts alike (joint
/// consensus: Ongaro 2014, §4.3; for Paxos's registers see `Membership`).
public struct Configuration: Hashable, Sendable {
  /// Its number: higher ones are newer.
  public let epoch: Epoch
  /// Of all components, in ascending order; a voter's place here is its place in a `VoteSet`.
  public let voters: [VoterID]
  /// The voters before the change that is under way; all there are, where none is.
  public let component: Component
  /// The voters after it; nil where no change is under way.
  public let incoming: Component?

  /// Voters among whom a quorum must be found.
  public struct Component: Hashable, Sendable {
    /// In ascending order.
    public let voters: [VoterID]
    /// What makes a quorum of them.
    public let quorums: QuorumSystem
    /// Their places among the voters of the configuration.
    @usableFromInline let places: VoteSet

    fileprivate init(_ voters: [VoterID], _ quorums: QuorumSystem, among all: [VoterID]) {
      self.voters = voters
      self.quorums = quorums
      var places = VoteSet()
      for (place, voter) in all.enumerated() where voters.contains(voter) { places.insert(place) }
      self.places = places
    }

    /// Whether the voter at this place of the configuration is one of these.
    @inlinable public func contains(place: Int) -> Bool { places.contains(place) }

    /// Whether these promises are enough of its voters.
    @inlinable public func isPrepareQuorum(_ votes: VoteSet) -> Bool {
      quorums.isPrepareQuorum(votes.intersection(places))
    }
    /// Whether these acceptances are enough of its voters.
    @inlinable public func isAcceptQuorum(_ votes: VoteSet) -> Bool {
      quorums.isAcceptQuorum(votes.intersection(places))
    }
  }

  /// One component.
  /// - Parameters:
  ///   - epoch: higher than of every configuration before.
  ///   - voters: in any order.
  ///   - quorums: majorities where nil.
  /// - Throws: `QuorumError` where voters repeat, are nobody, or do not match the quorums.
  public init(
    epoch: Epoch, voters: [VoterID], quorums: QuorumSystem? = nil
  ) throws(QuorumError) {
    try self.init(epoch: epoch, (voters, quorums), incoming: nil)
  }

  /// The configuration between this one and one of other voters: both decide.
  /// - Throws: `QuorumError` where the voters do not make one, or are too many together.
  public func joint(
    with voters: [VoterID], quorums: QuorumSystem? = nil
  ) throws(QuorumError) -> Configuration {
    precondition(!isJoint, "one change at a time")
    return try Configuration(
      epoch: epoch.next, (component.voters, component.quorums), incoming: (voters, quorums))
  }

  /// The configuration behind a joint one: its new voters alone, or, rolled back, its old ones.
  public func concluded(rolledBack: Bool = false) -> Configuration {
    guard let incoming else { preconditionFailure("no change is under way") }
    return Configuration(epoch: epoch.next, rolledBack ? component : incoming)
  }

  private init(epoch: Epoch, _ component: Component) {
    self.epoch = epoch
    voters = component.voters
    self.component = Component(component.voters, component.quorums, among: component.voters)
    incoming = nil
  }

  private init(
    epoch: Epoch, _ first: (voters: [VoterID], quorums: QuorumSystem?),
    incoming second: (voters: [VoterID], quorums: QuorumSystem?)?
  ) throws(QuorumError) {
    let (old, oldQuorums) = try Self.checked(first.voters, first.quorums)
    let (new, newQuorums) =
      try second.map { given throws(QuorumError) in
        try Self.checked(given.voters, given.quorums)
      } ?? ([], oldQuorums)
    let all = Set(old + new).sorted()
    guard all.count <= QuorumSystem.maxVoters else {
      throw .voterCount(all.count, limit: QuorumSystem.maxVoters)
    }
    self.epoch = epoch
    voters = all
    component = Component(old, oldQuorums, among: all)
    incoming = second == nil ? nil : Component(new, newQuorums, among: all)
  }

  private static func checked(
    _ voters: [VoterID], _ quorums: QuorumSystem?
  ) throws(QuorumError) -> ([VoterID], QuorumSystem) {
    guard (1...QuorumSystem.maxVoters).contains(voters.count) else {
      throw .voterCount(voters.count, limit: QuorumSystem.maxVoters)
    }
    let sorted = voters.sorted()
    guard sorted[0] != .none else { throw .nobody }
    for (a, b) in zip(sorted, sorted.dropFirst()) where a == b { throw .notDistinct(a) }
    if let quorums, quorums.voters != voters.count {
      throw .voterCount(quorums.voters, limit: voters.count)
    }
    return (sorted, quorums ?? QuorumSystem(majorityOf: sorted.count))
  }

  /// The place of `voter` among the voters, or nil where it has no vote.
  @inlinable public func place(of voter: VoterID) -> Int? { voters.firstIndex(of: voter) }

  /// Whether a change of the voters is under way.
  @inlinable public var isJoint: Bool { incoming != nil }

  /// Whether these promises let a proposer go on.
  @inlinable public func isPrepareQuorum(_ votes: VoteSet) -> Bool {
    component.isPrepareQuorum(votes) && incoming?.isPrepareQuorum(votes) ?? true
  }

  /// Whether these acceptances choose a value.
  @inlinable public func isAcceptQuorum(_ votes: VoteSet) -> Bool {
    component.isAcceptQuorum(votes) && incoming?.isAcceptQuorum(votes) ?? true
  }

  /// Everyone.
  @inlinable public var everyone: VoteSet {
    guard let incoming else { return component.places }
    return component.places.union(incoming.places)
  }
}

extension Configuration: ByteCodable {
  /// In the number of voters: another component follows.
  private static let isJoint: UInt8 = 0x80

  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(epoch.rawValue)
    Self.encode(component, marks: isJoint ? Self.isJoint : 0, into: &writer)
    if let incoming { Self.encode(incoming, marks: 0, into: &writer) }
  }

  private static func encode(
    _ component: Component, marks: UInt8, into writer: inout ByteWriter
  ) {
    writer.write(UInt8(truncatingIfNeeded: component.voters.count) | marks)
    writer.write(UInt8(truncatingIfNeeded: component.quorums.prepare))
    writer.write(UInt8(truncatingIfNeeded: component.quorums.accept))
    for voter in component.voters { writer.write(voter.rawValue) }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let epoch = Epoch(try reader.read(UInt32.self))
    let first = try Self.decode(&reader, mayBeJoint: true)
    let second = first.isJoint ? try Self.decode(&reader, mayBeJoint: false) : nil
    do {
      try self.init(
        epoch: epoch, (first.voters, first.quorums),
        incoming: second.map { ($0.voters, $0.quorums) })
    } catch {
      throw CodingError.malformed("not a configuration of voters and quorums")
    }
  }

  private static func decode(
    _ reader: inout ByteReader, mayBeJoint: Bool
  ) throws(CodingError) -> (voters: [VoterID], quorums: QuorumSystem, isJoint: Bool) {
    let mark = try reader.read(UInt8.self)
    let marks = mayBeJoint ? Self.isJoint : 0
    let count = Int(mark & ~marks)
    let prepare = Int(try reader.read(UInt8.self))
    let accept = Int(try reader.read(UInt8.self))
    guard count <= QuorumSystem.maxVoters else {
      throw .overLimit(found: UInt64(count), limit: QuorumSystem.maxVoters)
    }
    var voters: [VoterID] = []
    for _ in 0..<count { voters.append(VoterID(try reader.read(UInt32.self))) }
    do {
      let quorums = try QuorumSystem(voters: count, prepare: prepare, accept: accept)
      return (voters, quorums, mark & marks != 0)
    } catch {
      throw CodingError.malformed("not a configuration of voters and quorums")
    }
  }
}

extension Configuration: CustomStringConvertible {
  /// For people to read.
  public var description: String {
    func words(_ component: Component) -> String {
      "voters \(component.voters) quorums \(component.quorums.prepare)/\(component.quorums.accept)"
    }
    return "\(epoch) \(words(component))" + (incoming.map { " and \(words($0))" } ?? "")
  }
}
