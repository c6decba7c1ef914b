public import Synod

/// What the machine itself replicates, beside the application's state.
@usableFromInline
struct Replicated: Hashable, Sendable {
  /// All slots up to this one are applied.
  @usableFromInline var applied = Slot.none
  @usableFromInline var schedule: Schedule
  /// Which entries were applied.
  var origins = Origins()
  /// What clients' last commands came to.
  @usableFromInline var clients = Clients()
  var leases = Leases()

  init(_ schedule: Schedule) { self.schedule = schedule }

  /// Whether this voter is a member, or was or will be one of the memberships that count.
  func knows(_ voter: VoterID) -> Bool {
    schedule.items.contains { $0.membership.member(voter) != nil }
  }
}

/// Which entries of each origin were applied, so that none is applied twice (rule 14).
///
/// Of each origin a window of numbers is known one by one; lower ones count as applied. An origin
/// keeps its open numbers within half of that.
@usableFromInline
struct Origins: Hashable, Sendable {
  struct Origin: Hashable, Sendable {
    var voter: VoterID
    var highest: UInt64 = 0
    var bits = [UInt64](repeating: 0, count: Int(Origins.width / 64))

    init(_ voter: VoterID) { self.voter = voter }

    /// - Returns: whether it is new.
    mutating func insert(_ number: UInt64) -> Bool {
      if number > highest {
        if number - highest >= Origins.width {
          bits = [UInt64](repeating: 0, count: bits.count)
        } else {
          for passed in highest + 1...number { clear(passed) }
        }
        highest = number
      } else if highest - number >= Origins.width {
        return false
      }
      let place = Int(number % Origins.width)
      let bit: UInt64 = 1 << UInt64(place % 64)
      guard bits[place / 64] & bit == 0 else { return false }
      bits[place / 64] |= bit
      return true
    }

    private mutating func clear(_ number: UInt64) {
      let place = Int(number % Origins.width)
      bits[place / 64] &= ~(1 << UInt64(place % 64))
    }

    func contains(_ number: UInt64) -> Bool {
      if number > highest { return false }
      if highest - number >= Origins.width { return true }
      let place = Int(number % Origins.width)
      return bits[place / 64] & (1 << UInt64(place % 64)) != 0
    }
  }

  /// Numbers of one origin that are known one by one. The same on every node.
  static let width: UInt64 = 1 << 16

  /// In ascending order of their voters.
  private(set) var list: [Origin] = []

  func contains(_ id: EntryID) -> Bool {
    list.first { $0.voter == id.origin }?.contains(id.number) ?? false
  }

  /// - Returns: whether it is new.
  mutating func insert(_ id: EntryID) -> Bool {
    let place = list.firstIndex { $0.voter >= id.origin } ?? list.count
    if place == list.count || list[place].voter != id.origin {
      list.insert(Origin(id.origin), at: place)
    }
    return list[place].insert(id.number)
  }

  /// Forgets origins that are members no more, whose entries are void from now on.
  mutating func keep(where isKept: (VoterID) -> Bool) { list.removeAll { !isKept($0.voter) } }
}

extension Origins: ByteCodable {
  @usableFromInline
  func encode(into writer: inout ByteWriter) {
    writer.write(UInt16(truncatingIfNeeded: list.count))
    for origin in list {
      writer.write(origin.voter.rawValue)
      writer.write(origin.highest)
      origin.encodeBits(into: &writer)
    }
  }

  @usableFromInline
  init(from reader: inout ByteReader) throws(CodingError) {
    let count = Int(try reader.read(UInt16.self))
    for _ in 0..<count {
      var origin = Origin(VoterID(try reader.read(UInt32.self)))
      guard list.last.map({ $0.voter < origin.voter }) ?? true else {
        throw .malformed("origins that do not ascend")
      }
      origin.highest = try reader.read(UInt64.self)
      try origin.decodeBits(from: &reader)
      list.append(origin)
    }
  }
}

/// Bits are written as runs of equal words: most are all set, or none is.
extension Origins.Origin {
  fileprivate func encodeBits(into writer: inout ByteWriter) {
    var index = 0
    while index < bits.count {
      var end = index + 1
      while end < bits.count, bits[end] == bits[index] { end += 1 }
      writer.write(UInt16(truncatingIfNeeded: end - index))
      writer.write(bits[index])
      index = end
    }
  }

  fileprivate mutating func decodeBits(from reader: inout ByteReader) throws(CodingError) {
    var index = 0
    while index < bits.count {
      let end = index + Int(try reader.read(UInt16.self))
      guard end > index, end <= bits.count else { throw .malformed("a run of bits of no length") }
      let word = try reader.read(UInt64.self)
      for place in index..<end { bits[place] = word }
      index = end
    }
  }
}

