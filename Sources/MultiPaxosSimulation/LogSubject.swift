public import MultiPaxos
public import Synod
public import SynodSimulation

/// Multi-Paxos in a simulated world: what its clients ask for, and what must hold of it.
///
/// The chosen log is known from the records that became durable. One sequential copy of the state is
/// led along it, and everything that a node holds or a client is told is held against that: the slots
/// in the answers say in which order everything took effect, so nothing has to be searched for.
public struct LogSubject<Workload: LogWorkload>: SimulationSubject {
  /// The machine that ships.
  public typealias Machine = MultiPaxos.Machine<Workload.App>
  typealias App = Workload.App

  /// For people.
  public static var name: String { "multipaxos" }

  /// A client's request, and what became of it.
  struct Call {
    let id: ProposalID
    let client: Int
    let voter: VoterID
    let proposal: Proposal<Workload.App>
    /// The newest slot that any client had been told of.
    let floor: Slot
    var hasEnded = false
    var isNotApplied = false
  }

  /// A command: all the calls that sent it, and what became of it.
  struct Wish {
    var calls: [Int] = []
    var appliedIn: Slot?
  }

  var ledger: LogLedger
  var model: LogModel<Workload.App>
  var workload: Workload
  let shape: LogShape
  let plan: RunPlan
  var operations: UInt64 = 0
  var calls: [Call] = []
  var places: [ProposalID: Int] = [:]
  var wishes: [Bytes: Wish] = [:]
  /// By client, a command that ended unknown and is to be sent again.
  var again: [Int: Proposal<Workload.App>] = [:]
  /// The newest slot that a client was told of.
  var newest = Slot.none
  var hasFailed: Set<VoterID> = []
  var isClosing = false
  /// The faults are over: nobody asks for other members.
  var hasSettled = false
  var lost: [VoterID] = []
  var newcomers: LogNewcomers
  /// Draws changes of the members.
  var changes: SplitMix
  /// Draws what learners are.
  var learnerRandom: SplitMix
  /// What else than a command was asked for: how often it may come, and how often it came.
  var asked: [Wanted: Asked] = [:]
  /// What nodes told whoever runs them, each in its life.
  var told: [Listening]
  /// World time, in microseconds; and when the rest of the run began, in which nothing goes wrong.
  var now: UInt64 = 0
  var settledAt: UInt64 = 0
  /// By the slots in which leases were taken or refreshed, when that was chosen.
  var heldAt: [Slot: UInt64] = [:]

  /// Nobody watches, and commands are drawn as the shape says. Leaders that are besieged: it goes on for as long as that takes, clients do not wait for them, and
  /// in most runs clocks go so well that leases are worth something.
  public static func adapting(_ plan: RunPlan) -> RunPlan {
    var plan = plan
    (plan.oncePercent, plan.watchers, plan.watchTime) = (0, 0, 0)
    guard plan.faults.siegePercent > 0 else { return plan }
    var random = SplitMix(seed: plan.seed ^ 0x7369_6567_6564)
    plan.thinkTime = max(plan.thinkTime, 2_000)
    plan.clientPatience = min(plan.clientPatience, 100_000)
    plan.lull = 1_500_000
    plan.faults.clockDrift = min(plan.faults.clockDrift, [0, 0, 50][Int(random.next() % 3)])
    return plan
  }

  /// Draws quorums, limits and the mix of operations.
  public init(_ plan: RunPlan, random: inout SplitMix) {
    self.plan = plan
    shape = LogShape(plan, random: &random)
    ledger = LogLedger(shape.settings, spares: plan.spares)
    model = LogModel(
      Schedule(Membership(shape.settings.configuration), window: shape.settings.window))
    told = Array(repeating: Listening(), count: max(plan.voters, 1) + plan.spares)
    newcomers = LogNewcomers(founders: max(plan.voters, 1), spares: plan.spares)
    changes = SplitMix(seed: plan.seed ^ 0x6d65_6d62_6572)
    learnerRandom = SplitMix(seed: plan.seed ^ 0x6c65_6172_6e)
    workload = Workload(random: &random)
  }

