public import CASPaxos
public import Synod
public import SynodSimulation

/// CASPaxos in a simulated world: what its clients ask for, and what must hold of it.
///
/// A user's own changes are tried by a workload that proposes them; what must hold is the same for
/// any change that is deterministic.
public struct RegisterSubject<Workload: RegisterWorkload>: SimulationSubject {
  /// The machine that ships.
  public typealias Machine = CASPaxos.Machine<Workload.C>
  @usableFromInline typealias C = Workload.C

  /// For people.
  public static var name: String { "caspaxos" }

  /// A client's request, and what became of it.
  @usableFromInline
  struct Call: Sendable {
    @usableFromInline let id: ProposalID
    /// The register's number; `RegisterLedger.noKey` for a list.
    @usableFromInline let key: Int
    @usableFromInline let client: Int
    @usableFromInline let voter: VoterID
    @usableFromInline let operation: CASPaxos.Operation<Workload.C>
    /// The newest version that any client had been told of.
    @usableFromInline let floor: Version
    @usableFromInline let invoked: UInt64
    /// Nil while it is open: for ever where its voter crashed.
    @usableFromInline var returned: UInt64?
    /// When its voter crashed with it.
    @usableFromInline var lost: UInt64?
    @usableFromInline var outcome: Outcome<Workload.C>?
    /// Which change that is to be made once it asked for.
    @usableFromInline let once: Once?
    /// It came to nothing for certain, as a later attempt at the same was told.
    @usableFromInline var isDead = false
    /// It saw that there was nothing, between two steps of a round that only that round knows of.
    @usableFromInline var isVague = false

    @usableFromInline
    init(
      id: ProposalID, key: Int, client: Int, voter: VoterID,
      operation: CASPaxos.Operation<Workload.C>, floor: Version, invoked: UInt64, once: Once?
    ) {
      self.id = id
      self.key = key
      self.client = client
      self.voter = voter
      self.operation = operation
      self.floor = floor
      self.invoked = invoked
      self.once = once
    }
  }

  @usableFromInline var ledger: RegisterLedger
  @usableFromInline var workload: Workload
  let shape: RegisterShape
  let plan: RunPlan
  let keyNames: [Bytes]
  var isUsed: [Bool]
  var operations: UInt64 = 0
  /// Of a hundred operations, how many list the registers.
  let listPercent: UInt64
  var lists: SplitMix
  /// Where the last list ended; nil where that was the end of all.
  var listedThrough: UInt64?
  /// What clients had been told of when a list was asked for.
  var floors: [ProposalID: [Version]] = [:]
  /// Draws changes of the members; how many identities may be asked for yet; who lost its store; and
  /// what revision clients had been told of when one asked.
  var changes: SplitMix
  var sparesLeft: Int
  var lost: [VoterID] = []
  var revisions: [ProposalID: UInt64] = [:]
  var isClosing = false
  /// Clients that ask for changes once, by their places; and what draws what they ask for.
  var retriers: [Retrier<Workload.C>]
  var retries: SplitMix
  /// What is or was watched; where a watch is among them; and by the watchers, where they may go on.
  var watches: [Watching] = []
  var watchPlaces: [ProposalID: Int] = [:]
  var resumes: [Int: (Bytes, Version)] = [:]
  /// What is watched at a voter, it tells itself of: replies that it may hold for that.
  @usableFromInline let heldForWatches: Int
  /// The changes have no way to keep what they told.
  var cannotRemember = false
  @usableFromInline var calls: [Call] = []
  @usableFromInline var places: [ProposalID: Int] = [:]
  /// By voter, calls that are open there.
  var open: [Int]
  /// Voters whose store failed in this life of theirs.
  @usableFromInline var hasFailed: Set<VoterID> = []

  /// Nobody leads, so nobody that does is besieged.
  public static func adapting(_ plan: RunPlan) -> RunPlan {
    var plan = plan
    plan.faults.siegePercent = 0
    return plan
  }

  /// Draws quorums, limits and the mix of operations.
  public init(_ plan: RunPlan, random: inout SplitMix) {
    self.plan = plan
    shape = RegisterShape(plan, random: &random)
    ledger = RegisterLedger(shape.settings, spares: plan.spares)
    workload = Workload(random: &random)
    // Long names make blocks of many sectors, of which a power cut may leave some.
    let lengths = [0, 0, 0, 0, 0, 700, 700, 2_000]
    let filling = String(repeating: ".", count: lengths[Int(random.next() % 8)])
    keyNames = (0..<max(plan.keys, 1)).map { Bytes("k\($0)\(filling)") }
    open = Array(repeating: 0, count: max(plan.voters, 1) + plan.spares)
    isUsed = keyNames.map { _ in false }
    lists = SplitMix(seed: plan.seed ^ 0x1157)
    changes = SplitMix(seed: plan.seed ^ 0x6368_616e_6765)
    sparesLeft = plan.spares
    retries = SplitMix(seed: plan.seed ^ 0x72_6574_7279)
    retriers = (1...UInt64(max(plan.clients, 1))).map {
      Retrier(identity: Identity128(high: plan.seed, low: $0))
    }
    let watched = 2 * Int(shape.settings.counterBlock) + 64 * plan.watchers
    heldForWatches = plan.watchers > 0 ? watched : 0
    listPercent = lists.next() % 2 == 0 ? 5 : 0
    // The ledger numbers registers as the workload does.
    for name in keyNames { _ = ledger.number(of: name) }
  }

  /// The settings of a voter's machine, the same in all its lives.
  public func settings(of voter: VoterID) -> CASPaxos.Settings {
    var settings = shape.settings
    settings.voter = voter
    return settings
  }

  /// As many as leave quorums of both kinds.
  public var tolerates: Int {
    let quorums = shape.settings.configuration.component.quorums
    return quorums.voters - quorums.needed
  }

  /// Keys may be long.
  public var recordBytes: Int { keyNames.reduce(0) { max($0, $1.count) } }

  /// A store that may hold few replies lets most of the others be asked again.
  public var waitForRoom: UInt64 {
    shape.settings.maxHeldReplies <= plan.voters ? 1_000 * shape.settings.retransmitAfter : 0
  }
}
