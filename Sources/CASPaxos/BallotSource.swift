internal import Synod

/// Draws ballots, each once in all lives of this store: counters are reserved durably in blocks, and
/// a life begins above all that earlier lives reserved.
struct BallotSource: Hashable, Sendable {
  let voter: VoterID
  var epoch: Epoch
  /// The last counter drawn, or learned from a conflict.
  private(set) var counter: UInt64 = 0
  /// Counters up to this may be drawn: the reservation is durable.
  private(set) var reserved: UInt64 = 0
  /// What is reserved, durable or not, and the batch that will make it so.
  private(set) var requested: UInt64 = 0
  private var batch: PersistBatch?
  private let block: UInt64

  init(voter: VoterID, epoch: Epoch, block: UInt64) {
    self.voter = voter
    self.epoch = epoch
    self.block = max(block, 2)
  }

  /// A ballot never drawn before; nil until a reservation is durable.
  mutating func draw() -> Ballot? {
    guard counter < reserved else { return nil }
    counter += 1
    return Ballot(epoch: epoch, counter: counter, voter: voter)
  }

  /// Takes the counter of a conflict: only upwards (rule 12). Counters learned in another epoch say
  /// nothing in this one.
  mutating func raise(to other: Ballot) {
    #if PlantedBugs
      if PlantedBug.has(.loweredCounter), other.epoch == epoch, other.counter > 0 {
        counter = other.counter
      }
    #endif
    if other.epoch == epoch { counter = max(counter, other.counter) }
  }

  #if PlantedBugs
    var drawnLast: Ballot { Ballot(epoch: epoch, counter: counter, voter: voter) }

    mutating func restart() { counter = 0 }
  #endif

  /// Every counter is drawn, or was skipped because a conflict named the last one.
  var isExhausted: Bool { counter >= Ballot.counterLimit }

  /// What to reserve now, so that the block does not run out; nil for nothing.
  var wanted: UInt64? {
    guard batch == nil, counter + block / 2 >= requested, requested < Ballot.counterLimit else {
      return nil
    }
    return min(max(counter, requested) + block, Ballot.counterLimit)
  }

  mutating func request(_ counter: UInt64, in batch: PersistBatch) {
    requested = counter
    self.batch = batch
  }

  /// Whether a reservation became usable.
  mutating func persisted(through durable: PersistBatch) -> Bool {
    guard let batch, batch <= durable else { return false }
    self.batch = nil
    reserved = requested
    return true
  }

  /// An earlier life reserved this much, and may have drawn all of it.
  mutating func restore(reserved earlier: UInt64) {
    #if PlantedBugs
      if PlantedBug.has(.forgottenReservation) { return }
    #endif
    counter = max(counter, earlier)
    requested = max(requested, earlier)
    reserved = max(reserved, earlier)
  }

  /// No ballot is drawn any more: how far it came is of no account, and nothing is reserved.
  mutating func retire() {
    counter = 0
    reserved = Ballot.counterLimit
    requested = Ballot.counterLimit
    batch = nil
  }

  /// Batches up to `shift` are forgotten, and the others count from there.
  mutating func rebase(by shift: UInt64) {
    batch = batch.map { PersistBatch($0.rawValue - shift) }
  }
}
