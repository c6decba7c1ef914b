public import Synod
internal import SynodJournal

/// A process of a simulated world: a machine, its store, its clock, and what waits for it while it
/// stands still. It outlives crashes; what a crash takes is made anew.
@usableFromInline
final class SimulatedProcess<Machine: ConsensusMachine> {
  @usableFromInline let voter: VoterID
  @usableFromInline let index: Int
  @usableFromInline var machine: Machine
  @usableFromInline var ready = Ready<Machine>()
  @usableFromInline var writer = ByteWriter(capacity: 4096)
  /// What it is about to send is seldom said.
  @usableFromInline var saysRareThing = false
  @usableFromInline let disk: SimulatedDisk
  /// While it is up, and while it is stopping.
  @usableFromInline var store: SimulatedStore?
  @usableFromInline var clock: SimulatedClock

  @usableFromInline var isUp = false
  /// Its store is being opened; its machine is what that holds.
  @usableFromInline var isOpening = false
  @usableFromInline var isPaused = false
  /// Its store is lost or refused: it never runs again.
  @usableFromInline var isRetired = false
  /// Its identity was given out.
  @usableFromInline var isGiven = false
  /// Whom its messages to all go to.
  @usableFromInline var peers: [Int]
  private let initial: [Int]
  /// It was told that nobody needs it any more.
  @usableFromInline var mayGo = false
  /// It does not come back in this run.
  @usableFromInline var isGone = false
  /// Among all lives of the run; what was planned for another means nothing.
  @usableFromInline var life: UInt32 = 0
  @usableFromInline var lives = 0
  @usableFromInline var identity: ProcessIdentity
  /// Its disk was lost, and it began again under its old number: nobody who knew it listens to it.
  @usableFromInline var isStranger = false
  /// It commits what waits and ends; it takes no input any more.
  @usableFromInline var isStopping = false
  /// How much slower its disk is than usual, in percent.
  @usableFromInline var diskPercent: UInt64 = 100

  @usableFromInline var hasTicked = false
  @usableFromInline var isTurnPlanned = false
  /// What the timer was set for, and how often it was: an earlier setting means nothing.
  @usableFromInline var armed: Ticks?
  @usableFromInline var timerStamp: UInt32 = 0
  @usableFromInline var isStoreBehind = false
  @usableFromInline var isLowOnSpace = false
  @usableFromInline var checkpoint = Checkpoint()
  @usableFromInline var hasStorageFailed = false

  /// What it was at in driving a change of the voters.
  @usableFromInline var stage: Int?
  /// It leads, and what becomes of that is planned.
  @usableFromInline var leads = false
  /// Turns in which it sent something; and when it has sent more than so often, it stands still.
  @usableFromInline var turnsSent: UInt64 = 0
  var standsStillAfter: UInt64?
  /// What ends it in the middle of its next commit.
  var crashInCommit: Crash?

  /// Batches that the machine issued and the store has not made durable, with their records.
  @usableFromInline var pending: [PendingBatch<Machine>] = []
  @usableFromInline var firstPending = 0
  @usableFromInline var lastIssued = PersistBatch.none
  /// What is durable, and how much of that the machine was told.
  @usableFromInline var durable = PersistBatch.none
  @usableFromInline var told = PersistBatch.none
  /// By peer, the store that it is known by, once that is durable.
  @usableFromInline var pins: [StoreID?]
  /// Proposals that are open here.
  @usableFromInline var open: [UInt64] = []
  /// Those that stay open until they are cancelled.
  @usableFromInline var standing: [UInt64] = []
  /// Effects that were done while it stood still.
  @usableFromInline var taken: [EffectID] = []
  /// What came while it stood still.
  @usableFromInline var inbox: [Parcel] = []
  @usableFromInline var letters: [Letter] = []
  @usableFromInline var cancels: [ProposalID] = []
  /// What its store's lanes were about to do next, and how long it takes, in microseconds.
  @usableFromInline var heldLanes: [(lane: StoreLane, time: UInt64)] = []
  /// What came before its sender's store was pinned.
  @usableFromInline var waitingForPin: [Parcel] = []
  /// By peer, the newest life that was met.
  @usableFromInline var met: [UInt32]

  init(
    index: Int, peers: Int, voters: Int, machine: Machine, disk: SimulatedDisk,
    clock: SimulatedClock
  ) {
    voter = VoterID(UInt32(index + 1))
    self.index = index
    self.machine = machine
    self.disk = disk
    self.clock = clock
    identity = ProcessIdentity(store: StoreID(Identity128(high: 0, low: 0)), incarnation: 0)
    initial = Array(0..<voters)
    self.peers = initial
    pins = Array(repeating: nil, count: peers)
    met = Array(repeating: 0, count: peers)
  }

  /// Forgets what a process holds in memory.
  @usableFromInline
  func forget() {
    isUp = false
    isOpening = false
    isPaused = false
    isStopping = false
    store = nil
    checkpoint = Checkpoint()
    isLowOnSpace = false
    pending.removeAll()
    firstPending = 0
    peers = initial
    life = 0
    hasTicked = false
    isTurnPlanned = false
    armed = nil
    timerStamp &+= 1
    isStoreBehind = false
    hasStorageFailed = false
    crashInCommit = nil
    stage = nil
    leads = false
    standsStillAfter = nil
    lastIssued = .none
    durable = .none
    told = .none
    open.removeAll()
    standing.removeAll()
    taken.removeAll()
    inbox.removeAll()
    letters.removeAll()
    cancels.removeAll()
    heldLanes.removeAll()
    waitingForPin.removeAll()
    for peer in met.indices { met[peer] = 0 }
  }
}

extension SimulatedProcess {
  /// A proposal that came while it stood still.
  @usableFromInline typealias Letter = (id: ProposalID, proposal: Machine.Proposal)

  /// A checkpoint that is being written, piece by piece.
  @usableFromInline
  struct Checkpoint {
    @usableFromInline var isUnderWay = false
    @usableFromInline var cursor: Machine.Cursor?
    @usableFromInline var records: [Machine.Record] = []
    @inlinable init() {}
  }
}

/// A batch on its way to the disk.
@usableFromInline
struct PendingBatch<Machine: ConsensusMachine> {
  @usableFromInline var number: PersistBatch
  @usableFromInline var records: [Machine.Record]

  @inlinable init(number: PersistBatch, records: [Machine.Record]) {
    self.number = number
    self.records = records
  }
}
