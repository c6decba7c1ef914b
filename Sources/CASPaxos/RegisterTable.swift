public import Synod

/// All registers that this node knows: what its acceptor holds, and what its proposer needs to find
/// at once.
///
/// A fixed number of shards, so that growing moves one shard's cells and never stops the loop for
/// all; a seeded hash of its own, so that two runs, and the voters of a cluster, are alike. The
/// hash's top bits choose the shard: a range of hashes is a run of shards.
@usableFromInline
struct RegisterTable: Hashable, Sendable {
  /// One register.
  @usableFromInline
  struct Cell: Hashable, Sendable {
    let key: Bytes
    let hash: UInt64
    let ends: KeyEnds
    /// Acceptor: the highest ballot promised, the ballot of the state, the state.
    var promised: Ballot
    var accepted: Ballot
    var state: RegisterState
    /// The batch that made the newest of these durable, or will.
    var batch: PersistBatch
    /// Proposer: a ballot that an accept quorum has promised with the state at hand; zero for none.
    var armed: Ballot
    /// The open round; -1 for none.
    var round: Int32
    /// Rounds in a row that this node won and in which it saw no other proposer, up to 255.
    var streak: UInt8
    /// Sweeps that came by since anything of it changed, up to 255.
    var age: UInt8 = 0
    /// The other proposers seen since this node last won or last began to want something; and until
    /// when this node, having won against some, leaves the register to them.
    var rivals = VoteSet()
    var restUntil = Ticks(0)

    init(key: Bytes, hash: UInt64) {
      self.key = key
      self.hash = hash
      ends = KeyEnds(key)
      promised = .zero
      accepted = .zero
      state = .blank
      batch = .none
      armed = .zero
      round = -1
      streak = 0
    }

    /// Another proposer is at this register: its ballot outranks the promise kept for the next round,
    /// or will, and asking for promises ahead would only get in its way.
    /// - Parameter place: the other proposer's among the voters; nil where it is none.
    mutating func meetRival(_ place: Int?) {
      armed = .zero
      streak = 0
      if let place { rivals.insert(place) }
    }

    /// The acceptor holds nothing of it.
    var isUntouched: Bool { promised.isZero && accepted.isZero }

    /// Nothing of it would be missed.
    var isBlank: Bool { isUntouched && round < 0 }
  }

  /// Where a cell lies, until a cell of its shard is removed.
  struct Place: Hashable {
    var shard: Int
    var cell: Int
  }

  struct Shard: Hashable, Sendable {
    var cells: [Cell] = []
    /// Open addressing with linear probing: a cell's position plus one in the low half, the high half
    /// of its hash in the other, so that only cells that may be meant are looked at; 0 is free.
    var index: [UInt64] = []
    /// Odd, and this node's own: whoever knows the keys' hashes does not know which of them meet here.
    fileprivate let secret: UInt64

    fileprivate init(secret: UInt64) { self.secret = secret }

    /// Where in the index a hash belongs.
    @inline(__always) func home(_ hash: UInt64) -> Int {
      Int(truncatingIfNeeded: ((hash ^ hash &>> 32) &* secret) &>> 32) & (index.count - 1)
    }
  }

  private(set) var shards: [Shard]
  /// Of shards of which pages were asked for while they were crowded.
  private(set) var orders: [Int: HashOrder] = [:]
  private let siphash: SipHash
  private let shift: UInt64
  /// Registers in all.
  private(set) var count = 0
  /// Cells removed so far: while it stands, places stay right.
  private(set) var removals: UInt64 = 0

  /// - Parameters:
  ///   - seed: of the hash, the same on every node.
  ///   - secret: better another on every node.
  init(shards: Int, seed: UInt64, secret: UInt64 = 0) {
    precondition(shards > 0 && shards & (shards - 1) == 0, "shards must be a power of two")
    var own = SplitMix(seed: secret)
    self.shards = Array(repeating: Shard(secret: own.next() | 1), count: shards)
    shift = UInt64(63 - shards.trailingZeroBitCount)
    var random = SplitMix(seed: seed)
    siphash = SipHash(key: (random.next(), random.next()))
  }

