public import Synod

extension Message: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .probe(let round, let chosen):
      writer.write(UInt8(1))
      writer.write(round)
      chosen.encode(into: &writer)
    case .probed(let round, let misses, let promised):
      writer.write(UInt8(2))
      writer.write(round)
      writer.write(UInt8(misses ? 1 : 0))
      promised.encode(into: &writer)
    case .prepare(let ballot, let from):
      writer.write(UInt8(3))
      ballot.encode(into: &writer)
      from.encode(into: &writer)
    case .promise(let promise):
      writer.write(UInt8(4))
      promise.encode(into: &writer)
    case .refused(let ballot, let promised):
      writer.write(UInt8(5))
      ballot.encode(into: &writer)
      promised.encode(into: &writer)
    case .accept(let accept):
      writer.write(UInt8(6))
      accept.encode(into: &writer)
    case .accepted(let ballot, let first, let last):
      writer.write(UInt8(7))
      ballot.encode(into: &writer)
      first.encode(into: &writer)
      last.encode(into: &writer)
    case .heartbeat(let ballot, let chosen, let round):
      writer.write(UInt8(8))
      ballot.encode(into: &writer)
      chosen.encode(into: &writer)
      writer.write(round)
    case .echo(let ballot, let round, let applied, let granted):
      writer.write(UInt8(9))
      ballot.encode(into: &writer)
      writer.write(round)
      applied.encode(into: &writer)
      writer.write(granted)
    case .fetch, .entries, .compacted, .fetchPiece, .piece, .forward, .notLeading, .askIndex,
      .index, .takeOver, .digest, .diverged, .returned, .acknowledged, .askKnown, .known, .release:
      encodeRest(into: &writer)
    }
  }

  private func encodeRest(into writer: inout ByteWriter) {
    switch self {
    case .fetch(let from):
      writer.write(UInt8(10))
      from.encode(into: &writer)
    case .entries(let first, let entries, let chosen):
      writer.write(UInt8(11))
      first.encode(into: &writer)
      chosen.encode(into: &writer)
      Entry.encode(entries, into: &writer)
    case .compacted(let through):
      writer.write(UInt8(12))
      through.encode(into: &writer)
    case .fetchPiece(let slot, let index):
      writer.write(UInt8(13))
      slot.encode(into: &writer)
      writer.write(index)
    case .piece(let piece):
      writer.write(UInt8(14))
      piece.encode(into: &writer)
    case .forward(let entries):
      writer.write(UInt8(15))
      Entry.encode(entries, into: &writer)
    case .notLeading(let leader):
      writer.write(UInt8(16))
      writer.write(leader?.rawValue ?? 0)
    case .askIndex(let round):
      writer.write(UInt8(17))
      writer.write(round)
    case .index(let round, let slot):
      writer.write(UInt8(18))
      writer.write(round)
      slot.encode(into: &writer)
    case .takeOver(let ballot, let round):
      writer.write(UInt8(19))
      ballot.encode(into: &writer)
      writer.write(round)
    case .digest(let slot, let digest):
      writer.write(UInt8(20))
      slot.encode(into: &writer)
      writer.write(digest)
    case .diverged(let slot):
      writer.write(UInt8(21))
      slot.encode(into: &writer)
    case .returned: writer.write(UInt8(22))
    case .acknowledged(let promised, let slot):
      writer.write(UInt8(23))
      promised.encode(into: &writer)
      slot.encode(into: &writer)
    case .askKnown: writer.write(UInt8(24))
    case .known(let slot):
      writer.write(UInt8(25))
      slot.encode(into: &writer)
    case .release(let ballot, let round):
      writer.write(UInt8(26))
      ballot.encode(into: &writer)
      writer.write(round)
    case .probe, .probed, .prepare, .promise, .refused, .accept, .accepted, .heartbeat, .echo:
      break
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let kind = try reader.read(UInt8.self)
    switch kind {
    case 1: self = .probe(round: try reader.read(UInt64.self), chosen: try Slot(from: &reader))
    case 2:
      let round = try reader.read(UInt64.self)
      let misses = try reader.read(UInt8.self)
      guard misses <= 1 else { throw .malformed("neither yes nor no") }
      self = .probed(round: round, misses: misses == 1, promised: try Ballot(from: &reader))
    case 3: self = .prepare(try Ballot(real: &reader), from: try Slot(from: &reader))
    case 4: self = .promise(try Promise(from: &reader))
    case 5: self = .refused(try Ballot(real: &reader), promised: try Ballot(real: &reader))
    case 6: self = .accept(try Accept(from: &reader))
    case 7:
      let ballot = try Ballot(real: &reader)
      let first = try Slot(from: &reader)
      let last = try Slot(from: &reader)
      guard first > .none, first <= last else { throw .malformed("an empty range of slots") }
      self = .accepted(ballot, first: first, last: last)
    case 8:
      self = .heartbeat(
        try Ballot(real: &reader), chosen: try Slot(from: &reader),
        round: try reader.read(UInt64.self))
    case 9:
      self = .echo(
        try Ballot(real: &reader), round: try reader.read(UInt64.self),
        applied: try Slot(from: &reader), granted: try reader.read(UInt64.self))
    default: try self.init(kind, from: &reader)
    }
  }

  private init(_ kind: UInt8, from reader: inout ByteReader) throws(CodingError) {
    switch kind {
    case 10: self = .fetch(from: try Slot(from: &reader))
    case 11:
      let first = try Slot(from: &reader)
      let chosen = try Slot(from: &reader)
      guard first > .none else { throw .malformed("an entry before the first slot") }
      self = .entries(first: first, try Entry.decode(from: &reader), chosen: chosen)
    case 12: self = .compacted(through: try Slot(from: &reader))
    case 13: self = .fetchPiece(slot: try Slot(from: &reader), index: try reader.read(UInt32.self))
    case 14: self = .piece(try SnapshotPiece(from: &reader))
    case 15: self = .forward(try Entry.decode(from: &reader))
    case 16:
      let leader = VoterID(try reader.read(UInt32.self))
      self = .notLeading(leader == .none ? nil : leader)
    case 17: self = .askIndex(round: try reader.read(UInt64.self))
    case 18: self = .index(round: try reader.read(UInt64.self), try Slot(from: &reader))
    case 19: self = .takeOver(try Ballot(real: &reader), round: try reader.read(UInt64.self))
    case 20: self = .digest(try Slot(from: &reader), try reader.read(UInt64.self))
    case 21: self = .diverged(try Slot(from: &reader))
    case 22: self = .returned
    case 23:
      self = .acknowledged(
        promised: try Ballot(real: &reader), slot: try Slot(from: &reader))
    case 24: self = .askKnown
    case 25: self = .known(try Slot(from: &reader))
    case 26: self = .release(try Ballot(real: &reader), round: try reader.read(UInt64.self))
    default: throw .malformed("unknown kind of message")
    }
  }
}

