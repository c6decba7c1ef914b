public import Synod

/// What each side says of itself before anything else.
public struct Hello: Hashable, Sendable {
  /// The cluster that the sender belongs to.
  public var cluster: ClusterID
  /// Who the sender is.
  public var voter: VoterID
  /// The store that the sender runs on; pinned to its voter by its peers.
  public var store: StoreID
  /// How often this store has been started; grows with every start.
  public var incarnation: UInt64
  /// The configuration that the sender is in.
  public var epoch: Epoch
  /// The versions of the wire that the sender speaks.
  public var versions: ClosedRange<UInt8>
  /// What the sender can do beyond its versions; both sides use what both have. None exists yet.
  public var features: UInt64
  /// Which of the memberships within its epoch the sender knows: it rises with each.
  public var revision: UInt64
  /// Stands for the protocol that the sender speaks (`machine(named:)`); zero where it does not say.
  public var machine: UInt32

  /// What a node says of itself.
  public init(
    cluster: ClusterID, voter: VoterID, store: StoreID, incarnation: UInt64, epoch: Epoch,
    versions: ClosedRange<UInt8> = WireVersion.supported, features: UInt64 = 0,
    revision: UInt64 = 0, machine: UInt32 = 0
  ) {
    self.cluster = cluster
    self.voter = voter
    self.store = store
    self.incarnation = incarnation
    self.epoch = epoch
    self.versions = versions
    self.features = features
    self.revision = revision
    self.machine = machine
  }

  /// What stands for the protocol of that name.
  public static func machine(named name: String) -> UInt32 {
    max(1, CRC32C.checksum(Bytes(name)))
  }
}

extension Hello: ByteCodable {
  /// Writes the fields in their order, 70 bytes.
  public func encode(into writer: inout ByteWriter) {
    cluster.encode(into: &writer)
    writer.write(voter.rawValue)
    store.encode(into: &writer)
    writer.write(incarnation)
    writer.write(epoch.rawValue)
    writer.write(versions.lowerBound)
    writer.write(versions.upperBound)
    writer.write(features)
    writer.write(revision)
    writer.write(machine)
  }

  /// Reads a hello. The first nodes ended it before the revision, and others before the machine; what follows that is a later
  /// version's and left unread.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let cluster = try ClusterID(from: &reader)
    let voter = VoterID(try reader.read(UInt32.self))
    let store = try StoreID(from: &reader)
    let incarnation = try reader.read(UInt64.self)
    let epoch = Epoch(try reader.read(UInt32.self))
    let lowest = try reader.read(UInt8.self)
    let highest = try reader.read(UInt8.self)
    let features = try reader.read(UInt64.self)
    let revision = reader.isAtEnd ? 0 : try reader.read(UInt64.self)
    let machine = reader.isAtEnd ? 0 : try reader.read(UInt32.self)
    guard voter != .none else { throw .malformed("voter 0 is nobody") }
    guard lowest <= highest else { throw .malformed("the lowest version is above the highest") }
    self.init(
      cluster: cluster, voter: voter, store: store, incarnation: incarnation, epoch: epoch,
      versions: lowest...highest, features: features, revision: revision,
      machine: machine)
  }
}

extension Hello {
  /// The highest version that both speak; nil where there is none.
  public func commonVersion(with other: Hello) -> UInt8? {
    let highest = min(versions.upperBound, other.versions.upperBound)
    return highest >= max(versions.lowerBound, other.versions.lowerBound) ? highest : nil
  }

  /// Whether the sender of this knows newer members than the sender of `other`.
  public func knowsMore(than other: Hello) -> Bool {
    (epoch, revision) > (other.epoch, other.revision)
  }

  /// Why the sender of `other` may not speak to this side; nil where it may, as far as can be told
  /// without the pins. A stranger that knows newer members may: perhaps it is one of them, and this
  /// side was away. It is a guest then, and heard on the members alone.
  /// - Parameters:
  ///   - other: what that side says of itself.
  ///   - voters: who has a vote.
  ///   - dialed: whom this side meant to reach, where it is the one that connected.
  public func objection(
    to other: Hello, voters: [VoterID], dialed: VoterID?
  ) -> Refusal? {
    guard other.cluster == cluster else { return .wrongCluster(expected: cluster) }
    guard machine == 0 || other.machine == 0 || machine == other.machine else {
      return .otherMachine
    }
    guard commonVersion(with: other) != nil else { return .noCommonVersion(speaks: versions) }
    guard other.voter != voter else { return .claimsMyIdentity(voter) }
    guard voters.contains(other.voter) || other.knowsMore(than: self) else {
      return .unknownVoter(other.voter)
    }
    if let dialed, dialed != other.voter {
      return .otherVoterDialed(meant: dialed, found: other.voter)
    }
    return nil
  }
}
