public import Synod

/// One node of the cluster.
public struct Member: Hashable, Sendable {
  /// What a member does.
  public enum Role: UInt8, Sendable {
    /// It votes.
    case voter = 1
    /// It holds the log and the state, and does not vote yet.
    case learner = 2
    /// It holds the log and the state, and never votes.
    case observer = 3
  }

  /// Its identity: one lifetime of one store.
  public var voter: VoterID
  /// What it does.
  public var role: Role
  /// The store that the identity belongs to. A store that is lost a second time must not take the identity
  /// that its predecessor was given (rule 33). Nil for the first voters, until they are pinned, and for
  /// those who do not vote yet.
  public var store: Identity128?
  /// Where it is reached.
  public var address: Bytes
  /// Of a learner: the voter that goes as soon as this one votes.
  public var replaces: VoterID?

  /// One made of its parts.
  public init(
    voter: VoterID, role: Role, store: Identity128? = nil, address: Bytes = Bytes(),
    replaces: VoterID? = nil
  ) {
    self.voter = voter
    self.role = role
    self.store = store
    self.address = address
    self.replaces = replaces
  }

  /// Longest address, in bytes.
  public static let maxAddress = 256
}

extension Member: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(voter.rawValue)
    writer.write(role.rawValue | (store == nil ? 0 : 0x80) | (replaces == nil ? 0 : 0x40))
    store?.encode(into: &writer)
    if let replaces { writer.write(replaces.rawValue) }
    writer.write(bytes: address)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    voter = VoterID(try reader.read(UInt32.self))
    let mark = try reader.read(UInt8.self)
    guard let role = Role(rawValue: mark & 0x3f) else { throw .malformed("unknown role") }
    self.role = role
    store = mark & 0x80 == 0 ? nil : try Identity128(from: &reader)
    replaces = mark & 0x40 == 0 ? nil : VoterID(try reader.read(UInt32.self))
    address = try reader.read(bytesUpTo: Member.maxAddress)
  }
}
