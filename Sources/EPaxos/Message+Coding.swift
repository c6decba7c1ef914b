public import Synod

extension Message: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .preAccept(let id, let value):
      writer.write(UInt8(1))
      id.encode(into: &writer)
      value.encode(into: &writer)
    case .preAccepted(let id, let dep):
      writer.write(UInt8(2))
      id.encode(into: &writer)
      dep.encode(into: &writer)
    case .accept(let ballot, let id, let value):
      writer.write(UInt8(3))
      ballot.encode(into: &writer)
      id.encode(into: &writer)
      value.encode(into: &writer)
    case .accepted(let ballot, let id): encode(4, ballot, id, into: &writer)
    case .commit(let committed):
      writer.write(UInt8(5))
      Self.encode(committed, into: &writer)
    case .recover(let ballot, let id): encode(6, ballot, id, into: &writer)
    case .holding(let ballot, let id, let holding):
      encode(7, ballot, id, into: &writer)
      holding.encode(into: &writer)
    case .refused(let ballot, let id, let promised):
      encode(8, ballot, id, into: &writer)
      promised.encode(into: &writer)
    case .validate, .validated, .waiting, .fetch, .standing, .executed, .fetchPiece, .piece:
      encodeRest(into: &writer)
    }
  }

  private func encode(
    _ kind: UInt8, _ ballot: Ballot, _ id: InstanceID, into writer: inout ByteWriter
  ) {
    writer.write(kind)
    ballot.encode(into: &writer)
    id.encode(into: &writer)
  }

  private func encodeRest(into writer: inout ByteWriter) {
    switch self {
    case .validate(let ballot, let id, let value):
      encode(9, ballot, id, into: &writer)
      value.encode(into: &writer)
    case .validated(let ballot, let id, let objections):
      encode(10, ballot, id, into: &writer)
      Self.encode(objections, into: &writer)
    case .waiting(let id, let unchanged):
      writer.write(UInt8(11))
      id.encode(into: &writer)
      writer.write(UInt8(truncatingIfNeeded: unchanged))
    case .fetch(let ids):
      writer.write(UInt8(12))
      Self.encode(ids, into: &writer)
    case .standing(let standing, let asks):
      writer.write(UInt8(13))
      standing.encode(into: &writer)
      writer.write(UInt8(asks ? 1 : 0))
    case .executed(let barrier, let asks):
      writer.write(UInt8(14))
      barrier.encode(into: &writer)
      writer.write(UInt8(asks ? 1 : 0))
    case .fetchPiece(let snapshot, let index):
      writer.write(UInt8(15))
      writer.write(snapshot)
      writer.write(index)
    case .piece(let piece):
      writer.write(UInt8(16))
      piece.encode(into: &writer)
    case .preAccept, .preAccepted, .accept, .accepted, .commit, .recover, .holding, .refused: break
    }
  }

  static func encode(_ elements: [some ByteCodable], into writer: inout ByteWriter) {
    writer.write(UInt32(truncatingIfNeeded: elements.count))
    for element in elements { element.encode(into: &writer) }
  }

  /// - Parameter size: bytes that an element takes at least.
  static func decode<Element: ByteCodable>(
    _: Element.Type, atLeast size: Int, from reader: inout ByteReader
  ) throws(CodingError) -> [Element] {
    let count = Int(try reader.read(UInt32.self))
    guard count <= maxElements, count <= reader.remaining / size else {
      throw .overLimit(found: UInt64(count), limit: min(maxElements, reader.remaining / size))
    }
    var elements: [Element] = []
    elements.reserveCapacity(count)
    for _ in 0..<count { elements.append(try Element(from: &reader)) }
    return elements
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let kind = try reader.read(UInt8.self)
    switch kind {
    case 1: self = .preAccept(try InstanceID(from: &reader), try Value(proposed: &reader))
    case 2: self = .preAccepted(try InstanceID(from: &reader), try Dependencies(from: &reader))
    case 3:
      self = .accept(
        try Ballot(of: &reader), try InstanceID(from: &reader), try Value(from: &reader))
    case 4: self = .accepted(try Ballot(of: &reader), try InstanceID(from: &reader))
    case 5:
      let committed = try Self.decode(
        Committed.self, atLeast: InstanceID.encodedSize + 6, from: &reader)
      guard !committed.isEmpty else { throw .malformed("no decision") }
      self = .commit(committed)
    case 6: self = .recover(try Ballot(recovering: &reader), try InstanceID(from: &reader))
    case 7:
      self = .holding(
        try Ballot(recovering: &reader), try InstanceID(from: &reader), try Holding(from: &reader))
    case 8:
      self = .refused(
        try Ballot(of: &reader), try InstanceID(from: &reader),
        promised: try Ballot(of: &reader))
    case 9:
      self = .validate(
        try Ballot(recovering: &reader), try InstanceID(from: &reader),
        try Value(proposed: &reader))
    default: try self.init(kind, from: &reader)
    }
  }

  private init(_ kind: UInt8, from reader: inout ByteReader) throws(CodingError) {
    switch kind {
    case 10:
      let ballot = try Ballot(recovering: &reader)
      let id = try InstanceID(from: &reader)
      self = .validated(
        ballot, id,
        try Self.decode(Objection.self, atLeast: InstanceID.encodedSize + 1, from: &reader))
    case 11:
      self = .waiting(
        try InstanceID(from: &reader), unchanged: Int(try reader.read(UInt8.self)))
    case 12:
      self = .fetch(
        try Self.decode(InstanceID.self, atLeast: InstanceID.encodedSize, from: &reader))
    case 13: self = .standing(try Standing(from: &reader), asks: try Self.mark(from: &reader))
    case 14: self = .executed(try InstanceID(from: &reader), asks: try Self.mark(from: &reader))
    case 15:
      self = .fetchPiece(
        snapshot: try reader.read(UInt64.self), index: try reader.read(UInt32.self))
    case 16: self = .piece(try SnapshotPiece(from: &reader))
    default: throw .malformed("unknown kind of message")
    }
  }
}

