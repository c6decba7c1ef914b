internal import Synod

/// Walking the registers in the order of their hashes.
extension RegisterTable {
  /// Whether a register comes before another on every voter's pages.
  static func isOrdered(_ a: (hash: UInt64, key: Bytes), _ b: (hash: UInt64, key: Bytes)) -> Bool {
    if a.hash != b.hash { return a.hash < b.hash }
    return a.key.withUnsafeBytes { a in
      b.key.withUnsafeBytes { a.lexicographicallyPrecedes($0) }
    }
  }

  /// The page behind a hash, the batch that makes durable what it shows, and how many registers were
  /// looked at for it.
  func page(
    _ request: KeyPage.Request
  ) -> (page: KeyPage, batch: PersistBatch, looks: Int) {
    var walk = PageWalk(limit: min(max(Int(request.limit), 1), KeyPage.maxEntries))
    guard let first = request.first else { return walk.made }
    for shard in shard(of: first)..<shards.count {
      let cells = shards[shard].cells
      walk.looks += cells.count
      var places = cells.indices.filter { !cells[$0].accepted.isZero && cells[$0].hash >= first }
      let isCut = Self.cut(&places, of: cells, to: walk.room)
      places.sort {
        Self.isOrdered((cells[$0].hash, cells[$0].key), (cells[$1].hash, cells[$1].key))
      }
      for place in places where !walk.take(cells[place]) { return walk.made }
      if isCut {
        walk.endsHere()
        break
      }
      let isLast = shard == shards.count - 1
      if !isLast && !walk.end(ofShard: lastHash(of: shard)) { break }
    }
    return walk.made
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

  private var isFull: Bool { page.entries.count >= limit || bytes >= KeyPage.maxBytes }

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