  /// The settings of a voter's machine, the same in all its lives.
  public func settings(of voter: VoterID) -> MultiPaxos.Settings {
    var settings = shape.settings
    settings.voter = voter
    // Some are more patient than others: they lead on when those have missed them.
    if hasPatience, shape.isPatient(voter) {
      settings.electionTimeout *= LogShape.patience
    }
    settings.mode = newcomers.mode(of: voter)
    settings.store = newcomers.store(of: voter)
    return settings
  }

  /// Whether some wait longer than others.
  private var hasPatience: Bool {
    shape.settings.leaseDuration != nil || plan.faults.siegePercent > 0
  }

  /// Where there are leases.
  public var needsTrueClocks: Bool { shape.settings.leaseDuration != nil }

  /// As many as leave quorums of both kinds.
  public var tolerates: Int {
    let quorums = shape.settings.configuration.component.quorums
    return quorums.voters - quorums.needed
  }

  /// Whoever granted a lease waits until that is over; then somebody stands.
  public var takeOverTime: UInt64 {
    let settings = shape.settings
    return 1_000 * ((settings.leaseDuration ?? 0) + 3 * settings.electionTimeout / 2)
  }

  /// Elections come before anything, and a voter that may hold few replies lets most of the others be
  /// asked again.
  public var waitForRoom: UInt64 {
    // Whoever granted a lease waits until that is over.
    let lease = shape.settings.leaseDuration ?? 0
    let patience = hasPatience ? LogShape.patience : 1
    let election = 1_000 * (patience * shape.settings.electionTimeout + lease)
    let room =
      shape.settings.maxHeldReplies <= plan.voters ? 1_000 * shape.settings.retransmitAfter : 0
    return election + room
  }

  /// Leads the model along what is chosen.
  mutating func advance() {
    while model.applied < ledger.contiguous, ledger.violation == nil {
      let slot = model.applied.next
      guard let chosen = ledger.chosen[slot] else { return }
      let before = model.repeated
      let meaning = model.apply(chosen.entry)
      if model.repeated > before { ledger.reach(.repeated) }
      note(meaning, of: chosen.entry, in: slot)
    }
  }

  private mutating func note(
    _ meaning: LogModel<App>.Meaning, of entry: Entry, in slot: Slot
  ) {
    switch meaning {
    case .command(let payload, _): applied(payload, in: slot)
    case .again: ledger.reach(.appliedOnce)
    case .membership:
      came(entry, in: slot, hasEffect: true)
      let before = ledger.newest.membership
      ledger.items.append(model.schedule.newest)
      note(model.schedule.newest, after: before)
    case .refused:
      came(entry, in: slot, hasEffect: false)
      ledger.reach(.membersRefused)
    case .lease(let outcome): note(outcome, of: entry, in: slot)
    case .nothing, .outdated, .barrier, .verify: break
    }
  }

  /// A command takes effect: somebody asked for it, nobody was told that it never would, and, unless it
  /// may be sent again, it does so once.
  private mutating func applied(_ payload: Bytes, in slot: Slot) {
    guard let wish = wishes[payload] else {
      return ledger.violate("\(slot) holds a command that nobody asked for")
    }
    if let first = wish.appliedIn {
      ledger.violate(
        "proposal \(calls[wish.calls[0]].id) is applied in \(first), and again in \(slot)")
    }
    wishes[payload]?.appliedIn = slot
    if calls[wish.calls[0]].floor >= slot {
      ledger.violate(
        "proposal \(calls[wish.calls[0]].id) is applied in \(slot), before it was asked")
    }
    if wish.calls.allSatisfy({ calls[$0].isNotApplied }) {
      ledger.violate(
        "proposal \(calls[wish.calls[0]].id) ended as not applied, and is applied in \(slot)")
    }
  }
}
