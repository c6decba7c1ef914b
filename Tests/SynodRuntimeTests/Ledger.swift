import Synod

/// A machine for tests of the driver: adds amounts up. A proposal is applied once its record is
/// durable and every peer has answered; told again and again until they do.
struct Ledger: ConsensusMachine {
  struct Settings: Sendable {
    var voter: VoterID
    var peers: [VoterID] = []
    /// Bytes that every message carries along.
    var padding = 0
    var retellAfter: UInt64 = 10
  }
  struct Proposal: Sendable {
    var amount: UInt64
    var deadline: Ticks?
  }
  struct Completion: Sendable, ProposalCompletion, Equatable {
    enum Outcome: Equatable { case applied(total: UInt64), cancelled, expired, storageFailed }
    var proposal: ProposalID
    var outcome: Outcome
  }
  struct Message: Sendable, ByteCodable {
    var isAnswer: Bool
    var number: UInt64
    var padding: Bytes

    func encode(into writer: inout ByteWriter) {
      writer.write(UInt8(isAnswer ? 1 : 0))
      writer.write(number)
      writer.write(bytes: padding)
    }
    init(isAnswer: Bool, number: UInt64, padding: Bytes) {
      self.isAnswer = isAnswer
      self.number = number
      self.padding = padding
    }
    init(from reader: inout ByteReader) throws(CodingError) {
      let kind = try reader.read(UInt8.self)
      guard kind < 2 else { throw .malformed("neither told nor answered") }
      isAnswer = kind == 1
      number = try reader.read(UInt64.self)
      padding = try reader.read(bytesUpTo: 1 << 20)
    }
  }
  struct Record: Sendable, ByteCodable {
    var number: UInt64
    var amount: UInt64

    func encode(into writer: inout ByteWriter) {
      writer.write(number)
      writer.write(amount)
    }
    init(number: UInt64, amount: UInt64) {
      self.number = number
      self.amount = amount
    }
    init(from reader: inout ByteReader) throws(CodingError) {
      number = try reader.read(UInt64.self)
      amount = try reader.read(UInt64.self)
    }
  }
  typealias Effect = Never
  typealias Cursor = UInt64

  private struct Open {
    var id: ProposalID
    var number: UInt64
    var batch: PersistBatch
    var missing: Set<VoterID>
    var deadline: Ticks?
  }

  private let settings: Settings
  private let padding: Bytes
  private(set) var amounts: [UInt64: UInt64] = [:]
  private(set) var now = Ticks(0)
  private(set) var ticks = 0
  private(set) var inputsBeforeTick = 0
  private var open: [Open] = []
  private var batch = PersistBatch.none.next
  private var durable = PersistBatch.none
  private var retellAt: Ticks?
  private var ready = Ready<Ledger>()

  init(_ settings: Settings) {
    self.settings = settings
    padding = Bytes([UInt8](repeating: 7, count: settings.padding))
  }

  var total: UInt64 { amounts.values.reduce(0, &+) }

  mutating func restore(_ record: Record) throws(RestoreError) {
    guard record.amount != .max else { throw RestoreError("an amount that was never proposed") }
    amounts[record.number] = record.amount
  }

  mutating func tick(to now: Ticks) {
    ticks += 1
    self.now = max(self.now, now)
    for o in open where o.deadline.map({ $0 <= now }) ?? false { end(o, .expired) }
    open.removeAll { $0.deadline.map { $0 <= now } ?? false }
    if let at = retellAt, at <= now {
      retellAt = now.advanced(by: settings.retellAfter)
      for o in open where !o.missing.isEmpty { tell(o.number) }
    }
  }

  mutating func propose(_ proposal: Proposal, as id: ProposalID) {
    if ticks == 0 { inputsBeforeTick += 1 }
    let number = UInt64(amounts.count)
    amounts[number] = proposal.amount
    ready.batch = batch
    ready.persist.append(Record(number: number, amount: proposal.amount))
    open.append(
      Open(
        id: id, number: number, batch: batch, missing: Set(settings.peers),
        deadline: proposal.deadline))
    tell(number)
    if retellAt == nil { retellAt = now.advanced(by: settings.retellAfter) }
  }

  private mutating func tell(_ number: UInt64) {
    guard !settings.peers.isEmpty else { return }
    let message = Message(isAnswer: false, number: number, padding: padding)
    ready.messages.append(Envelope(to: .peers, message: message))
  }

  private mutating func end(_ open: Open, _ outcome: Completion.Outcome) {
    ready.completed.append(Completion(proposal: open.id, outcome: outcome))
  }

  private mutating func settle() {
    for o in open where o.batch <= durable && o.missing.isEmpty { end(o, .applied(total: total)) }
    let durable = durable
    open.removeAll { $0.batch <= durable && $0.missing.isEmpty }
    if open.isEmpty { retellAt = nil }
  }

  mutating func cancel(_ id: ProposalID) {
    for o in open where o.id == id { end(o, .cancelled) }
    open.removeAll { $0.id == id }
  }

  static func asksToWrite(_ message: Message) -> Bool { !message.isAnswer }

  mutating func receive(_ message: Message, from sender: VoterID) {
    if message.isAnswer {
      for i in open.indices where open[i].number == message.number {
        open[i].missing.remove(sender)
      }
      settle()
    } else {
      let answer = Message(isAnswer: true, number: message.number, padding: padding)
      ready.messages.append(Envelope(to: .voter(sender), message: answer))
    }
  }

  mutating func persisted(through batch: PersistBatch) {
    precondition(batch < self.batch, "a batch that was never issued")
    durable = max(durable, batch)
    settle()
  }

  mutating func finished(_ effect: EffectID) {}

  mutating func storageFailed() {
    for o in open { end(o, .storageFailed) }
    open = []
  }

  mutating func drain(into ready: inout Ready<Ledger>) {
    swap(&ready, &self.ready)
    self.ready.removeAll()
    if !ready.persist.isEmpty { batch = batch.next }
  }

  var hasReady: Bool { !ready.isEmpty }

  var nextDeadline: Ticks? { ([retellAt] + open.map(\.deadline)).compactMap { $0 }.min() }

  func restate(after cursor: UInt64?, limit: Int, into records: inout [Record]) -> UInt64? {
    // Few at a time, so that a checkpoint takes several turns.
    let first = cursor ?? 0
    let end = min(first + 3, UInt64(amounts.count))
    for number in first..<end {
      records.append(Record(number: number, amount: amounts[number] ?? 0))
    }
    return end == UInt64(amounts.count) ? nil : end
  }
}