  /// 63 bits: where a list goes on is told to clients of which some know signed numbers only.
  @usableFromInline
  func hash(_ key: Bytes) -> UInt64 { siphash.hash(key) >> 1 }

  func shard(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash &>> shift) }

  /// The highest hash that a shard may hold.
  func lastHash(of shard: Int) -> UInt64 { UInt64(shard + 1) << shift - 1 }

  func find(_ key: Bytes, hash: UInt64) -> Place? {
    let shard = shard(of: hash)
    return shards[shard].find(key, hash: hash).map { Place(shard: shard, cell: $0) }
  }

  /// The cell of `key`, made where there is none.
  mutating func findOrInsert(_ key: Bytes, hash: UInt64) -> Place {
    let shard = shard(of: hash)
    if let cell = shards[shard].find(key, hash: hash) { return Place(shard: shard, cell: cell) }
    count += 1
    let cell = shards[shard].insert(Cell(key: key.compacted(), hash: hash))
    if !orders.isEmpty { changeOrder(of: shard) { $0.insert(hash) } }
    return Place(shard: shard, cell: cell)
  }

  subscript(place: Place) -> Cell {
    // Not `_read`: without optimisation, Swift 6.3.1 copies a large field out of what that yields
    // after it has ended, from memory that it freed (the address sanitizer sees it).
    @inline(__always) get { shards[place.shard].cells[place.cell] }
    _modify { yield &shards[place.shard].cells[place.cell] }
  }

  /// Removes a cell; the last one of its shard takes its place. Whoever walks a shard must walk it
  /// downwards, and so misses none.
  mutating func remove(_ place: Place) {
    count -= 1
    removals += 1
    shards[place.shard].remove(at: place.cell)
    if !orders.isEmpty { changeOrder(of: place.shard) { $0.noteRemoval() } }
  }

  private mutating func changeOrder(of shard: Int, _ change: (inout HashOrder) -> Void) {
    guard orders[shard] != nil else { return }
    change(&orders[shard, default: HashOrder([])])
    if orders[shard]?.isWorn == true { orders[shard] = nil }
  }

  /// Has the order of a crowded shard be right.
  /// - Returns: what that costs, in looks at registers.
  mutating func putInOrder(_ shard: Int) -> Int {
    if orders[shard] != nil { return orders[shard]?.merge() ?? 0 }
    orders[shard] = HashOrder(shards[shard].cells)
    return shards[shard].cells.count
  }

  mutating func forEachCell(_ body: (inout Cell) -> Void) {
    for shard in shards.indices {
      for cell in shards[shard].cells.indices { body(&shards[shard].cells[cell]) }
    }
  }

  /// Counts removals anew, once nobody holds a place of before.
  mutating func forgetRemovals() { removals = 0 }

  /// Puts the cells of each shard in the order of their hashes and keys, whatever came first.
  /// Places of before are wrong.
  mutating func sortCells() {
    for shard in shards.indices where shards[shard].cells.count > 1 {
      let cells = shards[shard].cells
      let isSorted = zip(cells, cells.dropFirst()).allSatisfy {
        Self.isOrdered(($0.hash, $0.key), ($1.hash, $1.key))
      }
      if isSorted { continue }
      orders[shard] = nil
      shards[shard] = Shard(secret: shards[shard].secret)
      for cell in cells.sorted(by: { Self.isOrdered(($0.hash, $0.key), ($1.hash, $1.key)) }) {
        _ = shards[shard].insert(cell)
      }
    }
  }
}

extension RegisterTable.Shard {
  private static func entry(_ cell: Int, _ hash: UInt64) -> UInt64 {
    hash & ~0xffff_ffff | UInt64(cell + 1)
  }

