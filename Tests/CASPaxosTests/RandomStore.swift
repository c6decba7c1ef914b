import CASPaxos
import Synod

/// What is left of a machine when it crashes: the last checkpoint and the batches since, as a store
/// keeps them. It acknowledges late, and takes checkpoints in pieces while batches go on coming.
struct RandomStore {
  struct Batch {
    /// In the order of all that this store was ever given.
    var place: Int
    var number: PersistBatch
    var records: [Record]
  }

  /// One that is being taken: valid once every batch issued before its last piece is durable.
  struct Checkpoint {
    /// Batches before this are in the pieces.
    var start: Int
    var cursor: AppendMachine.Cursor?
    var pieces: [Record] = []
    /// Set with the last piece: batches before this must be durable.
    var end: Int?
  }

  private(set) var base: [Record] = []
  private(set) var log: [Batch] = []
  private(set) var pending: [Batch] = []
  private(set) var checkpoint: Checkpoint?
  private var places = 0

  var records: [Record] { log.reduce(into: base) { $0 += $1.records } }

  mutating func submit(_ records: [Record], as number: PersistBatch) {
    pending.append(Batch(place: places, number: number, records: records))
    places += 1
  }

  /// Makes the first `count` of the batches in flight durable, and gives them.
  mutating func keep(_ count: Int) -> [Batch] {
    let kept = Array(pending.prefix(count))
    log += kept
    pending.removeFirst(count)
    useCheckpoint()
    return kept
  }

  /// What is in flight is gone, and a checkpoint that was not finished.
  mutating func forget() {
    pending.removeAll()
    checkpoint = nil
  }

  /// Takes the next piece of a checkpoint, or the first of a new one.
  mutating func goOn(of machine: AppendMachine, limit: Int) {
    var taken = checkpoint ?? Checkpoint(start: places)
    guard taken.end == nil else { return }
    taken.cursor = machine.restate(after: taken.cursor, limit: limit, into: &taken.pieces)
    if taken.cursor == nil { taken.end = places }
    checkpoint = taken
    useCheckpoint()
  }

  private mutating func useCheckpoint() {
    guard let checkpoint, let end = checkpoint.end,
      pending.first.map({ $0.place >= end }) ?? true
    else { return }
    base = checkpoint.pieces
    log.removeAll { $0.place < checkpoint.start }
    self.checkpoint = nil
  }
}
