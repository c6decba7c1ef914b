internal import Synod
internal import SynodRuntime

extension StorageConformance {
  /// Recovery gives the pieces instead of the batches before the checkpoint began.
  public func checkpointStandsForAllBefore() throws {
    let store = try makeStore()
    let life = try bench(store)
    for number in 0..<10 { try life.commit(Self.payload(number, count: 60)) }
    let pieces = (0..<5).map { Self.payload(100 + $0, count: 100_000) }
    try life.checkpoint(pieces)
    try life.commit([7])
    life.crash()
    try expect(pieces + [[7]], in: store, "after a checkpoint and a kill")
  }

  /// Batches appended between begin and end come behind the pieces, in order, all of them; those
  /// that still waited when it began are not among them.
  public func batchesDuringACheckpoint() throws {
    let store = try makeStore()
    let life = try bench(store)
    try life.commit([1])
    life.append([2])
    life.storage?.beginCheckpoint()
    life.append([3])
    life.storage?.flush()
    try life.give([[100]])
    life.append([4])
    try life.give([[101]])
    try life.commit([5])
    life.append([6])
    try life.end()
    try demand(life.last.rawValue >= 6, "the checkpoint counts before its batches are durable")
    try life.commit([7])
    try life.close()
    try expect([[100], [101], [3], [4], [5], [6], [7]], in: store, "with a checkpoint between")
  }

  /// A checkpoint that was never ended leaves everything as it was.
  public func checkpointWithoutItsEnd() throws {
    let store = try makeStore()
    let life = try bench(store)
    try life.commit([1])
    life.storage?.beginCheckpoint()
    try life.give([Self.payload(1, count: 300_000), Self.payload(2, count: 300_000)])
    try life.commit([2])
    life.crash()
    try expect([[1], [2]], in: store, "after a kill in the middle of a checkpoint")
    let other = try bench(store)
    other.storage?.beginCheckpoint()
    try other.give([[9]])
    try other.close()
    try expect([[1], [2]], in: store, "after a close in the middle of a checkpoint")
  }

  /// Of several, the newest counts, and what is behind it.
  public func newestCheckpointCounts() throws {
    let store = try makeStore()
    for round in 0..<4 {
      let life = try bench(store)
      try life.commit([UInt8(round)])
      try life.checkpoint([[200, UInt8(round)], []])
      try life.commit([100 + UInt8(round)])
      try life.close()
    }
    try expect([[200, 3], [], [103]], in: store, "after four checkpoints")
  }
}
