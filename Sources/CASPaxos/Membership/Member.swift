public import Synod

/// One that takes part in a cluster.
public struct Member: Hashable, Sendable {
  /// What a member does.
  public enum Role: UInt8, Hashable, Sendable, CaseIterable {
    /// Votes and proposes.
    case voter = 1
    /// Is to become a voter, as soon as it is heard from. Proposes.
    case learner = 2
    /// Proposes and never votes: a gateway.
    case proposer = 3
    /// Never votes, and is told what is settled. It asks the voters as a proposer does, since a read may
    /// have to write back what it found: that it proposes no changes is up to whoever runs it
    /// (`Machine.standing`).
    case observer = 4
  }

  /// Its identity: one lifetime of one store, never given to another.
  public var voter: VoterID
  /// What it does.
  public var role: Role
  /// Where it is reached, as the transport understands it; empty where that is not known.
  public var address: Bytes
  /// The store that this identity belongs to; nil until it was seen.
  public var store: StoreID?
  /// Of a learner: the voter whose place it is to take; nobody where it only joins.
  public var replaces: VoterID

  /// One made of its parts.
  public init(
    voter: VoterID, role: Role, address: Bytes = Bytes(), store: StoreID? = nil,
    replaces: VoterID = .none
  ) {
    self.voter = voter
    self.role = role
    self.address = address
    self.store = store
    self.replaces = replaces
  }

  /// Longest address, in bytes.
  public static let maxAddress = 256
}

/// What a node is in the cluster, as far as it knows.
public enum Standing: Hashable, Sendable {
  case voter, learner, proposer, observer
  /// It was a member, or might have been, and is none any more: its identity is never used again.
  case retired
  /// The membership that it knows does not name it, yet.
  case stranger
}

extension Member: ByteCodable {
  private static let hasStore: UInt8 = 1

  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(voter.rawValue)
    writer.write(role.rawValue)
    writer.write(replaces.rawValue)
    writer.write(store == nil ? 0 : Self.hasStore)
    store?.encode(into: &writer)
    writer.write(bytes: address)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let voter = VoterID(try reader.read(UInt32.self))
    guard let role = Role(rawValue: try reader.read(UInt8.self)) else {
      throw .malformed("unknown role of a member")
    }
    let replaces = VoterID(try reader.read(UInt32.self))
    let flags = try reader.read(UInt8.self)
    guard flags & ~Self.hasStore == 0 else { throw .malformed("unknown flags of a member") }
    let store = flags & Self.hasStore != 0 ? try StoreID(from: &reader) : nil
    // Not a slice of the frame: it is kept for as long as the membership is.
    let address = try reader.read(bytesUpTo: Self.maxAddress).compacted()
    self.init(voter: voter, role: role, address: address, store: store, replaces: replaces)
  }
}

extension Member: CustomStringConvertible {
  /// For people to read.
  public var description: String {
    let place = replaces == .none ? "" : " for \(replaces)"
    return "\(role) \(voter)\(place)" + (address.isEmpty ? "" : " at \(address)")
  }
}
