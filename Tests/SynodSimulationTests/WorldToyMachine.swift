import Synod
import SynodSimulation

/// The least machine that is worth attacking: whatever is proposed is kept by a majority of stores
/// before anyone is told so. Nothing is ordered.
struct ToyMachine: ConsensusMachine {
  typealias Effect = Never

  struct Settings: Sendable {
    var voter: VoterID
    var voters: Int
    /// Breaks it: acknowledges what is not durable yet.
    var isHasty = false
    /// Breaks it: never says anything again.
    var isForgetful = false
    /// Breaks it: gives up what nobody gave up, for this reason.
    var givesUp: EarlyEnd?
    /// Asks for its timer at a time that is over.
    var isRestless = false
  }

  enum Message: Hashable, Sendable, ByteCodable {
    case keep(UInt64)
    case kept(UInt64)

    func encode(into writer: inout ByteWriter) {
      switch self {
      case .keep(let item):
        writer.write(UInt8(1))
        writer.write(item)
      case .kept(let item):
        writer.write(UInt8(2))
        writer.write(item)
      }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
      switch try reader.read(UInt8.self) {
      case 1: self = .keep(try reader.read(UInt64.self))
      case 2: self = .kept(try reader.read(UInt64.self))
      case _: throw .malformed("no such message")
      }
    }
  }

  struct Record: Hashable, Sendable, ByteCodable {
    var item: UInt64
    init(item: UInt64) { self.item = item }
    func encode(into writer: inout ByteWriter) { writer.write(item) }
    init(from reader: inout ByteReader) throws(CodingError) { item = try reader.read(UInt64.self) }
  }

  struct Completion: Hashable, Sendable, ProposalCompletion {
    var proposal: ProposalID
    var item: UInt64
    var isKept: Bool
    var earlyEnd: EarlyEnd?
  }

  struct Open: Sendable {
    var id: ProposalID
    var item: UInt64
    var votes: Set<VoterID> = []
    var again: Ticks
  }

  let settings: Settings
  /// In the order in which they came.
  var items: [UInt64] = []
  var known: Set<UInt64> = []
  var open: [Open] = []
  var now = Ticks(0)
  var issued = PersistBatch.none
  var durable = PersistBatch.none
  var held: [(batch: PersistBatch, to: VoterID, item: UInt64)] = []
  var records: [Record] = []
  var messages: [Envelope<Message>] = []
  var completed: [Completion] = []
  var storageHasFailed = false

  init(_ settings: Settings) { self.settings = settings }

  mutating func restore(_ record: Record) throws(RestoreError) {
    items.append(record.item)
    known.insert(record.item)
  }

  mutating func tick(to now: Ticks) {
    self.now = max(self.now, now)
    if settings.isForgetful { return }
    for place in open.indices where open[place].again <= self.now {
      open[place].again = self.now.advanced(by: 20)
      messages.append(Envelope(to: .peers, message: .keep(open[place].item)))
    }
  }

  mutating func propose(_ proposal: UInt64, as id: ProposalID) {
    if storageHasFailed {
      return completed.append(Completion(proposal: id, item: proposal, isKept: false))
    }
    if let why = settings.givesUp, proposal % 10 == 0 {
      return completed.append(
        Completion(proposal: id, item: proposal, isKept: false, earlyEnd: why))
    }
    open.append(Open(id: id, item: proposal, again: now.advanced(by: 20)))
    keep(proposal, for: settings.voter)
    messages.append(Envelope(to: .peers, message: .keep(proposal)))
  }

  mutating func cancel(_ id: ProposalID) {
    guard let place = open.firstIndex(where: { $0.id == id }) else { return }
    let item = open.remove(at: place).item
    completed.append(Completion(proposal: id, item: item, isKept: false, earlyEnd: .cancelled))
  }

  private mutating func keep(_ item: UInt64, for voter: VoterID) {
    let isNew = known.insert(item).inserted
    if isNew {
      items.append(item)
      records.append(Record(item: item))
    }
    let batch = records.isEmpty ? issued : issued.next
    if settings.isHasty || batch <= durable { return acknowledge(item, to: voter) }
    held.append((batch, voter, item))
  }

  private mutating func acknowledge(_ item: UInt64, to voter: VoterID) {
    if voter == settings.voter { return count(item, by: voter) }
    messages.append(Envelope(to: .voter(voter), message: .kept(item)))
  }

  private mutating func count(_ item: UInt64, by voter: VoterID) {
    for place in open.indices.reversed() where open[place].item == item {
      open[place].votes.insert(voter)
      guard open[place].votes.count > settings.voters / 2 else { continue }
      let done = open.remove(at: place)
      completed.append(Completion(proposal: done.id, item: item, isKept: true))
    }
  }

  mutating func receive(_ message: Message, from sender: VoterID) {
    if storageHasFailed { return }
    switch message {
    case .keep(let item): keep(item, for: sender)
    case .kept(let item): count(item, by: sender)
    }
  }

  mutating func persisted(through batch: PersistBatch) {
    durable = max(durable, batch)
    let free = held.filter { $0.batch <= batch }
    held.removeAll { $0.batch <= batch }
    for one in free { acknowledge(one.item, to: one.to) }
  }

  mutating func finished(_ effect: EffectID) {}

  mutating func storageFailed() {
    storageHasFailed = true
    for one in open {
      completed.append(Completion(proposal: one.id, item: one.item, isKept: false))
    }
    open = []
    held = []
    records = []
    messages = []
  }

  mutating func drain(into ready: inout Ready<ToyMachine>) {
    ready.removeAll()
    swap(&ready.persist, &records)
    swap(&ready.messages, &messages)
    swap(&ready.completed, &completed)
    if !ready.persist.isEmpty { issued = issued.next }
    ready.batch = issued
  }

  var hasReady: Bool { !records.isEmpty || !messages.isEmpty || !completed.isEmpty }
  var nextDeadline: Ticks? {
    if settings.isRestless { return Ticks(1) }
    return settings.isForgetful ? nil : open.map(\.again).min()
  }

  func restate(after cursor: Int?, limit: Int, into records: inout [Record]) -> Int? {
    let start = cursor ?? 0
    let end = min(items.count, start + max(limit / 8, 1))
    for item in items[min(start, end)..<end] { records.append(Record(item: item)) }
    return end < items.count ? end : nil
  }
}
