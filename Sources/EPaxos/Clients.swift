internal import Synod

/// What clients' last commands came to, so that none has its effect twice (rule 46).
///
/// Two commands of one client interfere by that alone, so all nodes see them in one order. Nodes execute
/// what does not interfere in other orders, so they forget the oldest only at barriers, which have one
/// place in the order of all, and by positions, which are the same everywhere.
struct Clients: Hashable, Sendable {
  struct Kept: Hashable, Sendable {
    var client: Identity128
    var sequence: UInt64
    /// That of the command.
    var position: UInt64
    /// Its outcome, in binary form.
    var outcome: Bytes
  }

  /// Clients that are kept at a barrier, at the most. The same on every node.
  static let limit = 4096

  private var table: [Identity128: Kept] = [:]

  func last(of client: Identity128) -> Kept? { table.isEmpty ? nil : table[client] }

  mutating func keep(_ kept: Kept) { table[kept.client] = kept }

  /// Forgets the oldest: at barriers only.
  mutating func trim() {
    guard table.count > Self.limit else { return }
    for kept in inOrder.prefix(table.count - Self.limit) { table[kept.client] = nil }
  }

  /// All of them, the oldest first.
  var inOrder: [Kept] {
    table.values.sorted {
      if $0.position != $1.position { return $0.position < $1.position }
      return ($0.client.high, $0.client.low) < ($1.client.high, $1.client.low)
    }
  }
}

extension Clients.Kept: ByteCodable {
  func encode(into writer: inout ByteWriter) {
    client.encode(into: &writer)
    writer.write(sequence)
    writer.write(position)
    writer.write(bytes: outcome)
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    client = try Identity128(from: &reader)
    sequence = try reader.read(UInt64.self)
    position = try reader.read(UInt64.self)
    outcome = try reader.read(bytesUpTo: Entry.maxPayload)
  }
}
