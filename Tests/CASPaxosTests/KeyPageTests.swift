import Synod
import Testing

@testable import CASPaxos

/// Pages of one voter.
@Suite struct KeyPageTests {
  /// Pages one behind the other list every accepted register once, in order, whatever the shards are.
  @Test(arguments: [1, 4, 64], [1, 7, 5000])
  func pagesCoverTheTableInOrder(shards: Int, limit: UInt32) {
    var table = RegisterTable(shards: shards, seed: 5)
    var keys: Set<Bytes> = []
    for number in 0..<600 {
      let key = Bytes("key\(number)")
      let place = table.findOrInsert(key, hash: table.hash(key))
      table[place].promised = b(1, 1)
      if number % 3 == 0 { continue }
      table[place].accepted = b(1, 1)
      table[place].batch = PersistBatch(UInt64(number))
      keys.insert(key)
    }
    var after: UInt64?
    var seen: [Bytes] = []
    repeat {
      let request = KeyPage.Request(after: after, limit: limit)
      let (page, batch, _) = table.page(request)
      #expect(page.entries.count <= Int(limit) && page.answers(after, hash: table.hash))
      let newest = page.entries.map { table[table.find($0.key, hash: table.hash($0.key))!].batch }
      #expect(batch == newest.max() ?? .none)
      #expect(KeyPage(encoded: page.encoded) == page)
      #expect(KeyPage.Request(encoded: request.encoded) == request)
      seen += page.entries.map(\.key)
      after = page.through
    } while after != .max
    #expect(Set(seen) == keys && seen.count == keys.count)
    #expect(seen == seen.sorted { table.hash($0) < table.hash($1) })
  }

  @Test func aPageHasALimitInBytesAndOneOfItsOwn() {
    var table = RegisterTable(shards: 4, seed: 5)
    for number in 0..<6000 {
      let key = Bytes(
        [UInt8](repeating: 1, count: number < 100 ? 4000 : 1) + Array("\(number)".utf8))
      table[table.findOrInsert(key, hash: table.hash(key))].accepted = b(1, 1)
    }
    var after: UInt64?
    var pages = 0
    repeat {
      let (page, _, _) = table.page(KeyPage.Request(after: after, limit: .max))
      #expect(page.encoded.count < KeyPage.maxBytes + 4100)
      #expect(page.entries.count <= KeyPage.maxEntries)
      pages += 1
      after = page.through
    } while after != .max
    #expect(pages > 4 && pages < 10)
  }

  @Test func aPageOfBlankRegistersEndsAfterAWhile() {
    var table = RegisterTable(shards: 64, seed: 5)
    for number in 0..<40_000 {
      let key = Bytes("\(number)")
      table[table.findOrInsert(key, hash: table.hash(key))].promised = b(1, 1)
    }
    var after: UInt64?
    var pages = 0
    repeat {
      let (page, _, _) = table.page(KeyPage.Request(after: after, limit: 10))
      #expect(page.entries.isEmpty && page.answers(after, hash: table.hash))
      pages += 1
      after = page.through
    } while after != .max
    #expect(pages == 3)
  }

  /// The hash is no secret: whoever likes can have all keys lie in one shard.
  @Test func aPageLooksAtFewRegistersHoweverManyLieInOneShard() {
    var table = RegisterTable(shards: 1, seed: 5)
    let count = 2 * RegisterTable.crowd
    for number in 0..<count { table.accept(Bytes("\(number)")) }
    // They are put in order once.
    var after = table.page(KeyPage.Request(after: nil, limit: 10)).page.through
    for number in 0..<20 {
      let (page, _, looks) = table.page(KeyPage.Request(after: after, limit: 10))
      #expect(page.entries.count == 10 && page.answers(after, hash: table.hash))
      #expect(looks < count / 16)
      after = page.through
      table.accept(Bytes("more \(number)"))
    }
    // Blank ones are passed over, a bounded number at a time.
    for cell in table.shards[0].cells.indices {
      table[RegisterTable.Place(shard: 0, cell: cell)].accepted = .zero
    }
    var pages = 0
    var next: UInt64?
    repeat {
      let (page, _, looks) = table.page(KeyPage.Request(after: next, limit: 10))
      #expect(page.entries.isEmpty && looks < KeyPage.maxLooks + count / 16)
      pages += 1
      next = page.through
    } while next != .max
    #expect(pages == 3)
  }

  /// While registers come and go.
  @Test(arguments: [1, 2])
  func pagesOfACrowdedShardCoverItInOrder(shards: Int) {
    var random = SplitMix(seed: 11)
    var table = RegisterTable(shards: shards, seed: 5)
    let count = 3 * RegisterTable.crowd * shards / 2
    for number in 0..<count { table.accept(Bytes("\(number)")) }
    var left = Set((0..<count).map { Bytes("\($0)") })
    for turn in 0..<6 {
      var seen: [Bytes] = []
      var after: UInt64?
      repeat {
        let (page, _, _) = table.page(KeyPage.Request(after: after, limit: 3000))
        #expect(page.answers(after, hash: table.hash))
        seen += page.entries.map(\.key)
        after = page.through
      } while after != .max
      #expect(seen.count == left.count && Set(seen) == left)
      // In the end more have gone than are left.
      for number in 0..<count where random.next() % (turn < 3 ? 50 : 2) == 0 {
        let key = Bytes("\(number)")
        if let place = table.find(key, hash: table.hash(key)) { table.remove(place) }
        left.remove(key)
      }
      for _ in 0..<100 {
        let key = Bytes("\(random.next() % UInt64(2 * count))")
        table.accept(key)
        left.insert(key)
      }
    }
  }

  @Test func aRangeOfHashesIsARunOfShards() {
    for shards in [1, 2, 64, 1024] {
      let table = RegisterTable(shards: shards, seed: 5)
      #expect(table.shard(of: 0) == 0 && table.shard(of: .max >> 1) == shards - 1)
      #expect(table.lastHash(of: shards - 1) == .max >> 1)
      for shard in 0..<(shards - 1) {
        #expect(table.shard(of: table.lastHash(of: shard)) == shard)
        #expect(table.shard(of: table.lastHash(of: shard) + 1) == shard + 1)
      }
    }
  }

  @Test func hostilePagesAreRefused() {
    let page = KeyPage(
      entries: [.init(key: "key", accepted: b(3, 2), hasValue: true)], through: 7)
    let good = page.encoded
    #expect(KeyPage(encoded: good) == page)
    for length in 0..<good.count { #expect(KeyPage(encoded: good[0..<length]) == nil) }
    for place in 0..<good.count {
      var bytes = good.array
      bytes[place] = 0xff
      // It is another page, or none; it never traps.
      if let other = KeyPage(encoded: Bytes(bytes)) { #expect(other != page) }
    }
  }
}

extension RegisterTable {
  /// Holds a state of the register.
  mutating func accept(_ key: Bytes) {
    self[findOrInsert(key, hash: hash(key))].accepted = b(1, 1)
  }
}
