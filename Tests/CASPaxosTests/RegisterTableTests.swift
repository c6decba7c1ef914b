import Synod
import Testing

@testable import CASPaxos

@Suite struct RegisterTableTests {
  /// Inserts, finds and removes at random, beside a dictionary that does the same.
  @Test(arguments: [1, 4, 64], 0..<8)
  func theTableHoldsWhatWasPutIntoIt(shards: Int, seed: UInt64) {
    var random = SplitMix(seed: seed)
    var table = RegisterTable(shards: shards, seed: seed)
    var model: [Bytes: UInt8] = [:]
    for _ in 0..<3000 {
      let key = Bytes("key\(random.next() % 400)")
      let hash = table.hash(key)
      switch random.next() % 3 {
      case 0:
        if let place = table.find(key, hash: hash) {
          table.remove(place)
          model[key] = nil
        }
      default:
        let mark = UInt8(truncatingIfNeeded: random.next())
        table[table.findOrInsert(key, hash: hash)].streak = mark
        model[key] = mark
      }
    }
    #expect(table.count == model.count)
    for number in 0..<400 {
      let key = Bytes("key\(number)")
      let place = table.find(key, hash: table.hash(key))
      #expect(place.map { table[$0].streak } == model[key])
    }
  }

  @Test(arguments: [1, 4, 64])
  func roomIsGivenBackWhereManyRegistersWent(shards: Int) throws {
    var table = RegisterTable(shards: shards, seed: 1)
    func room() -> (cells: Int, index: Int) {
      table.shards.reduce((0, 0)) { ($0.0 + $1.cells.capacity, $0.1 + $1.index.count) }
    }
    let keys = (0..<4_000).map { Bytes("key\($0)") }
    for key in keys { _ = table.findOrInsert(key, hash: table.hash(key)) }
    for (number, key) in keys.enumerated() {
      table.remove(try #require(table.find(key, hash: table.hash(key))))
      let bound = max(8 * shards, 8 * (keys.count - number) + 64 * shards)
      #expect(room().cells <= bound && room().index <= bound, "\(number) are gone")
      // Those that are left are found.
      guard number % 400 == 0 else { continue }
      for key in keys[(number + 1)...] {
        #expect(table.find(key, hash: table.hash(key)) != nil)
      }
    }
    #expect(room().cells <= 4 * shards && room().index <= 4 * shards)
  }

  /// Whoever knows the hash can choose keys whose hashes are alike; where they lie is the node's own.
  @Test func keysThatWereChosenToCollideDoNot() {
    var table = RegisterTable(shards: 1, seed: 3)
    var number = 0
    while table.count < 400 {
      let key = Bytes("key\(number)")
      let hash = table.hash(key)
      if hash & 0xff == 7 { _ = table.findOrInsert(key, hash: hash) }
      number += 1
    }
    let runs = table.shards[0].index.split(separator: 0)
    #expect(runs.map(\.count).max() ?? 0 < 64)
  }

  @Test func aWalkDownwardsMissesNothingThatStaysWhileOthersAreRemoved() {
    var random = SplitMix(seed: 3)
    var table = RegisterTable(shards: 1, seed: 3)
    var kept: Set<Bytes> = []
    for number in 0..<500 {
      let key = Bytes("key\(number)")
      _ = table.findOrInsert(key, hash: table.hash(key))
      if number % 2 == 0 { kept.insert(key) }
    }
    var seen: Set<Bytes> = []
    var index = table.shards[0].cells.count
    while index > 0 {
      index = min(index, table.shards[0].cells.count)
      if index == 0 { break }
      index -= 1
      seen.insert(table.shards[0].cells[index].key)
      let other = Bytes("key\(random.next() % 250 * 2 + 1)")
      if let place = table.find(other, hash: table.hash(other)) { table.remove(place) }
    }
    #expect(seen.isSuperset(of: kept))
  }
}