extension Ballot {
  /// Reads one that somebody drew.
  init(real reader: inout ByteReader) throws(CodingError) {
    try self.init(from: &reader)
    guard counter > 0, voter != .none, epoch == Epoch(0) else {
      throw .malformed("not a ballot of a log")
    }
  }
}

extension Entry {
  static func encode(_ entries: [Entry], into writer: inout ByteWriter) {
    writer.write(UInt32(truncatingIfNeeded: entries.count))
    entries.withUnsafeBufferPointer { entries in
      for index in entries.indices { entries[index].encode(into: &writer) }
    }
  }

  static func decode(from reader: inout ByteReader) throws(CodingError) -> [Entry] {
    let count = Int(try reader.read(UInt32.self))
    guard count <= Message.maxEntries, count <= reader.remaining else {
      throw .overLimit(found: UInt64(count), limit: min(Message.maxEntries, reader.remaining))
    }
    var entries: [Entry] = []
    // An entry takes a byte at least; memory follows what is there, not what is announced.
    entries.reserveCapacity(min(count, reader.remaining / 16 + 1))
    for _ in 0..<count { entries.append(try Entry(from: &reader)) }
    return entries
  }
}

extension Message.Promise: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    ballot.encode(into: &writer)
    from.encode(into: &writer)
    writer.write(part)
    writer.write(parts)
    writer.write(content)
    writer.write(UInt32(truncatingIfNeeded: accepted.count))
    for one in accepted {
      one.slot.encode(into: &writer)
      one.ballot.encode(into: &writer)
      one.entry.encode(into: &writer)
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    ballot = try Ballot(real: &reader)
    from = try Slot(from: &reader)
    part = try reader.read(UInt32.self)
    parts = try reader.read(UInt32.self)
    guard parts > part, from > .none else { throw .malformed("a part beyond the last") }
    content = try reader.read(UInt64.self)
    let count = Int(try reader.read(UInt32.self))
    guard count <= Message.maxEntries, count <= reader.remaining else {
      throw .overLimit(found: UInt64(count), limit: min(Message.maxEntries, reader.remaining))
    }
    accepted = []
    for _ in 0..<count {
      let slot = try Slot(from: &reader)
      guard slot >= from else { throw .malformed("a slot before those that are promised") }
      accepted.append(
        Message.AcceptedEntry(
          slot: slot, ballot: try Ballot(real: &reader), entry: try Entry(from: &reader)))
    }
  }
}

extension Message.Accept: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    ballot.encode(into: &writer)
    chosen.encode(into: &writer)
    first.encode(into: &writer)
    Entry.encode(entries, into: &writer)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    ballot = try Ballot(real: &reader)
    chosen = try Slot(from: &reader)
    first = try Slot(from: &reader)
    guard first > .none else { throw .malformed("an entry before the first slot") }
    entries = try Entry.decode(from: &reader)
    guard !entries.isEmpty else { throw .malformed("an accept of nothing") }
  }
}

extension Message.SnapshotPiece: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    slot.encode(into: &writer)
    writer.write(index)
    writer.write(UInt8(isLast ? 1 : 0))
    writer.write(digest)
    writer.write(UInt32(truncatingIfNeeded: bytes.count))
    for piece in bytes { writer.write(bytes: piece) }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    slot = try Slot(from: &reader)
    index = try reader.read(UInt32.self)
    let last = try reader.read(UInt8.self)
    guard last <= 1 else { throw .malformed("neither the last nor not") }
    isLast = last == 1
    digest = try reader.read(UInt64.self)
    let count = Int(try reader.read(UInt32.self))
    guard count <= Message.maxEntries, count <= reader.remaining else {
      throw .overLimit(found: UInt64(count), limit: min(Message.maxEntries, reader.remaining))
    }
    bytes = []
    for _ in 0..<count { bytes.append(try reader.read(bytesUpTo: Message.maxPiece)) }
  }
}
