internal import Synod

/// Draws ballots, entries' numbers and names of questions, each once in all lives of this store
/// (rule 4): they are reserved durably in blocks, and a life begins above all that earlier lives
/// reserved.
struct Reservation: Hashable, Sendable {
  /// Ballots' counters, entries' numbers, or names of questions.
  struct Counter: Hashable, Sendable {
    /// The last drawn, or learned from a rival.
    var last: UInt64 = 0
    /// Up to this they may be let out: the reservation is durable.
    var reserved: UInt64 = 0
    /// What is reserved, durable or not.
    var requested: UInt64 = 0

    func runsOut(_ block: UInt64) -> Bool {
      last + block / 2 >= requested && requested < Ballot.counterLimit
    }

    var isExhausted: Bool { last >= Ballot.counterLimit }

    func wanted(_ block: UInt64) -> UInt64 {
      min(max(last, requested) + block, Ballot.counterLimit)
    }

    mutating func restore(_ earlier: UInt64) {
      last = max(last, earlier)
      requested = max(requested, earlier)
      reserved = max(reserved, earlier)
    }
  }

  var ballots = Counter()
  var numbers = Counter()
  var reads = Counter()
  private var batch: PersistBatch?
  private let block: UInt64

  init(block: UInt64) { self.block = max(block, 2) }

  /// A ballot never drawn before, above all that were seen; nil until a reservation is durable.
  mutating func drawBallot(for voter: VoterID) -> Ballot? {
    guard ballots.last < ballots.reserved else { return nil }
    ballots.last += 1
    return Ballot(epoch: Epoch(0), counter: ballots.last, voter: voter)
  }

  /// Takes the counter of another's ballot: only upwards.
  mutating func raise(to ballot: Ballot) {
    ballots.last = max(ballots.last, min(ballot.counter, Ballot.counterLimit))
  }

  /// A number never drawn before. Its entry must not leave before `mayLeave`; nil where there is none
  /// left.
  mutating func drawNumber() -> UInt64? {
    guard numbers.last < Ballot.counterLimit else { return nil }
    numbers.last += 1
    return numbers.last
  }

  /// A name never given before; nil until a reservation is durable. Reads have numbers of their own:
  /// those of entries are known one by one within a window only, which many reads would pass.
  mutating func drawRead() -> UInt64? {
    guard reads.last < reads.reserved else { return nil }
    reads.last += 1
    return reads.last
  }

  /// Whether the reservation of this number is durable.
  func mayLeave(_ number: UInt64) -> Bool { number <= numbers.reserved }

  /// Reserves more where what is reserved runs out.
  mutating func request(in outbox: inout Outbox) {
    guard batch == nil,
      ballots.runsOut(block) || numbers.runsOut(block) || reads.runsOut(block)
    else { return }
    if ballots.runsOut(block) { ballots.requested = ballots.wanted(block) }
    if numbers.runsOut(block) { numbers.requested = numbers.wanted(block) }
    if reads.runsOut(block) { reads.requested = reads.wanted(block) }
    batch = outbox.record(record)
  }

  /// All that is reserved, as a record.
  var record: Record {
    .reserve(
      counter: ballots.requested, number: numbers.requested, read: reads.requested)
  }

  /// Whether a reservation became usable.
  mutating func persisted(through durable: PersistBatch) -> Bool {
    guard let batch, batch <= durable else { return false }
    self.batch = nil
    ballots.reserved = ballots.requested
    numbers.reserved = numbers.requested
    reads.reserved = reads.requested
    return true
  }

  /// The number of the batch that is waited for falls.
  mutating func renumber(by shift: UInt64) {
    batch = batch.map { PersistBatch($0.rawValue - min(shift, $0.rawValue)) }
  }

  /// An earlier life reserved this much, and may have drawn all of it.
  mutating func restore(counter: UInt64, number: UInt64, read: UInt64) {
    ballots.restore(min(counter, Ballot.counterLimit))
    numbers.restore(min(number, Ballot.counterLimit))
    reads.restore(min(read, Ballot.counterLimit))
  }
}
