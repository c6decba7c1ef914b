internal import Synod

extension UInt64: Mergeable {
  mutating func merge(_ other: UInt64) { self = Swift.max(self, other) }
}

/// Where commands stand that have no common order (`ApplyContext.position`): each stands one above the
/// highest of those that it interferes with and that were executed before it.
///
/// It is the same on every node: of two commands that interfere, the same one is executed first
/// everywhere, so by induction all nodes count the same. Two commands that do not interfere may stand
/// at one position.
///
/// All that comes behind a barrier interferes with it, and so stands above it, and the barrier above
/// all that comes before. So nothing needs to be known of what is before the last barrier: this is
/// how the table is kept small, and it changes no position.
struct PositionIndex: Hashable, Sendable {
  /// Exact, without limits: each node must find the same.
  private var table = FootprintTable<UInt64>()
  /// The position of the last barrier.
  private(set) var floor: UInt64 = 0

  /// Names that were touched since the last barrier.
  var count: Int { table.count }

  /// Gives the next command to be executed its position.
  mutating func position(of footprint: Footprint) -> UInt64 {
    var highest = floor
    table.gather(footprint, into: &highest)
    table.note(highest + 1, footprint)
    return highest + 1
  }

  /// A barrier is executed.
  mutating func raiseFloor() {
    floor = position(of: .barrier)
    table = FootprintTable()
  }
}

/// Pieces of a snapshot: first what is no name, then names.
extension PositionIndex {
  /// Which name comes next.
  struct Cursor: Hashable, Sendable {
    fileprivate var space: Int
    fileprivate var name: Int
  }

  private enum Tag: UInt8 {
    case floor = 1
    case any, everything, name, range
  }

  /// Gives about so many bytes of pieces; of a copy that nobody changes meanwhile.
  func snapshot(after cursor: Cursor?, limit: Int, into pieces: inout [Bytes]) -> Cursor? {
    var writer = ByteWriter()
    if cursor == nil {
      writer.write(Tag.floor.rawValue)
      writer.write(floor)
      table.forEachOther { part, marks in
        Self.encode(part, marks, into: &writer)
        if writer.count >= limit { pieces.append(writer.finish()) }
      }
    }
    var at = cursor ?? Cursor(space: 0, name: 0)
    // Something each time, however small the limit.
    while at.space < table.spaces.count, writer.isEmpty || writer.count < limit {
      let space = table.spaces[at.space]
      while at.name < space.names.count, writer.isEmpty || writer.count < limit {
        let name = space.names[at.name]
        Self.encode(.name(name.name, in: space.number), name.marks, into: &writer)
        at.name += 1
      }
      if at.name == space.names.count { at = Cursor(space: at.space + 1, name: 0) }
    }
    if !writer.isEmpty { pieces.append(writer.finish()) }
    return at.space < table.spaces.count ? at : nil
  }

  private static func encode(
    _ part: FootprintTable<UInt64>.Part, _ marks: Marks<UInt64>, into writer: inout ByteWriter
  ) {
    switch part {
    case .any: writer.write(Tag.any.rawValue)
    case .everything: writer.write(Tag.everything.rawValue)
    case .name(let name, let space):
      writer.write(Tag.name.rawValue)
      writer.write(space)
      writer.write(bytes: name)
    case .range(let range):
      writer.write(Tag.range.rawValue)
      writer.write(range.space)
      writer.write(bytes: range.start)
      writer.write(bytes: range.end ?? Bytes())
    }
    writer.write(marks.reads)
    writer.write(marks.writes)
  }

  /// Takes one piece back; all of them, in any order, into a fresh index.
  mutating func restore(_ piece: Bytes) throws(RestoreError) {
    do {
      var reader = ByteReader(piece)
      while !reader.isAtEnd {
        guard let tag = Tag(rawValue: try reader.read(UInt8.self)) else {
          throw CodingError.malformed("no part of the positions")
        }
        try restore(tag, &reader)
      }
    } catch { throw RestoreError("positions: \(error)") }
  }

  private mutating func restore(_ tag: Tag, _ reader: inout ByteReader) throws(CodingError) {
    let part: FootprintTable<UInt64>.Part
    switch tag {
    case .floor:
      floor = max(floor, try Self.position(&reader))
      return
    case .any: part = .any
    case .everything: part = .everything
    case .name:
      let space = try reader.read(UInt8.self)
      part = .name(try reader.read(bytesUpTo: Footprint.longestName), in: space)
    case .range:
      let space = try reader.read(UInt8.self)
      let start = try reader.read(bytesUpTo: Footprint.longestName)
      let end = try reader.read(bytesUpTo: Footprint.longestName)
      part = .range(.init(.read, from: start, to: end.isEmpty ? nil : end, in: space))
    }
    var marks = Marks<UInt64>()
    marks.reads = try Self.position(&reader)
    marks.writes = try Self.position(&reader)
    table.restore(marks, part)
  }

  /// Bounded, so that none behind it overflows.
  private static func position(_ reader: inout ByteReader) throws(CodingError) -> UInt64 {
    let position = try reader.read(UInt64.self)
    guard position < 1 << 62 else { throw .malformed("a position beyond all bounds") }
    return position
  }
}
