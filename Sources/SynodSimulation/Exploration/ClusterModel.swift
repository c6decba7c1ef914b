public import Synod

/// The states of nodes, messages, events and ledgers of a protocol under numbers, and what the real
/// machines make of inputs.
@usableFromInline
final class ClusterModel<Subject: ExploredSubject> {
  @usableFromInline typealias Machine = Subject.Machine

  /// A node: its process and its store.
  @usableFromInline
  struct Local: Hashable {
    @usableFromInline var node: UInt8
    @usableFromInline var machine: UInt32
    /// The machine that would be made of what is durable: all that a store is good for.
    @usableFromInline var durable: UInt32
    /// Batches that are not durable yet.
    @usableFromInline var pending: UInt32
    /// Steps of the plan that are not started.
    @usableFromInline var left: UInt8
    @usableFromInline var hasTime: Bool
    /// Nodes that will never send a request again.
    @usableFromInline var done: UInt8

    @inlinable
    init(
      node: UInt8, machine: UInt32, durable: UInt32, pending: UInt32, left: UInt8, hasTime: Bool,
      done: UInt8
    ) {
      self.node = node
      self.machine = machine
      self.durable = durable
      self.pending = pending
      self.left = left
      self.hasTime = hasTime
      self.done = done
    }

    @inlinable
    var digest: UInt64 {
      var digest = UInt64(machine) << 32 | UInt64(durable)
      digest = (digest ^ digest >> 29) &* 0xbf58_476d_1ce4_e5b9
      digest ^= UInt64(pending) << 32 | UInt64(node) << 24 | UInt64(left) << 16 | UInt64(done) << 8
      return digest ^ digest >> 31 ^ (hasTime ? 1 : 0)
    }
  }

  @usableFromInline
  struct Batch: Hashable {
    @usableFromInline var number: PersistBatch
    @usableFromInline var records: [Machine.Record]

    @inlinable
    init(number: PersistBatch, records: [Machine.Record]) {
      self.number = number
      self.records = records
    }
  }

  @usableFromInline
  struct Letter: Hashable {
    @usableFromInline var from: UInt8
    @usableFromInline var message: Machine.Message

    @inlinable
    init(from: UInt8, message: Machine.Message) {
      self.from = from
      self.message = message
    }
  }

  @usableFromInline
  enum Event: Hashable {
    case started(Int)
    case ended(Int, Machine.Completion)
    case sent(Machine.Message)
    case durable(Machine.Record)
    case crashed
    case failed
    case timedOut
    case cancelled
    case violation(String)
  }

  @usableFromInline
  struct Events: Hashable {
    @usableFromInline var node: UInt8
    @usableFromInline var list: [Event]

    @inlinable
    init(node: UInt8, list: [Event]) {
      self.node = node
      self.list = list
    }
  }

  @usableFromInline let subject: Subject
  @usableFromInline var locals = Interner<Local>()
  @usableFromInline var machines = Interner<Shared<Machine>>()
  @usableFromInline var batches = Interner<[Batch]>()
  @usableFromInline var letters = Interner<Letter>()
  @usableFromInline var events = Interner<Events>()
  @usableFromInline var ledgers = Interner<ExploredLedger<Subject>>()
  /// What came of crashes.
  @usableFromInline var crashes: [Crash: LocalReaction] = [:]
  /// By ledger, what is wrong with it.
  @usableFromInline var violations: [String?] = []
  @usableFromInline var ready = Ready<Machine>()

  @inlinable
  init(_ subject: Subject) {
    self.subject = subject
    _ = events.intern(Events(node: 0, list: []))
    _ = batches.intern([])
  }

  @inlinable var nodes: Int { subject.settings.count }

  @inlinable
  var bytes: Int {
    let machine = MemoryLayout<Machine>.stride + 1_200
    return machines.count * machine + locals.count * 60 + letters.count * 600
      + ledgers.count * 600 + batches.count * 300 + crashes.count * 80
  }

  @inlinable func voter(_ node: Int) -> VoterID { VoterID(UInt32(node + 1)) }

  @inlinable
  func restore(_ record: Machine.Record, into machine: inout Machine) {
    do {
      try machine.restore(record)
    } catch {
      preconditionFailure("a store refuses its own record: \(error)")
    }
  }

  /// - Parameters:
  ///   - machine: is made canonical.
  ///   - durable: nil where it is as `local` says.
  ///   - pending: nil where they are as `local` says, and no batch became durable.
  @inlinable
  func intern(
    _ local: Local, _ machine: inout Machine, durable: Shared<Machine>?, pending: [Batch]?
  ) -> UInt32 {
    var local = local
    let shift = subject.canonicalise(&machine, horizon(of: local))
    if let durable {
      var durable = durable.value
      _ = subject.canonicalise(&durable, horizon(ofStoreOf: local, machine))
      local.durable = number(of: durable)
    }
    local.machine = number(of: machine)
    if let pending {
      local.pending = batches.intern(
        pending.map {
          Batch(number: PersistBatch($0.number.rawValue - shift), records: $0.records)
        })
    }
    return locals.intern(local, digest: local.digest)
  }

  /// What a proposer reserved is checked as long as it has something open.
  @inlinable
  func horizon(ofStoreOf local: Local, _ machine: borrowing Machine) -> ExplorationHorizon {
    var horizon = horizon(of: local)
    horizon.mayPropose = !subject.isDone(machine, horizon)
    return horizon
  }

  @inlinable
  func number(of machine: Machine) -> UInt32 {
    machines.intern(
      digest: subject.digest(machine), where: { $0.value == machine }, make: { Shared(machine) })
  }

  @inlinable
  func horizon(of local: Local) -> ExplorationHorizon {
    ExplorationHorizon(
      hasTime: local.hasTime, mayPropose: local.left > 0, mayCancel: subject.budget.cancels > 0,
      done: local.done)
  }

  @inlinable
  func isDone(_ local: Local) -> Bool {
    subject.isDone(machines[local.machine].value, horizon(of: local))
  }

  @inlinable
  func isDead(_ message: UInt32, at number: UInt32, done: UInt8) -> Bool {
    let local = locals[number]
    if subject.deaf & 1 << local.node != 0 { return true }
    let letter = letters[message]
    return subject.isDead(
      letter.message, at: machines[local.machine].value, durable: machines[local.durable].value,
      ExploredSight(
        isDone: isDone(local), senderIsDone: done & 1 << letter.from != 0,
        horizon: horizon(of: local)))
  }

  @inlinable
  func mayWait(_ message: UInt32, at number: UInt32) -> Bool {
    subject.mayWait(letters[message].message, at: machines[locals[number].machine].value)
  }

  @inlinable
  func traits(ofLocal number: UInt32) -> LocalTraits {
    let local = locals[number]
    return LocalTraits(
      pending: batches[local.pending].count,
      hasDeadline: machines[local.machine].value.nextDeadline != nil, isDone: isDone(local))
  }
}
