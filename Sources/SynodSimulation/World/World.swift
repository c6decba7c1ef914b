public import Synod
internal import SynodJournal

/// A world of one thread, one seed and virtual time, in which machines of one protocol run over a
/// network, disks, clocks and computers that fail.
///
/// A process does what `Node` does: a tick before a turn's first input, inputs as they arrive, then
/// everything that the machine makes ready is handed on until there is nothing. Records are encoded
/// and go through the real log; messages are encoded, and decoded where they arrive.
///
/// A run has two parts. First **safety**: clients ask, faults come. Then **liveness**: the faults
/// end, but only for a random core that can still decide; whoever is outside of it may stay broken
/// for good. Everything that is open at the core must end in bounded time.
///
/// The same plan gives the same run, event by event, in every process and build.
public struct World<Subject: SimulationSubject> {
  /// The protocol.
  public typealias Machine = Subject.Machine

  /// What the run was drawn from.
  public let plan: RunPlan
  /// What knows the protocol.
  public var subject: Subject
  /// Takes what happens, for whoever draws it. Nothing is built for it where it is nil.
  public var record: ((TraceEvent) -> Void)? {
    didSet { network.isWatched = record != nil }
  }

  @usableFromInline var queue = EventQueue()
  @usableFromInline var network: SimulatedNetwork
  @usableFromInline var processes: [SimulatedProcess<Machine>] = []
  @usableFromInline var clients: [SimulatedClient] = []
  @usableFromInline var watchers: [SimulatedWatcher] = []
  /// By their identities, which count from one.
  @usableFromInline var calls: [SimulatedCall] = []
  /// Apart, so that one more draw of one does not change what the others do.
  @usableFromInline var clientRandom: SplitMix
  @usableFromInline var processRandom: SplitMix
  @usableFromInline var faultRandom: SplitMix
  @usableFromInline var watchRandom: SplitMix
  @usableFromInline var now: UInt64 = 0
  @usableFromInline var hash = EventHash()
  @usableFromInline var events: UInt64 = 0
  /// Events since virtual time went on last.
  @usableFromInline var eventsAtOnce = 0
  @usableFromInline var moment: UInt64 = 0
  @usableFromInline var counts = WorldCounts()
  @usableFromInline var settling: Settling<Machine>?
  @usableFromInline var isOver = false
  /// What is wrong; the run ends with it.
  @usableFromInline var violation: String?
  @usableFromInline let limits: StoreLimits
  @usableFromInline var begun = 0
  @usableFromInline var lastLife: UInt32 = 0
  /// Faults that may still come.
  @usableFromInline var faultsLeft: Int
  /// By their numbers, what is cut; no links where it has healed.
  @usableFromInline var partitions: [(kind: FaultKind, links: [Int])] = []
  /// Partitions that heal when so many configurations are decided; and how many were when it was last
  /// looked at.
  var exiles: [(partition: Int, until: Int)] = []
  var epochs = 1

  /// A world before its first event. The plan has 1 to 7 voters and a client, and no clock goes
  /// backwards.
  public init(_ plan: RunPlan) {
    precondition((1...7).contains(plan.voters), "a plan has 1 to 7 voters")
    precondition(
      plan.faults.clockDrift < SimulatedClock.exact, "a clock's drift is below 1,024 1,024ths")
    let plan = Subject.adapting(plan)
    self.plan = plan
    var random = SplitMix(seed: plan.seed)
    var subjectRandom = SplitMix(seed: random.next())
    clientRandom = SplitMix(seed: random.next())
    processRandom = SplitMix(seed: random.next())
    faultRandom = SplitMix(seed: random.next())
    let networkRandom = SplitMix(seed: random.next())
    faultsLeft = plan.faults.most
    limits = StoreLimits(plan, random: SplitMix(seed: random.next()))
    watchRandom = SplitMix(seed: plan.seed ^ 0x77_6174_6368)
    subject = Subject(plan, random: &subjectRandom)
    let size = plan.voters + subject.spares
    network = SimulatedNetwork(plan, size: size, random: networkRandom)
    for index in 0..<size {
      let voter = VoterID(UInt32(index + 1))
      processes.append(
        SimulatedProcess(
          index: index, peers: size, voters: plan.voters,
          machine: Machine(subject.settings(of: voter)),
          disk: SimulatedDisk(seed: processRandom.next()), clock: drawClock()))
      processes[index].diskPercent = plan.diskPercent
      if index >= plan.voters { continue }
      processes[index].isGiven = true
      queue.plan(WorldEvent(.restart, at: processRandom.next() % 1000, node: index))
    }
    for client in 0..<max(plan.clients, 1) {
      clients.append(SimulatedClient(name: client))
      queue.plan(WorldEvent(.client, at: 1000 + think(), value: UInt64(client)))
    }
    planWatchers()
    prepareDisks()
    planFaults()
    queue.plan(WorldEvent(.deadline, at: plan.longest))
  }

  mutating func drawStore() -> StoreID {
    StoreID(Identity128(high: processRandom.next(), low: processRandom.next()))
  }

  mutating func drawClock() -> SimulatedClock {
    let drift = plan.faults.clockDrift
    let rate = SimulatedClock.exact - drift + processRandom.next() % (2 * drift + 1)
    let skew = processRandom.next() % (plan.faults.clockSkew + 1)
    return SimulatedClock(at: now, showing: 1_000_000 + skew * 1000, rate: rate)
  }

  var journalSettings: JournalSettings { limits.journal }
  @usableFromInline var mostQueuedBytes: Int { limits.mostQueued }
  @usableFromInline var pieceBytes: Int { limits.piece }

  /// The number of the event that is being handled, from 0.
  @inlinable public var eventNumber: UInt64 { events == 0 ? 0 : events - 1 }
  /// Virtual time, in microseconds.
  @inlinable public var time: UInt64 { now }

  @usableFromInline @inline(never)
  mutating func violate(_ what: String, at node: Int? = nil) {
    guard violation == nil else { return }
    violation = what
    if record != nil { tell(.violation, of: node, TraceText(what)) }
  }
}

/// A hash of all that happens, in order: equal in every process and build.
@usableFromInline
struct EventHash {
  @usableFromInline var value: UInt64 = 0xcbf2_9ce4_8422_2325

  @usableFromInline init() {}

  @inlinable @inline(__always)
  mutating func add(_ number: UInt64) {
    value = (value ^ number) &* 0x9e37_79b9_7f4a_7c15
    value ^= value >> 29
  }
}
