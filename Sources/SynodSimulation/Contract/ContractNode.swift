internal import Synod

/// One machine of the suite's cluster, with its store.
struct ContractNode<Machine: ConsensusMachine> {
  /// Records that were handed out together.
  struct Batch {
    var number: PersistBatch
    var records: [Machine.Record]
  }

  /// A restatement of the machine's state, taken piece by piece while it runs.
  struct Checkpoint {
    var records: [Machine.Record] = []
    var cursor: Machine.Cursor?
    /// The batch that was next when the first piece was taken: from it on, batches are replayed.
    var from: PersistBatch
    /// The last batch issued when the last piece was taken; nil while there are more.
    var validOnce: PersistBatch?
    var pieces = 0
  }

  /// How a store is read back.
  enum Recovery {
    /// All its records, in order.
    case log
    /// The checkpoint's records, then the batches from the one where it began.
    case checkpoint
  }

  let voter: VoterID
  let settings: Machine.Settings
  var machine: Machine
  /// Made from all that is known to be durable. It takes no input.
  var rebuilt: Machine
  /// What this life began with.
  var base: [Machine.Record] = []
  /// The batches of this life, all of them.
  var log: [Batch] = []
  var acknowledged = PersistBatch.none
  var life = 0
  var checkpoint: Checkpoint?
  /// All that this voter ever let out.
  var letOut: [ContractOutput<Machine>] = []

  init(voter: VoterID, settings: Machine.Settings) {
    self.voter = voter
    self.settings = settings
    machine = Machine(settings)
    rebuilt = Machine(settings)
  }

  /// The last batch that was handed out.
  var issued: PersistBatch { log.last?.number ?? .none }
  /// Batches that are not known to be durable.
  var inFlight: ArraySlice<Batch> {
    log[(log.lastIndex { $0.number <= acknowledged } ?? -1) + 1..<log.count]
  }

  /// What is durable once `batch` is, by one way of reading it back; nil where there is no such way.
  func records(through batch: PersistBatch, by recovery: Recovery) -> [Machine.Record]? {
    switch recovery {
    case .log:
      return base + log.filter { $0.number <= batch }.flatMap(\.records)
    case .checkpoint:
      guard let checkpoint, let validOnce = checkpoint.validOnce, validOnce <= batch else {
        return nil
      }
      let replayed = log.filter { $0.number >= checkpoint.from && $0.number <= batch }
      return checkpoint.records + replayed.flatMap(\.records)
    }
  }

  /// The machine that `records` make.
  func rebuild(from records: [Machine.Record]) throws(RestoreError) -> Machine {
    var machine = Machine(settings)
    for record in records { try machine.restore(record) }
    return machine
  }

  /// Takes the next piece of a checkpoint, or begins one.
  mutating func takePiece(limit: Int) {
    if checkpoint == nil || checkpoint?.validOnce != nil {
      checkpoint = Checkpoint(from: issued.next)
    }
    guard var taken = checkpoint else { return }
    taken.cursor = machine.restate(
      after: taken.cursor, limit: limit, into: &taken.records)
    taken.pieces += 1
    if taken.cursor == nil { taken.validOnce = issued }
    checkpoint = taken
  }
}
