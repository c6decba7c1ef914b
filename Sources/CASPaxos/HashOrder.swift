/// The hashes of a crowded shard's registers in ascending order, so that a page of it looks at no more
/// than it shows. Keys can be chosen to lie in one shard, since their hash is no secret.
///
/// It is made when a page first needs it. Hashes that come later are merged in before the next page;
/// those of registers that go stay until they are many.
struct HashOrder: Hashable, Sendable {
  /// Some may be there twice, or be of registers that are gone.
  private(set) var hashes: [UInt64]
  private var fresh: [UInt64] = []
  private var removals = 0

  init(_ cells: [RegisterTable.Cell]) {
    hashes = cells.map(\.hash)
    hashes.sort()
  }

  mutating func insert(_ hash: UInt64) { fresh.append(hash) }

  mutating func noteRemoval() { removals += 1 }

  /// It is better made anew than kept.
  var isWorn: Bool { fresh.count > hashes.count || 2 * removals > hashes.count }

  /// Puts those that came into their places.
  /// - Returns: what that costs, in looks at registers, of which one takes as long as to move some
  ///   dozens of hashes.
  mutating func merge() -> Int {
    if fresh.isEmpty { return 0 }
    fresh.sort()
    var (old, new) = (hashes.count - 1, fresh.count - 1)
    hashes.append(contentsOf: fresh)
    var place = hashes.count - 1
    // From above, so that what lies below the lowest that came stays where it is.
    while new >= 0 {
      if old >= 0, hashes[old] > fresh[new] {
        hashes[place] = hashes[old]
        old -= 1
      } else {
        hashes[place] = fresh[new]
        new -= 1
      }
      place -= 1
    }
    fresh.removeAll(keepingCapacity: true)
    return hashes.count / 64
  }

  /// Where the first hash lies that is no lower than this.
  func place(of hash: UInt64) -> Int {
    var (low, high) = (0, hashes.count)
    while low < high {
      let middle = (low + high) / 2
      if hashes[middle] < hash { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