  private static func cell(_ entry: UInt64) -> Int { Int(entry & 0xffff_ffff) - 1 }

  func find(_ key: Bytes, hash: UInt64) -> Int? {
    guard !index.isEmpty else { return nil }
    let mask = index.count - 1
    var probe = home(hash)
    let ends = KeyEnds(key)
    while true {
      let entry = index[probe]
      if entry == 0 { return nil }
      if (entry ^ hash) >> 32 == 0 {
        let cell = Self.cell(entry)
        if cells[cell].ends == ends
          && (ends.areAll || cells[cell].hash == hash && cells[cell].key == key)
        {
          return cell
        }
      }
      probe = (probe + 1) & mask
    }
  }

  /// Adds the cells of this hash: one, but where keys were made to have the same.
  func addCells(of hash: UInt64, to found: inout [Int]) {
    guard !index.isEmpty else { return }
    let mask = index.count - 1
    var probe = home(hash)
    while index[probe] != 0 {
      let cell = Self.cell(index[probe])
      if (index[probe] ^ hash) >> 32 == 0 && cells[cell].hash == hash { found.append(cell) }
      probe = (probe + 1) & mask
    }
  }

  /// The cell of this hash, where its place in the index is not taken by another.
  func likelyCell(_ hash: UInt64) -> Int? {
    guard !index.isEmpty else { return nil }
    let entry = index[home(hash)]
    return entry == 0 ? nil : Self.cell(entry)
  }

  mutating func insert(_ cell: RegisterTable.Cell) -> Int {
    if (cells.count + 1) * 4 > index.count * 3 { grow() }
    cells.append(cell)
    enter(cells.count - 1)
    return cells.count - 1
  }

  private mutating func enter(_ cell: Int) {
    let mask = index.count - 1
    let hash = cells[cell].hash
    var probe = home(hash)
    while index[probe] != 0 { probe = (probe + 1) & mask }
    index[probe] = Self.entry(cell, hash)
  }

  private mutating func grow() {
    index = Array(repeating: 0, count: max(4, index.count * 2))
    for cell in cells.indices { enter(cell) }
  }

  mutating func remove(at cell: Int) {
    vacate(probe(of: cell))
    let last = cells.count - 1
    if cell != last {
      index[probe(of: last)] = Self.entry(cell, cells[last].hash)
      cells.swapAt(cell, last)
    }
    cells.removeLast()
    if cells.capacity > 4 && cells.count < cells.capacity / 4 { shrink() }
  }

  /// Gives back the room of those that went. Cells stay in their places, and half of the room that it
  /// keeps is free: moving a cell costs as much as putting one in did.
  private mutating func shrink() {
    let all = cells
    cells = []
    cells.reserveCapacity(2 * all.count)
    cells.append(contentsOf: all)
    var room = 4
    while room < 2 * all.count { room *= 2 }
    index = all.isEmpty ? [] : Array(repeating: 0, count: room)
    for cell in cells.indices { enter(cell) }
  }

  private func probe(of cell: Int) -> Int {
    let mask = index.count - 1
    let entry = Self.entry(cell, cells[cell].hash)
    var probe = home(cells[cell].hash)
    while index[probe] != entry { probe = (probe + 1) & mask }
    return probe
  }

  /// Frees a place of the index and moves back those behind it that were pushed past it (Knuth, TAOCP
  /// volume 3, 6.4, algorithm R), so that no tombstones pile up.
  private mutating func vacate(_ start: Int) {
    let mask = index.count - 1
    var hole = start
    var probe = (start + 1) & mask
    while index[probe] != 0 {
      let wanted = home(cells[Self.cell(index[probe])].hash)
      if (probe - wanted) & mask >= (probe - hole) & mask {
        index[hole] = index[probe]
        hole = probe
      }
      probe = (probe + 1) & mask
    }
    index[hole] = 0
  }
}
