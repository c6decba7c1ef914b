internal import Synod

/// What clients' last commands came to, so that none has its effect twice (rule 46).
///
/// Two commands of one client interfere by that alone, so all nodes see them in one order. Nodes execute
/// what does not interfere in other orders, so they forget the oldest only at barriers, which have one
/// place in the order of all, and by positions, which are the same everywhere. That some were forgotten
/// is remembered, so that an attempt which may be a second one is not taken for the first.
struct Clients: Hashable, Sendable {
  struct Kept: Hashable, Sendable {
    var client: Identity128
    var sequence: UInt64
    /// That of the command.
    var position: UInt64
    /// Its outcome, in binary form; nil where that is too long to be kept.
    var outcome: Bytes?

    var size: Int { 64 + (outcome?.count ?? 0) }
  }

  /// What is known of a client's command.
  enum Memory: Hashable, Sendable {
    /// It was not applied.
    case new
    /// It was.
    case applied(Kept)
    /// A later one was.
    case outdated
    /// It was applied and forgotten, perhaps.
    case forgotten
  }

  /// Clients that are kept at a barrier, at the most. The same on every node.
  static let limit = 4096
  /// Bytes that they then take, about. The same on every node.
  static let maxBytes = 16 << 20
  /// Longest outcome that is kept, in bytes. The same on every node.
  static let maxOutcome = 512 << 10

  private var table: [Identity128: Kept] = [:]
  private var bytes = 0
  /// The position of the last barrier at which any were forgotten; zero for none.
  private(set) var forgotten: UInt64 = 0

  /// What is known of a command whose origin had executed the barrier at `since` when it took it.
  ///
  /// Attempts of one command are made one after the other. So a later attempt than this one was proposed
  /// when that barrier was decided, comes behind it, and where nothing was forgotten after it, was not
  /// applied. Before a retry there were others, at any time.
  func memory(of once: Once, since: UInt64) -> Memory {
    guard let kept = table[once.client] else {
      if forgotten == 0 { return .new }
      return !once.isRetry && since >= forgotten ? .new : .forgotten
    }
    if once.sequence > kept.sequence { return .new }
    return once.sequence == kept.sequence ? .applied(kept) : .outdated
  }

  mutating func keep(_ once: Once, _ outcome: Bytes, at position: UInt64) {
    insert(
      Kept(
        client: once.client, sequence: once.sequence, position: position,
        outcome: outcome.count <= Self.maxOutcome ? outcome.compacted() : nil))
  }

  private mutating func insert(_ kept: Kept) {
    bytes += kept.size
    if let old = table.updateValue(kept, forKey: kept.client) { bytes -= old.size }
  }

  /// Forgets the oldest: at barriers only, with that one's position.
  mutating func trim(at position: UInt64) {
    guard table.count > Self.limit || bytes > Self.maxBytes else { return }
    for kept in inOrder where table.count > Self.limit || bytes > Self.maxBytes {
      table[kept.client] = nil
      bytes -= kept.size
    }
    forgotten = position
  }

  /// All of them, the oldest first.
  var inOrder: [Kept] {
    table.values.sorted {
      if $0.position != $1.position { return $0.position < $1.position }
      return ($0.client.high, $0.client.low) < ($1.client.high, $1.client.low)
    }
  }
}

/// Pieces of a snapshot.
extension Clients {
  /// Each begins with what is forgotten; one at least, and what is long in one of its own.
  /// - Returns: how many of these are given by then.
  static func give(
    _ kept: [Kept], from start: Int, _ limit: Int, forgotten: UInt64, into writer: inout ByteWriter
  ) -> Int {
    writer.write(forgotten)
    var end = start
    while end < kept.count, end == start || writer.count + kept[end].size <= limit {
      kept[end].encode(into: &writer)
      end += 1
    }
    return end
  }

  mutating func restore(_ reader: inout ByteReader) throws(CodingError) {
    forgotten = try reader.read(UInt64.self)
    while !reader.isAtEnd { insert(try Kept(from: &reader)) }
  }
}

extension Clients.Kept: ByteCodable {
  func encode(into writer: inout ByteWriter) {
    client.encode(into: &writer)
    writer.write(sequence)
    writer.write(position)
    writer.write(UInt8(outcome == nil ? 0 : 1))
    if let outcome { writer.write(bytes: outcome) }
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    client = try Identity128(from: &reader)
    sequence = try reader.read(UInt64.self)
    position = try reader.read(UInt64.self)
    switch try reader.read(UInt8.self) {
    case 0: outcome = nil
    case 1: outcome = try reader.read(bytesUpTo: Clients.maxOutcome)
    default: throw .malformed("neither with nor without an outcome")
    }
  }
}
