public import Synod

/// One node of the cluster.
public struct Member: Hashable, Sendable {
  /// What a member does.
  public enum Role: UInt8, Sendable {
    /// It votes, and has commands decided.
    case voter = 1
    /// It holds the state, and does not vote.
    case learner = 2
    /// It becomes a voter as soon as it holds the state.
    case joining = 3
  }

  /// Its identity: one lifetime of one store.
  public var voter: VoterID
  /// What it does.
  public var role: Role
  /// The store that the identity belongs to; not known yet where it is nil.
  public var store: Identity128?
  /// Where it is reached.
  public var address: Bytes
  /// Whether a change said where it is reached: until then, settings know better where one is with whom the
  /// cluster began.
  public internal(set) var hasMoved = false
  /// The voter in whose place it comes: that one goes in the moment in which this one votes.
  public internal(set) var replaces: VoterID?

  /// One made of its parts.
  public init(voter: VoterID, role: Role, store: Identity128? = nil, address: Bytes = Bytes()) {
    self.voter = voter
    self.role = role
    self.store = store
    self.address = address
  }

  /// Longest address, in bytes.
  public static let maxAddress = 256
}

extension Member: ByteCodable {
  private static let hasStore: UInt8 = 0x80
  private static let replacesOne: UInt8 = 0x40
  private static let hasMovedAway: UInt8 = 0x20

  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(voter.rawValue)
    writer.write(
      role.rawValue | (store == nil ? 0 : Self.hasStore) | (replaces == nil ? 0 : Self.replacesOne)
        | (hasMoved ? Self.hasMovedAway : 0))
    store?.encode(into: &writer)
    if let replaces { writer.write(replaces.rawValue) }
    writer.write(bytes: address)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    voter = VoterID(try reader.read(UInt32.self))
    let mark = try reader.read(UInt8.self)
    let marks = Self.hasStore | Self.replacesOne | Self.hasMovedAway
    guard let role = Role(rawValue: mark & ~marks) else { throw .malformed("unknown role") }
    self.role = role
    hasMoved = mark & Self.hasMovedAway != 0
    store = mark & Self.hasStore == 0 ? nil : try Identity128(from: &reader)
    replaces = mark & Self.replacesOne == 0 ? nil : VoterID(try reader.read(UInt32.self))
    address = try reader.read(bytesUpTo: Self.maxAddress)
  }
}
