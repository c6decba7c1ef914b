internal import Synod
internal import SynodRuntime
internal import UV

/// One life of a storage on a loop of its own, and everything that it said.
final class StorageBench {
  let loop: Loop
  private(set) var storage: (any Storage)?
  private(set) var recovered: [[UInt8]] = []
  private(set) var acknowledged: [PersistBatch] = []
  private(set) var failures: [String] = []
  private(set) var readies = 0
  private var next = PersistBatch.none.next
  private let patience: UInt64
  /// Held, so that the store outlives this life of it.
  private let store: StorageConformance.Store

  /// Opens, recovers and starts.
  init(_ store: @escaping StorageConformance.Store, patience: UInt64) throws {
    loop = try Loop()
    self.patience = patience
    self.store = store
    let storage = try store(loop)
    self.storage = storage
    try storage.recover { recovered.append($0.array) }
    storage.start(
      StorageEvents(
        persisted: { [unowned self] in acknowledged.append($0) },
        failed: { [unowned self] in failures.append($0) },
        ready: { [unowned self] in readies += 1 }))
  }

  deinit { crash() }

  @discardableResult
  func append(_ bytes: [UInt8]) -> PersistBatch {
    let batch = next
    next = batch.next
    storage?.append(batch) { writer in bytes.withUnsafeBytes { writer.write(raw: $0) } }
    return batch
  }

  /// Appends, submits, and waits until it is durable.
  func commit(_ bytes: [UInt8]) throws {
    let batch = append(bytes)
    storage?.flush()
    try turn(until: "batch \(batch) is durable") { self.last == batch }
  }

  var last: PersistBatch { acknowledged.last ?? .none }

  /// Runs the loop until something holds, for as long as patience lasts.
  func turn(until what: String, _ holds: @escaping () -> Bool) throws {
    if holds() { return }
    var isLate = false
    let timer = Timer(loop) { [loop] in
      isLate = true
      loop.stop()
    }
    timer.start(after: patience)
    loop.atTurn = { [loop] in if holds() { loop.stop() } }
    while !isLate, !holds() { loop.run() }
    loop.atTurn = nil
    timer.close()
    try demand(holds(), "in \(patience) ms: \(what)\(failures.isEmpty ? "" : "; \(failures)")")
  }

  /// A whole checkpoint of these pieces.
  func checkpoint(_ pieces: [[UInt8]]) throws {
    storage?.beginCheckpoint()
    try give(pieces)
    try end()
  }

  func give(_ pieces: [[UInt8]]) throws {
    for piece in pieces {
      try turn(until: "the storage is ready for a piece") {
        self.storage?.isReadyForPiece ?? false
      }
      storage?.appendPiece { writer in piece.withUnsafeBytes { writer.write(raw: $0) } }
    }
  }

  func end() throws {
    let before = storage?.statistics.checkpoints ?? 0
    storage?.endCheckpoint()
    storage?.flush()
    try turn(until: "the checkpoint counts") {
      self.storage?.statistics.checkpoints == before + 1
    }
  }

  func close() throws {
    var isDone = false
    storage?.close { isDone = true }
    try turn(until: "the storage is closed") { isDone }
    let said = acknowledged.count + failures.count + readies
    storage = nil
    loop.close()
    try demand(
      said == acknowledged.count + failures.count + readies, "no event follows the end")
  }

  /// Ends without a close, as a kill does.
  func crash() {
    storage = nil
    loop.close()
  }
}
