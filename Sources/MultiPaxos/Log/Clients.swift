public import Synod

/// What the last command of each client came to (`Once`). Bounded: whoever wrote longest ago is
/// forgotten, the same on every node. That somebody was is remembered, so that an attempt which may be
/// a second one is not taken for the first.
@usableFromInline
struct Clients: Hashable, Sendable {
  @usableFromInline
  struct Kept: Hashable, Sendable {
    var client: Identity128
    @usableFromInline var sequence: UInt64
    /// The slot in which it was applied.
    @usableFromInline var slot: Slot
    /// Its outcome, in binary form; nil where that is too long to be kept.
    @usableFromInline var outcome: Bytes?

    var size: Int { 64 + (outcome?.count ?? 0) }
  }

  /// What is known of a client's command.
  @usableFromInline
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

  /// Clients that are kept, at the most. The same on every node.
  static let limit = 4096
  /// Bytes that they take, about. The same on every node.
  static let maxBytes = 16 << 20
  /// Longest outcome that is kept, in bytes: it must fit into a piece of a snapshot, and that into a
  /// frame of 1 MiB. The same on every node.
  static let maxOutcome = 520 << 10
  /// Longest outcome that is read back.
  static let longestOutcome = 1 << 20

  private var table: [Identity128: Kept] = [:]
  /// In the order in which they were written; what was written again since is stale.
  private var order: [Kept] = []
  private var bytes = 0
  /// All that is forgotten was applied in slots up to this one.
  private(set) var forgotten = Slot.none
  /// The sum of all kept ones' hashes.
  private(set) var digest: UInt64 = 0

  init(forgotten: Slot = .none) { self.forgotten = forgotten }

  /// What is known of a command whose origin had applied the slots up to `since` when it took it.
  ///
  /// Attempts of one command are made one after the other, and taken in that order (see
  /// `Proposal.once`). So a later attempt than this one was applied
  /// behind `since`, and where nothing from there on is forgotten, none was applied. Before a retry there
  /// were others, at any time.
  @usableFromInline
  func memory(of once: Once, since: Slot) -> Memory {
    guard let kept = table[once.client] else {
      if forgotten == .none { return .new }
      return !once.isRetry && since >= forgotten ? .new : .forgotten
    }
    if once.sequence > kept.sequence { return .new }
    return once.sequence == kept.sequence ? .applied(kept) : .outdated
  }

  @usableFromInline
  mutating func keep(_ once: Once, _ outcome: Bytes, at slot: Slot) {
    insert(
      Kept(
        client: once.client, sequence: once.sequence, slot: slot,
        outcome: outcome.count <= Self.maxOutcome ? outcome.compacted() : nil))
    if table.count > Self.limit || bytes > Self.maxBytes { evict() }
    if order.count > 2 * table.count + 64 { order = inOrder }
  }

  private mutating func insert(_ kept: Kept) {
    if let old = table.updateValue(kept, forKey: kept.client) { account(for: old, adding: false) }
    account(for: kept, adding: true)
    order.append(kept)
  }

  private mutating func account(for kept: Kept, adding: Bool) {
    bytes += adding ? kept.size : -kept.size
    let hash = Digest.of(kept)
    digest = adding ? digest &+ hash : digest &- hash
  }

  /// A quarter at once, so that it is rarely done.
  private mutating func evict() {
    order = inOrder
    var count = 0
    while table.count > Self.limit / 4 * 3 || bytes > Self.maxBytes / 4 * 3,
      count < order.count - 1
    {
      let oldest = order[count]
      table[oldest.client] = nil
      account(for: oldest, adding: false)
      forgotten = max(forgotten, oldest.slot)
      count += 1
    }
    order.removeFirst(count)
  }

  /// All of them, in the order of their slots.
  var inOrder: [Kept] { order.filter { table[$0.client]?.slot == $0.slot } }

  /// Takes one back.
  /// - Throws: where it does not stand behind those that were taken back before.
  mutating func restore(_ kept: Kept) throws(RestoreError) {
    guard kept.slot > order.last?.slot ?? forgotten, table[kept.client] == nil,
      table.count < Self.limit
    else { throw RestoreError("clients of a snapshot are not in the order of their slots") }
    insert(kept)
  }
}

extension Clients.Kept: ByteCodable {
  @usableFromInline
  func encode(into writer: inout ByteWriter) {
    client.encode(into: &writer)
    writer.write(sequence)
    slot.encode(into: &writer)
    writer.write(UInt8(outcome == nil ? 0 : 1))
    if let outcome { writer.write(bytes: outcome) }
  }

  @usableFromInline
  init(from reader: inout ByteReader) throws(CodingError) {
    client = try Identity128(from: &reader)
    sequence = try reader.read(UInt64.self)
    slot = try Slot(from: &reader)
    switch try reader.read(UInt8.self) {
    case 0: outcome = nil
    case 1: outcome = try reader.read(bytesUpTo: Clients.longestOutcome)
    default: throw .malformed("neither with nor without an outcome")
    }
  }
}
