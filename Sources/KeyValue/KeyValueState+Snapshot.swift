public import Synod

/// The whole state in bounded pieces, and from them again.
///
/// The pieces are of one frozen copy. Any node's pieces make the same state, whatever their bounds; the
/// last one says what must have come of them.
extension KeyValueState {
  /// How far a snapshot has come.
  public struct Cursor: Hashable, Sendable {
    fileprivate var section: Section
    fileprivate var shard = 0
    fileprivate var cell = 0
  }

  fileprivate enum Section: UInt8 { case keys = 1, leases, sessions, end, head }

  private static let format: UInt8 = 1

  /// Appends the next pieces, of about `limit` bytes together; a longer value has a piece of its own.
  /// - Parameters:
  ///   - after: where the last call ended; nil for the first.
  ///   - limit: about how many bytes to give.
  ///   - pieces: where they are added.
  /// - Returns: where to go on; nil after the last piece.
  public func snapshot(after: Cursor?, limit: Int, into pieces: inout [Bytes]) -> Cursor? {
    var writer = ByteWriter(capacity: min(limit, 64 << 10) + 256)
    guard var cursor = after else {
      writer.write(Section.head.rawValue)
      writer.write(Self.format)
      limits.encode(into: &writer)
      writer.write(seed)
      pieces.append(writer.finish())
      return Cursor(section: .keys)
    }
    let isOver: Bool
    writer.write(cursor.section.rawValue)
    switch cursor.section {
    case .keys:
      isOver = Self.write(keys, from: &cursor, limit, into: &writer) {
        $0.value.count
      } encode: { entry, writer in
        writer.write(entry.version)
        writer.write(bytes: entry.value)
      }
    case .leases:
      isOver = Self.write(leases, from: &cursor, limit, into: &writer) { _ in
        64
      } encode: {
        $0.encode(into: &$1)
      }
    case .sessions:
      isOver = Self.write(sessions, from: &cursor, limit, into: &writer) {
        Self.cost($0, Bytes())
      } encode: {
        $0.encode(into: &$1)
      }
    case .head, .end:
      writer.write(digest)
      pieces.append(writer.finish())
      return nil
    }
    if writer.count > 1 { pieces.append(writer.finish()) }
    guard isOver else { return cursor }
    return Cursor(section: Section(rawValue: cursor.section.rawValue + 1) ?? .end)
  }

  /// Keys are what takes memory.
  public mutating func release(before cursor: Cursor) {
    if cursor.section == .keys { keys.release(before: cursor.shard) }
  }

  /// What is long has a piece of its own: one behind others might not fit into a message.
  /// - Parameter size: how long a value's form is, about.
  /// - Returns: whether the table was written to its end.
  private static func write<Value>(
    _ table: ShardedTable<Value>, from cursor: inout Cursor, _ limit: Int,
    into writer: inout ByteWriter, size: (Value) -> Int,
    encode: (Value, inout ByteWriter) -> Void
  ) -> Bool {
    while cursor.shard < table.shards.count {
      let cells = table.shards[cursor.shard].cells
      while cursor.cell < cells.count {
        let cell = cells[cursor.cell]
        // The section's mark is no cell.
        if writer.count > 1, writer.count + cell.name.count + size(cell.value) > limit {
          return false
        }
        writer.write(bytes: cell.name)
        encode(cell.value, &writer)
        cursor.cell += 1
      }
      cursor.shard += 1
      cursor.cell = 0
    }
    return true
  }

  /// Takes a piece of a snapshot: all of them, in their order, into a state that holds nothing.
  /// - Throws: where it is no piece, contradicts those before it, or is the last one of a state that
  ///   this one has not become.
  public mutating func restore(_ piece: Bytes) throws(RestoreError) {
    var reader = ByteReader(piece)
    do throws(CodingError) {
      guard let section = Section(rawValue: try reader.read(UInt8.self)) else {
        throw .malformed("no piece of a snapshot")
      }
      switch section {
      case .head: try restoreHead(&reader)
      case .keys: while !reader.isAtEnd { try restoreKey(&reader) }
      case .leases: while !reader.isAtEnd { try restoreLease(&reader) }
      case .sessions: while !reader.isAtEnd { try restoreSessions(&reader) }
      case .end:
        guard try reader.read(UInt64.self) == digest else {
          throw .malformed("the pieces do not make the state that they were taken of")
        }
      }
      guard reader.isAtEnd else { throw .malformed("more than a piece of a snapshot") }
    } catch {
      throw RestoreError("a snapshot of keys and values: \(error)")
    }
  }

  private mutating func restoreHead(_ reader: inout ByteReader) throws(CodingError) {
    guard try reader.read(UInt8.self) == Self.format else {
      throw .malformed("a format of snapshots that is not known here")
    }
    guard keys.count == 0, leases.count == 0, sessions.count == 0 else {
      throw .malformed("a snapshot's beginning behind its beginning")
    }
    limits = try KeyValueLimits(from: &reader)
    setSeed(try reader.read(UInt64.self))
  }

  private mutating func restoreKey(_ reader: inout ByteReader) throws(CodingError) {
    let key = try reader.readKey().compacted()
    let version = try reader.read(UInt64.self)
    let value = try reader.read(bytesUpTo: KeyValueLimits.longestValue).compacted()
    let hash = hash(key)
    guard keys.find(key, hash: hash) == nil else { throw .malformed("a key that comes twice") }
    let entry = KeyValueEntry(value, version: version)
    keys.insert(key, hash: hash, entry)
    inKeys.sum &+= Fingerprint.of(key: hash, entry)
    inKeys.bytes += Self.cost(key, value)
  }

  private mutating func restoreLease(_ reader: inout ByteReader) throws(CodingError) {
    let name = try reader.readKey().compacted()
    let lease = try Lease(from: &reader)
    let hash = hash(name)
    guard leases.find(name, hash: hash) == nil else { throw .malformed("a lease that comes twice") }
    leases.insert(name, hash: hash, lease)
    inRest.sum &+= Fingerprint.of(lease: hash, lease)
    inRest.bytes += Self.cost(lease, name)
  }

  private mutating func restoreSessions(_ reader: inout ByteReader) throws(CodingError) {
    let key = try reader.readKey().compacted()
    let kept = try KeySessions(from: &reader)
    let hash = hash(key)
    guard sessions.find(key, hash: hash) == nil else {
      throw .malformed("the sessions of a key that come twice")
    }
    sessions.insert(key, hash: hash, kept)
    inRest.sum &+= Fingerprint.of(sessions: hash, kept)
    inRest.bytes += Self.cost(kept, key)
  }
}
