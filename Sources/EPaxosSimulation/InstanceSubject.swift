public import EPaxos
public import Synod
public import SynodSimulation

/// EPaxos in a simulated world: what its clients ask for, and what must hold of it.
///
/// What is decided is known from the records that became durable: two nodes must not take two values
/// of one instance for decided, and of two that interfere one comes behind the other (rule 7). The
/// state keeps the history of every key, so that nodes that executed in different orders what
/// interferes are found out at once, and so that the end of the run can tell in which order everything
/// took effect.
public struct InstanceSubject: SimulationSubject {
  /// The machine that ships.
  public typealias Machine = EPaxos.Machine<Scrolls>

  /// For people.
  public static var name: String { "epaxos" }

  /// A client's request, and what became of it.
  struct Call {
    let id: ProposalID
    let client: Int
    let voter: VoterID
    let proposal: Proposal<Scrolls>
    let began: UInt64
    var ended: UInt64?
    var isNotApplied = false
    /// It was told that the members changed.
    var hasChanged = false
    /// What it was told of the keys.
    var heads: [Scrolls.Head]?
    /// Of a barrier: by keys, how many writes anybody had been told of when it was asked for.
    var floor: [UInt64]?
  }

  var ledger: InstanceLedger
  let shape: InstanceShape
  let plan: RunPlan
  var operations: UInt64 = 0
  var calls: [Call] = []
  var places: [ProposalID: Int] = [:]
  /// By client, a command that ended unknown and is to be sent again.
  var again: [Int: Proposal<Scrolls>] = [:]
  var hasFailed: Set<VoterID> = []
  var isClosing = false
  /// By keys, how many writes clients were told of.
  var told = [UInt64](repeating: 0, count: Int(Scrolls.keys))
  /// The faults are over: nobody asks for other members.
  var hasSettled = false
  /// Voters whose stores are lost.
  var lost: [VoterID] = []
  var newcomers: InstanceNewcomers
  /// Draws changes of the members.
  var changes: SplitMix
  /// The keys of what was recovered last; none where that is not known.
  var chased: UInt16 = 0
  /// Of machines that are no more.
  var past = Statistics()

  /// Nobody leads, drives a change of the members or watches: what a plan says of that cannot happen.
  public static func adapting(_ plan: RunPlan) -> RunPlan {
    var plan = plan
    plan.watchers = 0
    plan.oncePercent = 0
    plan.faults.siegePercent = 0
    plan.faults.driverCrashPercent = 0
    return plan
  }

  /// Draws limits and the mix of operations.
  public init(_ plan: RunPlan, random: inout SplitMix) {
    self.plan = plan
    shape = InstanceShape(plan, random: &random)
    ledger = InstanceLedger(shape.settings, spares: plan.spares)
    newcomers = InstanceNewcomers(founders: max(plan.voters, 1), spares: plan.spares)
    changes = SplitMix(seed: plan.seed ^ 0x6d65_6d62_6572)
  }

  var chronicle: Chronicle { ledger.chronicle }
  var roll: MemberRoll { ledger.roll }

  /// The settings of a voter's machine, the same in all its lives.
  public func settings(of voter: VoterID) -> EPaxos.Settings {
    var settings = shape.settings
    settings.voter = voter
    if newcomers.isOne(voter) {
      settings.mode = .join
      settings.configuration = newcomers.asks(voter) ?? settings.configuration
    }
    return settings
  }

  /// As many as leave a slow quorum.
  public var tolerates: Int { Quorums(voters: max(plan.voters, 1)).failures }

  /// What nobody answers for is asked about, and then recovered, perhaps several times.
  public var waitForRoom: UInt64 {
    let settings = shape.settings
    let recovery =
      settings.recoverAfter + settings.recoverSpread * UInt64(plan.voters)
      + 2 * settings.attemptLasts
    let room = settings.maxHeldReplies <= 2 * plan.voters ? 4 * settings.retransmitAfter : 0
    return 1_000 * (recovery + room)
  }

  /// All members execute all that is decided, whether anyone asks for it or not.
  public func differing(_ machines: [Machine]) -> String? {
    let members = roll.newest
    let machines = machines.filter { members.member($0.settings.voter) != nil }
    guard let first = machines.first else { return nil }
    for machine in machines.dropFirst() {
      let (mine, its) = (first.status.executedThrough, machine.status.executedThrough)
      if mine != its || first.app.digest != machine.app.digest
        || first.membership != machine.membership
      {
        return "voter \(first.settings.voter) has executed \(mine), and voter "
          + "\(machine.settings.voter) \(its)"
      }
    }
    return nil
  }

