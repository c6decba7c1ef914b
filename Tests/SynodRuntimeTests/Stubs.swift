import Synchronization
import Synod
import SynodRuntime
import UV

/// A storage that does what a test says.
final class StubStorage: Storage {
  var recovered: [Bytes] = []
  var recoverError: (any Error)?
  var isLowOnSpace = false
  var queuedBytes = 0
  var appended: [Bytes] = []
  var flushes = 0
  var events: StorageEvents?
  /// Calls back from within `append`, as no storage should.
  var answersAtOnce = false
  var last = PersistBatch.none

  func recover(_ restore: (Bytes) throws -> Void) throws {
    for bytes in recovered { try restore(bytes) }
    if let recoverError { throw recoverError }
  }
  func start(_ events: StorageEvents) { self.events = events }
  func append(_ batch: PersistBatch, encode: (inout ByteWriter) -> Void) {
    var writer = ByteWriter()
    encode(&writer)
    appended.append(writer.finish())
    last = batch
    if answersAtOnce { events?.persisted(batch) }
  }
  func flush() { flushes += 1 }
  var wantsCheckpoint: Bool { false }
  func beginCheckpoint() {}
  var isReadyForPiece: Bool { false }
  func appendPiece(encode: (inout ByteWriter) -> Void) {}
  func endCheckpoint() {}
  var statistics: StorageStatistics { StorageStatistics() }
  func close(_ done: @escaping () -> Void) { done() }
}

/// A transport that records what it is given.
final class StubTransport: Transport {
  var maxPayload = 1 << 20
  var startError: (any Error)?
  var sent: [(payload: Bytes, to: VoterID?)] = []
  var refused: [VoterID] = []
  var events: TransportEvents?

  func start(_ events: TransportEvents) throws {
    if let startError { throw startError }
    self.events = events
  }
  func send(_ payload: Bytes, to voter: VoterID) { sent.append((payload, voter)) }
  func broadcast(_ payload: Bytes) { sent.append((payload, nil)) }
  func follow(_ peers: [TransportPeer], in epoch: Epoch, revision: UInt64) {}
  func flush() {}
  func refuse(_ voter: VoterID, because reason: String) { refused.append(voter) }
  var peers: [PeerStatus] { [] }
  func close(_ done: @escaping () -> Void) { done() }
}

extension Node where Machine == Ledger {
  /// Proposes from a task.
  func add(_ amount: UInt64) async throws -> Ledger.Completion.Outcome {
    try await propose(Ledger.Proposal(amount: amount)).outcome
  }
}