extension Message {
  static func mark(from reader: inout ByteReader) throws(CodingError) -> Bool {
    let mark = try reader.read(UInt8.self)
    guard mark <= 1 else { throw .malformed("neither yes nor no") }
    return mark == 1
  }
}

extension Ballot {
  /// Reads the owner's, or one that a recoverer drew.
  init(of reader: inout ByteReader) throws(CodingError) {
    try self.init(from: &reader)
    guard isZero || counter > 0 && voter != .none else { throw .malformed("not a ballot") }
  }

  /// Reads one that a recoverer drew.
  init(recovering reader: inout ByteReader) throws(CodingError) {
    try self.init(of: &reader)
    guard !isZero else { throw .malformed("a recovery at the owner's ballot") }
  }
}

extension Value {
  /// Reads what an owner proposed.
  init(proposed reader: inout ByteReader) throws(CodingError) {
    try self.init(from: &reader)
    guard !batch.isNop else { throw .malformed("a proposal of nothing") }
  }
}

extension Phase {
  init(from reader: inout ByteReader) throws(CodingError) {
    guard let phase = Phase(rawValue: try reader.read(UInt8.self)) else {
      throw .malformed("unknown phase")
    }
    self = phase
  }
}

extension Message.Committed: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    id.encode(into: &writer)
    value.encode(into: &writer)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    id = try InstanceID(from: &reader)
    value = try Value(from: &reader)
  }
}

extension Objection: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    id.encode(into: &writer)
    writer.write(UInt8(isCommitted ? 1 : 0))
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    id = try InstanceID(from: &reader)
    isCommitted = try Message.mark(from: &reader)
  }
}

extension Holding: ByteCodable {
  private static let hasCommand: UInt8 = 0x80

  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(phase.rawValue | (cmd == nil ? 0 : Self.hasCommand))
    abal.encode(into: &writer)
    dep.encode(into: &writer)
    initDep.encode(into: &writer)
    cmd?.encode(into: &writer)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let mark = try reader.read(UInt8.self)
    guard let phase = Phase(rawValue: mark & ~Self.hasCommand) else {
      throw .malformed("unknown phase")
    }
    self.phase = phase
    abal = try Ballot(of: &reader)
    dep = try Dependencies(from: &reader)
    initDep = try Dependencies(from: &reader)
    cmd = mark & Self.hasCommand == 0 ? nil : try Batch(from: &reader)
    // A command may be known without having been held: from a validation (rule 18).
    if phase != .initial, cmd == nil { throw .malformed("something is held, and not what") }
  }
}

extension Message.SnapshotPiece: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(snapshot)
    writer.write(index)
    writer.write(UInt8(isLast ? 1 : 0))
    writer.write(digest)
    writer.write(UInt32(truncatingIfNeeded: bytes.count))
    for piece in bytes { writer.write(bytes: piece) }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    snapshot = try reader.read(UInt64.self)
    index = try reader.read(UInt32.self)
    isLast = try Message.mark(from: &reader)
    digest = try reader.read(UInt64.self)
    let count = Int(try reader.read(UInt32.self))
    guard count <= Message.maxElements, count <= reader.remaining / 4 else {
      throw .overLimit(found: UInt64(count), limit: min(Message.maxElements, reader.remaining / 4))
    }
    bytes = []
    for _ in 0..<count { bytes.append(try reader.read(bytesUpTo: Message.maxPiece)) }
  }
}
