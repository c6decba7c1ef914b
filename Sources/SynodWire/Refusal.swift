public import Synod

/// Why one side does not speak with the other: a code that travels, so that the refused side too
/// can print what to do.
public enum Refusal: Error, Hashable, Sendable {
  /// The refused node belongs to another cluster than the refusing one, whose identity this is.
  case wrongCluster(expected: ClusterID)
  /// The refusing node's configuration has no such voter.
  case unknownVoter(VoterID)
  /// The refusing node knows this voter by another store.
  case otherStore(VoterID, pinned: StoreID)
  /// The refusing node speaks only these versions of the wire.
  case noCommonVersion(speaks: ClosedRange<UInt8>)
  /// The refused node says that it is the refusing one.
  case claimsMyIdentity(VoterID)
  /// The address led to another voter than its entry says.
  case otherVoterDialed(meant: VoterID, found: VoterID)
  /// A later life of the same store has already been met.
  case olderIncarnation(VoterID, seen: UInt64)
  /// The pair keeps another connection.
  case duplicate
  /// There are as many connections as are allowed.
  case busy
  /// The refusing node could not keep the pin durably.
  case cannotPin(VoterID)
  /// The refused node sent what is not a frame, or not a message.
  case badBytes
  /// The refusing node shuts down.
  case leaving
  /// The refused node's certificate does not name this voter of the refusing node's cluster.
  case notCertified(VoterID)
  /// The refused node speaks another protocol.
  case otherMachine
  /// A code of a later version.
  case other(code: UInt16)
}

extension Refusal: ByteCodable {
  /// The number that travels.
  public var code: UInt16 {
    switch self {
    case .wrongCluster: 1
    case .unknownVoter: 2
    case .otherStore: 3
    case .noCommonVersion: 4
    case .claimsMyIdentity: 5
    case .otherVoterDialed: 6
    case .olderIncarnation: 7
    case .duplicate: 8
    case .busy: 9
    case .cannotPin: 10
    case .badBytes: 11
    case .leaving: 12
    case .notCertified: 13
    case .otherMachine: 14
    case .other(let code): code
    }
  }

  /// Writes the code, then what belongs to it.
  public func encode(into writer: inout ByteWriter) {
    writer.write(code)
    switch self {
    case .wrongCluster(let cluster): cluster.encode(into: &writer)
    case .unknownVoter(let voter), .claimsMyIdentity(let voter), .cannotPin(let voter),
      .notCertified(let voter):
      writer.write(voter.rawValue)
    case .otherStore(let voter, let pinned):
      writer.write(voter.rawValue)
      pinned.encode(into: &writer)
    case .noCommonVersion(let speaks):
      writer.write(speaks.lowerBound)
      writer.write(speaks.upperBound)
    case .otherVoterDialed(let meant, let found):
      writer.write(meant.rawValue)
      writer.write(found.rawValue)
    case .olderIncarnation(let voter, let seen):
      writer.write(voter.rawValue)
      writer.write(seen)
    case .duplicate, .busy, .badBytes, .leaving, .otherMachine, .other: break
    }
  }

  /// Reads a refusal. What follows it is a later version's and left unread.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let code = try reader.read(UInt16.self)
    switch code {
    case 1: self = .wrongCluster(expected: try ClusterID(from: &reader))
    case 2: self = .unknownVoter(VoterID(try reader.read(UInt32.self)))
    case 3:
      let voter = VoterID(try reader.read(UInt32.self))
      self = .otherStore(voter, pinned: try StoreID(from: &reader))
    case 4:
      let lowest = try reader.read(UInt8.self)
      let highest = try reader.read(UInt8.self)
      guard lowest <= highest else { throw .malformed("the lowest version is above the highest") }
      self = .noCommonVersion(speaks: lowest...highest)
    case 5: self = .claimsMyIdentity(VoterID(try reader.read(UInt32.self)))
    case 6:
      let meant = VoterID(try reader.read(UInt32.self))
      self = .otherVoterDialed(meant: meant, found: VoterID(try reader.read(UInt32.self)))
    case 7:
      let voter = VoterID(try reader.read(UInt32.self))
      self = .olderIncarnation(voter, seen: try reader.read(UInt64.self))
    case 8: self = .duplicate
    case 9: self = .busy
    case 10: self = .cannotPin(VoterID(try reader.read(UInt32.self)))
    case 11: self = .badBytes
    case 12: self = .leaving
    case 13: self = .notCertified(VoterID(try reader.read(UInt32.self)))
    case 14: self = .otherMachine
    default: self = .other(code: code)
    }
  }
}
