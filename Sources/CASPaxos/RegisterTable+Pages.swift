internal import Synod

/// Walking the registers in the order of their hashes.
extension RegisterTable {
  /// A shard of more registers than this is walked in the order of their hashes, and not looked at as a
  /// whole.
  static let crowd = KeyPage.maxLooks

  /// Whether a register comes before another on every voter's pages.
  static func isOrdered(_ a: (hash: UInt64, key: Bytes), _ b: (hash: UInt64, key: Bytes)) -> Bool {
    if a.hash != b.hash { return a.hash < b.hash }
    return a.key.withUnsafeBytes { a in
      b.key.withUnsafeBytes { a.lexicographicallyPrecedes($0) }
    }
  }

  /// The page behind a hash, the batch that makes durable what it shows, and how many registers were
  /// looked at for it.
  mutating func page(
    _ request: KeyPage.Request
  ) -> (page: KeyPage, batch: PersistBatch, looks: Int) {
    var walk = PageWalk(limit: min(max(Int(request.limit), 1), KeyPage.maxEntries))
    guard let first = request.first else { return walk.made }
    for shard in shard(of: first)..<shards.count {
      let isThrough: Bool
      if shards[shard].cells.count > Self.crowd {
        walk.looks += putInOrder(shard)
        isThrough = takeInOrder(shard, from: first, into: &walk)
      } else {
        isThrough = take(shard, from: first, into: &walk)
      }
      guard isThrough else { break }
      let isLast = shard == shards.count - 1
      if !isLast && !walk.end(ofShard: lastHash(of: shard)) { break }
    }
    return walk.made
  }

  /// Takes what a shard has behind a hash.
  /// - Returns: false where the page ends within it.
  private func take(_ shard: Int, from first: UInt64, into walk: inout PageWalk) -> Bool {
    let cells = shards[shard].cells
    walk.looks += cells.count
    var places = cells.indices.filter { !cells[$0].accepted.isZero && cells[$0].hash >= first }
    let isCut = Self.cut(&places, of: cells, to: walk.room)
    places.sort { Self.isOrdered(cells[$0].rank, cells[$1].rank) }
    for place in places where !walk.take(cells[place]) { return false }
    if isCut { walk.endsHere() }
    return !isCut
  }

  /// The same of a crowded shard, whose order is right.
  private func takeInOrder(
    _ shard: Int, from first: UInt64, into walk: inout PageWalk
  ) -> Bool {
    guard let order = orders[shard] else { return true }
    let cells = shards[shard].cells
    var places: [Int] = []
    var last: UInt64?
    var looks = 0
    defer { walk.looks += looks }
    for hash in order.hashes[order.place(of: first)...] where hash != last {
      if let last, walk.isFull || looks >= KeyPage.maxLooks {
        walk.page.through = last
        return false
      }
      last = hash
      looks += 1
      places.removeAll(keepingCapacity: true)
      shards[shard].addCells(of: hash, to: &places)
      if places.count > 1 { places.sort { Self.isOrdered(cells[$0].rank, cells[$1].rank) } }
      for place in places where !cells[place].accepted.isZero { _ = walk.take(cells[place]) }
    }
    return true
  }

  /// Leaves the lowest of them, about as many as there is room for: numbers are sorted sooner than
  /// keys. Those of one hash are never split.
  /// - Returns: whether any were left out.
  private static func cut(_ places: inout [Int], of cells: [Cell], to room: Int) -> Bool {
    guard places.count > 2 * room else { return false }
    let hashes = places.map { cells[$0].hash }.sorted()
    let last = hashes[max(room, 1) - 1]
    guard hashes[hashes.count - 1] > last else { return false }
    places.removeAll { cells[$0].hash > last }
    return true
  }
}

extension RegisterTable.Cell {
  fileprivate var rank: (hash: UInt64, key: Bytes) { (hash, key) }
}

/// A page that is being filled.
private struct PageWalk {
  var page = KeyPage()
  var batch = PersistBatch.none
  let limit: Int
  private var bytes = 0
  var looks = 0
  private var lastHash: UInt64?

  init(limit: Int) { self.limit = limit }

  var made: (page: KeyPage, batch: PersistBatch, looks: Int) { (page, batch, looks) }

  /// How many entries more it may have.
  var room: Int { max(limit - page.entries.count, 0) }

  /// Behind the last register that it took there are more.
  mutating func endsHere() {
    if let lastHash { page.through = lastHash }
  }

  var isFull: Bool { page.entries.count >= limit || bytes >= KeyPage.maxBytes }

  /// - Returns: false where the page ends before this register.
  mutating func take(_ cell: RegisterTable.Cell) -> Bool {
    if isFull, let lastHash, cell.hash != lastHash {
      page.through = lastHash
      return false
    }
    let entry = KeyPage.Entry(
      key: cell.key, accepted: cell.accepted, hasValue: cell.state.value != nil)
    page.entries.append(entry)
    bytes += entry.encodedSize
    batch = max(batch, cell.batch)
    lastHash = cell.hash
    return true
  }

  /// - Returns: false where the page ends here.
  mutating func end(ofShard hash: UInt64) -> Bool {
    guard isFull || looks >= KeyPage.maxLooks else { return true }
    page.through = hash
    return false
  }
}
