public import Synod

/// The instances that one voter began in one epoch, numbered from 1.
public struct Row: Hashable, Sendable {
  /// The configuration that its instances are decided in, whatever comes after (rule 44).
  public var epoch: Epoch
  /// Who begins them, and nobody else.
  public var owner: VoterID

  /// One made of its parts.
  @inlinable public init(epoch: Epoch, owner: VoterID) {
    self.epoch = epoch
    self.owner = owner
  }
}

extension Row: Comparable {
  /// By epoch, then by owner.
  @inlinable public static func < (a: Row, b: Row) -> Bool {
    a.epoch != b.epoch ? a.epoch < b.epoch : a.owner < b.owner
  }
}

extension Row: CustomStringConvertible {
  /// For people to read.
  public var description: String { "\(epoch).\(owner)" }
}

extension Row: ByteCodable {
  /// Bytes of one.
  @inlinable public static var encodedSize: Int { 8 }

  /// Appends its binary form.
  @inlinable public func encode(into writer: inout ByteWriter) {
    writer.write(epoch.rawValue)
    writer.write(owner.rawValue)
  }

  /// Reads its binary form, or says why it cannot.
  @inlinable public init(from reader: inout ByteReader) throws(CodingError) {
    let epoch = Epoch(try reader.read(UInt32.self))
    let owner = VoterID(try reader.read(UInt32.self))
    guard owner != .none else { throw .malformed("a row of nobody's") }
    self.init(epoch: epoch, owner: owner)
  }
}

/// Names one consensus: the owner's number for it, never used again (rule 3).
public struct InstanceID: Hashable, Sendable {
  /// Whose it is.
  public var row: Row
  /// From 1.
  public var number: UInt64

  /// One made of its parts.
  @inlinable public init(row: Row, number: UInt64) {
    self.row = row
    self.number = number
  }

  /// No number above this is ever given or believed, so that arithmetic on numbers cannot overflow,
  /// whatever a peer says.
  @inlinable public static var numberLimit: UInt64 { 1 << 56 }

  /// Who began it.
  @inlinable public var owner: VoterID { row.owner }
}

extension InstanceID: Comparable {
  /// By number, then by owner: the order in which a component of instances that depend on each other
  /// is executed, the same on every node (rule 38). Epochs never meet in one component, since one
  /// begins when all before it is decided; they come last.
  @inlinable public static func < (a: InstanceID, b: InstanceID) -> Bool {
    if a.number != b.number { return a.number < b.number }
    if a.row.owner != b.row.owner { return a.row.owner < b.row.owner }
    return a.row.epoch < b.row.epoch
  }
}

extension InstanceID: CustomStringConvertible {
  /// For people to read.
  public var description: String { "\(row).\(number)" }
}

extension InstanceID: ByteCodable {
  /// Bytes of one.
  @inlinable public static var encodedSize: Int { Row.encodedSize + 8 }

  /// Appends its binary form.
  @inlinable public func encode(into writer: inout ByteWriter) {
    row.encode(into: &writer)
    writer.write(number)
  }

  /// Reads its binary form, or says why it cannot.
  @inlinable public init(from reader: inout ByteReader) throws(CodingError) {
    let row = try Row(from: &reader)
    let number = try reader.read(UInt64.self)
    guard (1...Self.numberLimit).contains(number) else {
      throw .malformed("no number of an instance")
    }
    self.init(row: row, number: number)
  }
}
