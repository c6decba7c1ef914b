internal import Synod

/// Going through the keys.
extension KeyValueState {
  /// Keys of one piece, and bytes of them, about.
  private static let mostKeys = 4096
  private static let mostBytes = 256 << 10

  /// A piece of the list of all keys: about `limit` of them, behind those up to and including a hash.
  func list(after: UInt64?, limit: Int) -> KeyValuePage {
    var page = KeyValuePage(keys: [], through: .max)
    let first = after.map { $0 < .max ? $0 + 1 : .max } ?? 0
    guard first >> ShardedTable<KeyValueEntry>.hashBits == 0 else { return page }
    let most = min(max(limit, 1), Self.mostKeys)
    var bytes = 0
    var last: UInt64 = 0
    for number in keys.shard(of: first)..<keys.shards.count {
      let shard = keys.shards[number]
      for index in shard.hashes.indices where shard.hashes[index] >= first {
        let hash = shard.hashes[index]
        // Keys of one hash stay together, since a list goes on behind a hash.
        if page.keys.count >= most || bytes >= Self.mostBytes, hash != last {
          page.through = last
          return page
        }
        page.keys.append(shard.cells[index].name)
        bytes += shard.cells[index].name.count
        last = hash
      }
    }
    return page
  }
}
