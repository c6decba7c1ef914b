public import SynodRuntime
public import UV

/// What must hold for any `Storage`, as plain functions that throw a `ConformanceViolation`, or what
/// the storage threw. Each works on a store of its own and runs loops on the calling thread.
public struct StorageConformance {
  /// Opens one store: each call is another life of it, on the given loop. By the time of a call the
  /// last life was closed, or dropped as by a kill.
  public typealias Store = (Loop) throws -> any Storage

  let makeStore: () throws -> Store
  let patience: UInt64

  /// - Parameters:
  ///   - patience: how long to wait for what must happen, in milliseconds.
  ///   - makeStore: makes a new, empty store at each call.
  public init(patience: UInt64 = 30_000, makeStore: @escaping () throws -> Store) {
    self.patience = patience
    self.makeStore = makeStore
  }

  /// Every rule with its name.
  public var rules: [(name: String, check: () throws -> Void)] {
    [
      ("a new store gives nothing", newStoreGivesNothing),
      ("batches come back as they were, in order", batchesComeBack),
      ("what was acknowledged comes back after a kill", acknowledgedSurvivesAKill),
      ("acknowledgements rise and reach every batch", acknowledgementsRise),
      ("nothing is acknowledged within a call", nothingIsAcknowledgedWithinACall),
      ("one flush is enough for all that was appended before", oneFlushIsEnough),
      ("a long batch is one unit", longBatches),
      ("every life goes on behind the last", livesGoOn),
      ("a checkpoint stands for all before it", checkpointStandsForAllBefore),
      ("batches during a checkpoint are replayed behind it", batchesDuringACheckpoint),
      ("a checkpoint without its end does not count", checkpointWithoutItsEnd),
      ("the newest checkpoint counts", newestCheckpointCounts),
      ("close commits what was appended", closeCommits),
    ]
  }

  /// Checks every rule; throws the first violation, with the rule's name.
  public func checkAll() throws {
    for rule in rules {
      do {
        try rule.check()
      } catch let violation as ConformanceViolation {
        throw ConformanceViolation("\(rule.name): \(violation)")
      }
    }
  }

  func bench(_ store: @escaping Store) throws -> StorageBench {
    try StorageBench(store, patience: patience)
  }

  /// Closes this life and looks at what the next one recovers.
  func expect(
    _ expected: [[UInt8]], in store: @escaping Store, _ when: String
  ) throws {
    let life = try bench(store)
    let found = life.recovered
    try life.close()
    try demand(
      found == expected,
      "\(when): \(expected.count) entries \(Self.sketch(expected)) should come back,"
        + " not \(found.count) \(Self.sketch(found))")
  }

  static func sketch(_ entries: [[UInt8]]) -> String {
    let shown = entries.prefix(6).map { entry in
      entry.count > 8 ? "\(entry.count) bytes" : "\(entry)"
    }
    return "(\(shown.joined(separator: ", "))\(entries.count > 6 ? ", …" : ""))"
  }

  /// Bytes that differ from batch to batch.
  static func payload(_ number: Int, count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number &* 7 &+ ($0 >> 8)) }
  }
}
