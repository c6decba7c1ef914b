import Synod

@testable import CASPaxos

/// A ballot of epoch 0.
func b(_ counter: UInt64, _ voter: UInt32) -> Ballot {
  Ballot(epoch: Epoch(0), counter: counter, voter: VoterID(voter))
}

/// The state that a write at `ballot` left, the first of its round.
func state(_ number: Int, at ballot: Ballot, step: UInt32 = 1, lineage: [Ballot] = [])
  -> RegisterState
{
  RegisterState(
    value: Bytes(String(number)), version: Version(ballot: ballot, step: step), lineage: lineage)
}

/// One machine that is fed inputs by hand. After each input its fields hold what that gave.
struct Bench {
  var machine: CounterMachine
  var settings: Settings
  var records: [Record] = []
  var messages: [Envelope<Message>] = []
  var completed: [Completion<Counter>] = []
  /// Batches handed out, in order, and how many of them are acknowledged.
  var batches: [(number: PersistBatch, records: [Record])] = []
  var acknowledged = 0
  var now: UInt64 = 0
  private var proposed: UInt64 = 0

  var voter: VoterID { settings.voter }
  /// The last message that the last input gave.
  var last: Message { messages.last!.message }
  /// The last request that was sent to all peers, by whatever input.
  var request: Message { requests.last! }
  private(set) var requests: [Message] = []
  var results: [Outcome<Counter>] { completed.map(\.result) }

  /// A machine that was started and whose first batch is durable.
  init(
    _ voter: UInt32 = 1, of voters: Int = 3, quorums: (prepare: Int, accept: Int)? = nil,
    started: Bool = true, adjust: (inout Settings) -> Void = { _ in }
  ) {
    let system = quorums.map {
      try! QuorumSystem(voters: voters, prepare: $0.prepare, accept: $0.accept)
    }
    settings = .test(voter, of: voters, quorums: system)
    settings.piggybackAfter = nil
    adjust(&settings)
    machine = CounterMachine(settings)
    if started {
      tick(to: 1)
      persist()
    }
  }

  /// A machine restored from records, and started.
  init(restoring records: [Record], _ settings: Settings, now: UInt64 = 1) {
    self.settings = settings
    machine = CounterMachine(settings)
    for record in records { try! machine.restore(record) }
    tick(to: now)
  }

  private mutating func collect() {
    records = []
    messages = []
    completed = []
    var ready = Ready<CounterMachine>()
    while machine.hasReady {
      machine.drain(into: &ready)
      if !ready.persist.isEmpty { batches.append((ready.batch, ready.persist)) }
      records += ready.persist
      messages += ready.messages
      for envelope in ready.messages where envelope.to == .peers {
        requests.append(envelope.message)
      }
      completed += ready.completed
    }
  }

  mutating func tick(to time: UInt64) {
    now = time
    machine.tick(to: Ticks(time))
    collect()
  }

  /// Lets the time pass until the machine wants it to have passed.
  mutating func wait() {
    guard let next = machine.nextDeadline else { return }
    tick(to: max(now, next.rawValue))
  }

  @discardableResult
  mutating func propose(
    _ operation: CASPaxos.Operation<Counter>, key: Bytes = "k", deadline: UInt64? = nil
  ) -> ProposalID {
    proposed += 1
    machine.propose(
      Proposal(key: key, operation: operation, deadline: deadline.map { Ticks($0) }),
      as: ProposalID(proposed))
    collect()
    return ProposalID(proposed)
  }

  /// Proposes, and lets the time pass that the machine leaves the register to another.
  mutating func proposeAndRest(_ operation: CASPaxos.Operation<Counter>) {
    propose(operation)
    while messages.isEmpty { wait() }
  }

  mutating func cancel(_ id: ProposalID) {
    machine.cancel(id)
    collect()
  }

  mutating func cancel(_ ids: [ProposalID]) {
    machine.cancel(ids)
    collect()
  }

  mutating func receive(_ message: Message, from sender: UInt32) {
    machine.receive(message, from: VoterID(sender))
    collect()
  }

