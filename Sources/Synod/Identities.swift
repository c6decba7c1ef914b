/// A voter: **one lifetime of one store**, not a computer.
///
/// A node whose store is lost, rolled back or doubted never votes under its old identity again; it
/// comes back as a new voter through a membership change. Zero is nobody.
public struct VoterID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The bare number.
  public let rawValue: UInt32

  /// Wraps a bare number.
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
  /// Wraps a bare number.
  @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// Nobody: the voter of the zero ballot.
  @inlinable public static var none: VoterID { VoterID(0) }

  /// Whether `a` comes before `b`.
  @inlinable public static func < (a: VoterID, b: VoterID) -> Bool { a.rawValue < b.rawValue }
  /// For people to read.
  public var description: String { "\(rawValue)" }
}

/// Names one configuration of the voters. The leading part of every ballot.
public struct Epoch: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The bare number.
  public let rawValue: UInt32

  /// Wraps a bare number.
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
  /// Wraps a bare number.
  @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// Whether `a` comes before `b`.
  @inlinable public static func < (a: Epoch, b: Epoch) -> Bool { a.rawValue < b.rawValue }
  /// The epoch behind this one.
  @inlinable public var next: Epoch { Epoch(rawValue + 1) }
  /// For people to read.
  public var description: String { "\(rawValue)" }
}

/// Names a proposal to whoever made it. The caller chooses it; a machine holds no two open
/// proposals of one identity.
public struct ProposalID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The bare number.
  public let rawValue: UInt64

  /// Wraps a bare number.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// Wraps a bare number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }
  /// For people to read.
  public var description: String { "\(rawValue)" }
}

/// Names an effect that a machine asked its application for.
public struct EffectID: RawRepresentable, Hashable, Sendable {
  /// The bare number.
  public let rawValue: UInt64

  /// Wraps a bare number.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// Wraps a bare number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// 128 random or hashed bits, written as 32 hexadecimal digits.
public struct Identity128: Hashable, Sendable, CustomStringConvertible {
  /// The first 64 bits.
  public let high: UInt64
  /// The last 64 bits.
  public let low: UInt64

  /// One made of its parts.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// For people to read.
  public var description: String {
    func hex(_ x: UInt64) -> String {
      let s = String(x, radix: 16)
      return String(repeating: "0", count: 16 - s.utf8.count) + s
    }
    return hex(high) + hex(low)
  }
}

extension Identity128: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(high)
    writer.write(low)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    self.init(high: try reader.read(UInt64.self), low: try reader.read(UInt64.self))
  }
}

/// The random identity of one store. Peers pin it to a voter before they count that voter's first
/// vote, so a wiped directory that calls itself by an old voter's number is a stranger.
public struct StoreID: Hashable, Sendable, CustomStringConvertible, ByteCodable {
  /// The bits.
  public let value: Identity128

  /// One made of its parts.
  public init(_ value: Identity128) { self.value = value }
  /// For people to read.
  public var description: String { value.description }

  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) { value.encode(into: &writer) }
  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    self.init(try Identity128(from: &reader))
  }
}

/// The identity of a cluster: a hash of its token, its initial members and, where they are
/// not majorities, its initial quorums.
public struct ClusterID: Hashable, Sendable, CustomStringConvertible, ByteCodable {
  /// The bits.
  public let value: Identity128

  /// One made of its parts.
  public init(_ value: Identity128) { self.value = value }

  /// The identity that every node of a new cluster computes alike.
  /// - Parameters:
  ///   - token: what tells two clusters with the same members apart; may be empty.
  ///   - voters: the initial voters, in any order.
  ///   - quorums: the initial quorums, where they are not majorities: nodes that count differently
  ///     must not take part in one cluster, since what one decides another may miss.
  public init(token: String, voters: [VoterID], quorums: QuorumSystem? = nil) {
    var writer = ByteWriter()
    writer.write(bytes: Bytes(token))
    for voter in voters.sorted() { writer.write(voter.rawValue) }
    if let quorums, quorums != QuorumSystem(majorityOf: quorums.voters) {
      // Voters have no such number.
      writer.write(VoterID.none.rawValue)
      writer.write(UInt8(truncatingIfNeeded: quorums.prepare))
      writer.write(UInt8(truncatingIfNeeded: quorums.accept))
    }
    let bytes = writer.finish()
    value = Identity128(
      high: SipHash(key: (0x73796e6f642d636c, 1)).hash(bytes),
      low: SipHash(key: (0x73796e6f642d636c, 2)).hash(bytes))
  }

  /// For people to read.
  public var description: String { value.description }

  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) { value.encode(into: &writer) }
  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    self.init(try Identity128(from: &reader))
  }
}
