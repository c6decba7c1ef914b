internal import Synod
internal import SynodRuntime

extension StorageConformance {
  /// A new store gives nothing, and closes.
  public func newStoreGivesNothing() throws {
    let store = try makeStore()
    try expect([], in: store, "the first time")
    try expect([], in: store, "the second time")
  }

  /// Batches of all sizes come back as they were, in order.
  public func batchesComeBack() throws {
    let store = try makeStore()
    let batches = [1, 7, 100, 511, 4095, 4096, 5000, 70_000].enumerated().map {
      Self.payload($0.offset, count: $0.element)
    }
    let life = try bench(store)
    for batch in batches { try life.commit(batch) }
    try life.close()
    try expect(batches, in: store, "after a clean end")
  }

  /// What was acknowledged comes back after a kill; what was not may.
  public func acknowledgedSurvivesAKill() throws {
    let store = try makeStore()
    let batches = (0..<20).map { Self.payload($0, count: 50 + $0) }
    let life = try bench(store)
    for batch in batches.prefix(10) { try life.commit(batch) }
    for batch in batches.suffix(10) { life.append(batch) }
    life.storage?.flush()
    try life.turn(until: "something more is durable") { life.last.rawValue > 10 }
    let acknowledged = Int(life.last.rawValue)
    life.crash()
    let next = try bench(store)
    let found = next.recovered
    try next.close()
    try demand(
      found.count >= acknowledged && found == Array(batches.prefix(found.count)),
      "\(acknowledged) batches were acknowledged; \(found.count) came back")
  }

  /// Acknowledgements rise strictly and reach the last batch.
  public func acknowledgementsRise() throws {
    let life = try bench(try makeStore())
    for round in 0..<50 {
      for _ in 0..<(round % 4 + 1) { life.append(Self.payload(round, count: 30)) }
      life.storage?.flush()
      try life.turn(until: "something is durable") { life.last.rawValue > UInt64(round) }
    }
    let last = life.append([1])
    life.storage?.flush()
    try life.turn(until: "the last batch is durable") { life.last == last }
    let said = life.acknowledged
    try demand(zip(said, said.dropFirst()).allSatisfy { $0 < $1 }, "acknowledged: \(said)")
    try demand(said.allSatisfy { $0 <= last }, "a batch that was never appended is acknowledged")
    try life.close()
  }

  /// An acknowledgement comes from the loop, never out of `append` or `flush`.
  public func nothingIsAcknowledgedWithinACall() throws {
    let life = try bench(try makeStore())
    life.append([1, 2, 3])
    try demand(life.acknowledged.isEmpty, "append acknowledged")
    life.storage?.flush()
    try demand(life.acknowledged.isEmpty, "flush acknowledged")
    try life.turn(until: "the batch is durable") { life.last.rawValue == 1 }
    try life.close()
  }

  /// What was appended while a write was under way follows by itself once it was flushed.
  public func oneFlushIsEnough() throws {
    let life = try bench(try makeStore())
    life.append([1])
    life.storage?.flush()
    for number in 2...9 { life.append([UInt8(number)]) }
    life.storage?.flush()
    try life.turn(until: "the ninth batch is durable") { life.last.rawValue == 9 }
    try life.close()
  }

  /// Batches longer than any write of the storage's own come back whole.
  public func longBatches() throws {
    let store = try makeStore()
    let batches = [3 << 20, 10, 1 << 20, 0, 5 << 20, 1].enumerated().map {
      Self.payload($0.offset, count: $0.element)
    }
    let life = try bench(store)
    for batch in batches { life.append(batch) }
    life.storage?.flush()
    try life.turn(until: "all batches are durable") { life.last.rawValue == 6 }
    life.crash()
    try expect(batches, in: store, "after a kill")
  }

  /// Each life recovers all of the lives before it.
  public func livesGoOn() throws {
    let store = try makeStore()
    var expected: [[UInt8]] = []
    for round in 0..<6 {
      let life = try bench(store)
      try demand(life.recovered == expected, "life \(round) recovers \(life.recovered.count)")
      for number in 0..<3 {
        let bytes = Self.payload(round * 3 + number, count: 40)
        try life.commit(bytes)
        expected.append(bytes)
      }
      if round % 2 == 0 { try life.close() } else { life.crash() }
    }
    try expect(expected, in: store, "in the end")
  }

  /// Closing commits what was appended and not flushed.
  public func closeCommits() throws {
    let store = try makeStore()
    let life = try bench(store)
    life.append([9, 9])
    try life.close()
    try expect([[9, 9]], in: store, "after a close")
  }
}