  /// Acknowledges all batches, or the next ones.
  mutating func persist(_ count: Int? = nil) {
    acknowledged = count.map { acknowledged + $0 } ?? batches.count
    machine.persisted(through: batches[acknowledged - 1].number)
    collect()
  }

  mutating func storageFailed() {
    machine.storageFailed()
    collect()
  }

  // MARK: Requests of others

  mutating func prepare(_ ballot: Ballot, key: Bytes = "k", slot: UInt32 = 0) {
    receive(
      Message(.prepare, slot: slot, ballot: ballot, key: key), from: ballot.voter.rawValue)
  }

  mutating func accept(
    _ ballot: Ballot, _ state: RegisterState, next: Ballot = .zero, key: Bytes = "k"
  ) {
    receive(
      Message(.accept, slot: 0, ballot: ballot, promised: next, key: key, state: state),
      from: ballot.voter.rawValue)
  }

  mutating func read(_ name: Ballot, key: Bytes = "k") {
    receive(Message(.read, slot: 0, ballot: name, key: key), from: name.voter.rawValue)
  }

  mutating func erase(_ ballot: Ballot, key: Bytes = "k") {
    receive(Message(.erase, slot: 0, ballot: ballot, key: key), from: ballot.voter.rawValue)
  }

  // MARK: Replies of others

  mutating func promise(
    _ request: Message, from sender: UInt32, accepted: Ballot = .zero,
    _ state: RegisterState = .blank, floor: Ballot = .zero
  ) {
    receive(
      Message(
        .promise, slot: request.slot, ballot: request.ballot, accepted: accepted, floor: floor,
        state: state), from: sender)
  }

  mutating func accepted(_ request: Message, from sender: UInt32, promised: Ballot? = nil) {
    receive(
      Message(
        .accepted, slot: request.slot, ballot: request.ballot,
        promised: promised ?? max(request.ballot, request.promised)), from: sender)
  }

  mutating func conflict(
    _ request: Message, from sender: UInt32, promised: Ballot, accepted: Ballot = .zero,
    floor: Ballot = .zero
  ) {
    receive(
      Message(
        .conflict, slot: request.slot, ballot: request.ballot, promised: promised,
        accepted: accepted, floor: floor), from: sender)
  }

  mutating func answer(
    _ request: Message, from sender: UInt32, accepted: Ballot = .zero,
    _ state: RegisterState = .blank
  ) {
    receive(
      Message(
        .readReply, slot: request.slot, ballot: request.ballot, accepted: accepted, state: state),
      from: sender)
  }

  /// Leads an addition through its prepare, with the promise of voter 2 (and 3, and so on where more
  /// are needed), up to its accept, which is returned. This machine's own vote for that is not
  /// durable yet.
  mutating func leadToAccept(_ amount: Int = 1, key: Bytes = "k", deadline: UInt64? = nil)
    -> Message
  {
    propose(.change(.add(amount)), key: key, deadline: deadline)
    promiseOwnAndOthers()
    return request
  }

  /// The machine's own promise becomes durable, and as many others give theirs as are needed.
  mutating func promiseOwnAndOthers() {
    let prepare = request
    persist()
    for other in 2..<(2 + UInt32(settings.configuration.component.quorums.prepare) - 1) {
      promise(prepare, from: other)
    }
  }

  /// Leads an addition to its end, with the votes of those whose votes are needed.
  mutating func add(_ amount: Int = 1, key: Bytes = "k") {
    propose(.change(.add(amount)), key: key)
    if request.kind == .prepare { promiseOwnAndOthers() }
    let accept = request
    persist()
    for other in 2..<(2 + UInt32(settings.configuration.component.quorums.accept) - 1) {
      accepted(accept, from: other)
    }
  }

  /// Makes the machine draw ballots above a counter, as conflicts do.
  mutating func raise(to counter: UInt64) {
    conflict(Message(.prepare, slot: 0, ballot: b(1, 1)), from: 2, promised: b(counter, 2))
    persist()
  }
}
