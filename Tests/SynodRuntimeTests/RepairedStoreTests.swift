import Synod
import Testing

@testable import SynodJournal
@testable import SynodRuntime

/// A store that was repaired goes on as any other, through later restarts too.
@Suite struct RepairedStoreTests {
  let store = TestStore()

  /// The first block of the second log is torn, its header there; the repair leaves that log empty,
  /// and what is acknowledged then stands in the third.
  @Test func aTearInTheFirstBlockOfALogIsSurvivedTwice() throws {
    try store.live { life in
      while life.journal.segment.generation == 1 {
        life.commit([UInt8](repeating: UInt8(life.last.rawValue + 1), count: 3000))
      }
    }
    #expect(LogLayout(store.read(.log(2))).blocks.count == 1)
    // As when power goes during that block: nothing names it as durable.
    store.remove(.watermark)
    try store.rewriteSuperblock { superblock in
      superblock.durableGeneration = 1
      superblock.durableBlock = 0
    }
    store.write(.log(2), at: 512, [UInt8](repeating: 0, count: 3584))
    let found = try store.live { life in for byte in 1...3 { life.commit([UInt8(byte)]) } }
    #expect(found.count > 5)
    for _ in 0..<3 { #expect(try store.live() == found + [[1], [2], [3]]) }
  }
}