/// What the last command of each client came to (`Once`). Bounded: whoever wrote longest ago is
/// forgotten.
@usableFromInline
struct Clients: Hashable, Sendable {
  @usableFromInline
  struct Kept: Hashable, Sendable {
    var client: Identity128
    @usableFromInline var sequence: UInt64
    /// The slot in which it was applied.
    @usableFromInline var slot: Slot
    /// Its outcome, in binary form.
    @usableFromInline var outcome: Bytes
  }

  /// Clients that are kept, at the most. The same on every node.
  static let limit = 4096

  private var table: [Identity128: Kept] = [:]
  /// In the order in which they were written; what was written again since is stale.
  private var order: [Kept] = []

  @usableFromInline
  func last(of client: Identity128) -> Kept? { table.isEmpty ? nil : table[client] }

  @usableFromInline
  mutating func keep(_ once: Once, _ outcome: Bytes, at slot: Slot) {
    let kept = Kept(client: once.client, sequence: once.sequence, slot: slot, outcome: outcome)
    table[once.client] = kept
    order.append(kept)
    if order.count > 2 * Self.limit + 64 || table.count > Self.limit { tidy() }
  }

  private mutating func tidy() {
    order = inOrder
    while table.count > Self.limit, let oldest = order.first {
      // A quarter at once, so that it is rarely done.
      let count = min(Self.limit / 4, order.count)
      precondition(oldest.slot <= order[count - 1].slot)
      for kept in order[0..<count] { table[kept.client] = nil }
      order.removeFirst(count)
    }
  }

  /// All of them, in the order of their slots.
  var inOrder: [Kept] { order.filter { table[$0.client]?.slot == $0.slot } }

  /// Takes one back.
  mutating func restore(_ kept: Kept) {
    table[kept.client] = kept
    order.append(kept)
  }
}

extension Clients.Kept: ByteCodable {
  @usableFromInline
  func encode(into writer: inout ByteWriter) {
    client.encode(into: &writer)
    writer.write(sequence)
    slot.encode(into: &writer)
    writer.write(bytes: outcome)
  }

  @usableFromInline
  init(from reader: inout ByteReader) throws(CodingError) {
    client = try Identity128(from: &reader)
    sequence = try reader.read(UInt64.self)
    slot = try Slot(from: &reader)
    outcome = try reader.read(bytesUpTo: Entry.maxPayload)
  }
}

/// The leases that are held.
@usableFromInline
struct Leases: Hashable, Sendable {
  struct Named: Hashable, Sendable {
    var name: Bytes
    var lease: Lease
  }

  /// Leases, at the most. The same on every node.
  static let limit = 65_536

  private(set) var table: [Bytes: Lease] = [:]

  /// Applies a request, the same on every node.
  /// - Returns: what came of it, and the lease that ended by it.
  mutating func apply(_ request: LeaseRequest, at slot: Slot) -> (LeaseOutcome, ended: Named?) {
    switch request {
    case .take(let name, let holder, let ticks):
      let fence: Slot
      if let held = table[name] {
        guard held.holder == holder else { return (.taken(held), nil) }
        fence = held.fence
      } else {
        guard table.count < Self.limit else { return (.tooMany, nil) }
        fence = slot
      }
      let lease = Lease(
        holder: holder.compacted(), fence: fence, version: slot, ticks: ticks)
      table[name.compacted()] = lease
      return (.held(lease), nil)
    case .refresh(let name, let fence):
      guard var held = table[name], held.fence == fence else { return (.lost, nil) }
      held.version = slot
      table[name] = held
      return (.held(held), nil)
    case .release(let name, let fence):
      guard let held = table[name], held.fence == fence else { return (.lost, nil) }
      table[name] = nil
      return (.ended, Named(name: name, lease: held))
    case .expire(let name, let version):
      guard let held = table[name], held.version == version else { return (.lost, nil) }
      table[name] = nil
      return (.ended, Named(name: name, lease: held))
    }
  }

  /// All of them, in the order of their fences, of which each has another.
  var inOrder: [Named] {
    table.map { Named(name: $0.key, lease: $0.value) }.sorted { $0.lease.fence < $1.lease.fence }
  }

  mutating func restore(_ named: Named) { table[named.name] = named.lease }
}

extension Leases.Named: ByteCodable {
  func encode(into writer: inout ByteWriter) {
    writer.write(bytes: name)
    lease.encode(into: &writer)
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    name = try reader.read(bytesUpTo: LeaseRequest.maxName)
    lease = try Lease(from: &reader)
  }
}
