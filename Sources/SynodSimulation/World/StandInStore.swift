public import Synod

/// Keeps batches in memory: durable when a sync ends, gone where a crash comes first.
@usableFromInline
final class StandInStore {
  @usableFromInline private(set) var identity: ProcessIdentity
  @usableFromInline private(set) var payloads: [Bytes] = []
  private var waiting: [(batch: PersistBatch, payload: Bytes)] = []
  private var writing = 0
  private var pins: [VoterID: StoreID] = [:]

  init(_ store: StoreID) { identity = ProcessIdentity(store: store, incarnation: 1) }

  @usableFromInline
  var queuedBytes: Int { waiting.reduce(0) { $0 + $1.payload.count } }

  @usableFromInline
  func append(_ batch: PersistBatch, encode: (inout ByteWriter) -> Void) {
    var writer = ByteWriter()
    encode(&writer)
    waiting.append((batch, writer.finish()))
  }

  @usableFromInline
  func beginCommit() -> Bool {
    guard writing == 0, !waiting.isEmpty else { return false }
    writing = waiting.count
    return true
  }

  @usableFromInline
  func finishCommit() -> PersistBatch? {
    let last = waiting[writing - 1].batch
    payloads += waiting.prefix(writing).map(\.payload)
    waiting.removeFirst(writing)
    writing = 0
    return last
  }

  func pinned(_ voter: VoterID) -> StoreID? { pins[voter] }
  func pin(_ voter: VoterID, _ store: StoreID) { pins[voter] = store }

  func crash() {
    waiting.removeAll()
    writing = 0
    identity.incarnation += 1
  }
}
