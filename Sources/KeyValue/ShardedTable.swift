internal import Synod

/// Values by name, in a fixed number of shards, each in the order of its names' hashes.
///
/// A copy costs a reference. The first write after it clones the list of shards and the one shard that
/// is written, which stays small: with a million names in 16,384 shards, some 60. Growing moves one
/// shard at a time. Hashes are spread evenly, since strangers do not know their seed, so a name's place
/// in its shard can be guessed from its hash, and is found a few steps from there.
struct ShardedTable<Value: Hashable & Sendable>: Hashable, Sendable {
  /// One name and its value.
  struct Cell: Hashable, Sendable {
    let name: Bytes
    var value: Value
  }

  struct Shard: Hashable, Sendable {
    /// Ascending; beside the cells, since every look goes through them.
    fileprivate(set) var hashes: [UInt64] = []
    fileprivate(set) var cells: [Cell] = []
  }

  /// Where a name is.
  struct Place {
    var shard: Int
    var cell: Int
  }

  private(set) var shards: [Shard]
  /// Names in all.
  private(set) var count = 0
  /// Of the shards' number, the binary logarithm.
  private let bits: UInt64

  /// Bits of a hash. Where a list goes on is told to clients of which some know signed numbers only.
  static var hashBits: UInt64 { 63 }

  /// - Parameter bits: there are so many shards to the power of two.
  init(bits: UInt64) {
    self.bits = bits
    shards = Array(repeating: Shard(), count: 1 << bits)
  }

  /// The shard that holds the names of a hash.
  func shard(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> (Self.hashBits - bits)) }

  subscript(place: Place) -> Value { shards[place.shard].cells[place.cell].value }

  func find(_ name: Bytes, hash: UInt64) -> Place? {
    let number = shard(of: hash)
    return shards[number].find(name, hash, skipping: bits + 1).map {
      Place(shard: number, cell: $0)
    }
  }

  /// Gives a name that is there another value.
  mutating func replace(_ place: Place, with value: Value) {
    shards[place.shard].cells[place.cell].value = value
  }

  /// Adds a name that is not there.
  mutating func insert(_ name: Bytes, hash: UInt64, _ value: Value) {
    count += 1
    shards[shard(of: hash)].insert(Cell(name: name, value: value), hash, skipping: bits + 1)
  }

  mutating func remove(_ place: Place) {
    count -= 1
    shards[place.shard].remove(at: place.cell)
  }

  /// Leaves none, and gives what there was: to let go of a million at once would take long.
  mutating func removeAll() -> [Shard] {
    defer { self = ShardedTable(bits: bits) }
    return shards.filter { !$0.cells.isEmpty }
  }
}

extension ShardedTable {
  /// Shards that are let go of together: the list of all may have to be cloned for it.
  private static var releasedAtOnce: Int { 256 }

  /// Lets go of what is in the shards before this one, as far as that pays; `count` stays. To be called
  /// again and again while a walk goes on.
  mutating func release(before shard: Int) {
    let end = shard / Self.releasedAtOnce * Self.releasedAtOnce
    let recent = max(0, end - 2 * Self.releasedAtOnce)..<end
    guard shards[recent].contains(where: { !$0.cells.isEmpty }) else { return }
    for number in recent { shards[number] = Shard() }
  }
}

extension ShardedTable.Shard {
  /// Where the hashes that are not lower begin.
  /// - Parameter skipping: bits of the hash that say nothing here: above it, and those of the shard.
  func start(of hash: UInt64, skipping bits: UInt64) -> Int {
    let count = UInt64(hashes.count)
    var index = Int(truncatingIfNeeded: (hash << bits).multipliedFullWidth(by: count).high)
    while index > 0, hashes[index - 1] >= hash { index -= 1 }
    while index < hashes.count, hashes[index] < hash { index += 1 }
    return index
  }

  fileprivate func find(_ name: Bytes, _ hash: UInt64, skipping bits: UInt64) -> Int? {
    var index = start(of: hash, skipping: bits)
    while index < hashes.count, hashes[index] == hash {
      if cells[index].name == name { return index }
      index += 1
    }
    return nil
  }

  fileprivate mutating func insert(
    _ cell: ShardedTable.Cell, _ hash: UInt64, skipping bits: UInt64
  ) {
    var index = start(of: hash, skipping: bits)
    // The same order on every node, whichever of two names of one hash came first.
    while index < hashes.count, hashes[index] == hash, cells[index].name < cell.name {
      index += 1
    }
    hashes.insert(hash, at: index)
    cells.insert(cell, at: index)
  }

  fileprivate mutating func remove(at index: Int) {
    if hashes.count == 1 {
      self = Self()
    } else {
      hashes.remove(at: index)
      cells.remove(at: index)
    }
  }
}