  /// They tell each other now and then, and what is missing then may have to be recovered.
  public var equalWithin: UInt64 {
    let settings = shape.settings
    let pause = 200_000 * (settings.tellAfter ?? 0)
    return 60_000_000 + pause + 10 * waitForRoom + 64_000 * settings.attemptLasts
  }

  // MARK: What must hold at every event

  /// Whoever runs a machine is told of each command that is applied, once, and of the members.
  public mutating func heard(_ effect: Effect<Scrolls>, of voter: VoterID) -> String? {
    switch effect {
    case .event(let item, let position): chronicle.events.tell(item, position, at: voter)
    case .installed: chronicle.events.installed(at: voter)
    case .members(let membership): return roll.observe(membership, of: voter)
    }
    return nil
  }

  /// A message must rest on what is durable.
  public mutating func sent(
    _ envelope: Envelope<EPaxos.Message>, by voter: VoterID
  ) -> String? {
    ledger.sent(envelope.message, by: voter)
    if case .recover(_, let id) = envelope.message { chased = ledger.writes(of: id) }
    return ledger.violation
  }

  /// What a snapshot made of a node is noted before it is durable.
  public mutating func appended(_ records: [EPaxos.Record], by voter: VoterID) {
    chronicle.appended(records, by: voter)
  }

  /// These are durable, and may decide instances.
  public mutating func persisted(_ records: [EPaxos.Record], by voter: VoterID) -> String? {
    ledger.persisted(records, by: voter)
    return ledger.violation
  }

  /// A machine comes back with what its store bears out.
  public mutating func recovered(_ machine: Machine, as voter: VoterID) -> String? {
    hasFailed.remove(voter)
    chronicle.begin(voter)
    if let wrong = roll.look(at: machine, of: voter) { ledger.violate(wrong) }
    // What was not decided in an epoch that it left need not be there any more.
    let past = machine.pastInstances.filter { $0.instance.phase == .committed }
    ledger.recovered(
      as: voter, in: machine.knownEpoch, past + machine.instances,
      reserved: machine.reserved, forgotten: machine.status.truncated, holding: .init(machine))
    return ledger.violation ?? chronicle.look(at: machine, of: voter)
  }

  /// Its figures are kept.
  public mutating func crashed(_ machine: Machine, of voter: VoterID) {
    past.add(machine.statistics)
  }

  /// It never votes again, and what comes back under its name begins with a blank state.
  public mutating func retired(_ voter: VoterID) {
    chronicle.begin(voter)
    guard let place = ledger.place(of: voter) else { return }
    ledger.stores[place].isRetired = true
    lost.append(voter)
  }

  /// It may say so from now on.
  public mutating func storageFailed(at voter: VoterID) { hasFailed.insert(voter) }

  /// Its state is a beginning of what all hold, and queues are bounded; it stops only where its store
  /// failed.
  public func inspect(_ machine: Machine, of voter: VoterID) -> String? {
    if machine.openProposals > machine.settings.maxOpenProposals {
      return "voter \(voter) holds \(machine.openProposals) proposals"
    }
    switch machine.stopped {
    case nil: return roll.look(at: machine, of: voter) ?? chronicle.look(at: machine, of: voter)
    case .storageFailed where hasFailed.contains(voter): return nil
    case .storageFailed: return "voter \(voter) says that its store failed, and it did not"
    case .some(let why): return "voter \(voter) stopped (\(why)), and nobody gave it a reason"
    }
  }

  /// Every mark that there is.
  public func marks(_ machines: [Machine]) -> [(name: String, count: UInt64)] {
    var all = past
    for machine in machines { all.add(machine.statistics) }
    var marks = ledger.marks
    roll.reach(&marks)
    marks.reach(.fast, all.fast)
    marks.reach(.resubmitted, all.resubmitted)
    marks.reach(.installed, all.installed)
    marks.reach(.fetched, all.fetched)
    marks.reach(all.recoveryRows, [.r1, .r2, .r3, .r4, .r5])
    marks.reach(all.validationRows, [.v1, .v2, .v3])
    marks.reach(all.waitingRows, [.w1, .w2, .w3, .w4])
    return marks.all
  }
}

extension Statistics {
  mutating func add(_ other: Statistics) {
    fast += other.fast
    resubmitted += other.resubmitted
    installed += other.installed
    fetched += other.fetched
    for row in recoveryRows.indices { recoveryRows[row] += other.recoveryRows[row] }
    for row in validationRows.indices { validationRows[row] += other.validationRows[row] }
    for row in waitingRows.indices { waitingRows[row] += other.waitingRows[row] }
  }
}
