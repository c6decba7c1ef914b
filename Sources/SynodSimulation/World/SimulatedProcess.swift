public import Synod

/// A process of a simulated world: a machine, its store, its clock, and what waits for it while it
/// stands still. It outlives crashes; what a crash takes is made anew.
@usableFromInline
final class SimulatedProcess<Machine: ConsensusMachine> {
  @usableFromInline let voter: VoterID
  @usableFromInline let index: Int
  @usableFromInline var machine: Machine
  @usableFromInline var ready = Ready<Machine>()
  @usableFromInline var writer = ByteWriter(capacity: 4096)
  @usableFromInline var store: StandInStore
  @usableFromInline var clock: SimulatedClock

  @usableFromInline var isUp = false
  @usableFromInline var isPaused = false
  /// Its store is lost or refused: it never runs again.
  @usableFromInline var isRetired = false
  /// It stands still for good.
  @usableFromInline var isStuck = false
  /// It does not come back in this run.
  @usableFromInline var isGone = false
  /// Among all lives of the run; what was planned for another means nothing.
  @usableFromInline var life: UInt32 = 0
  @usableFromInline var lives = 0
  @usableFromInline var identity: ProcessIdentity

  @usableFromInline var hasTicked = false
  @usableFromInline var isTurnPlanned = false
  /// What the timer was set for, and how often it was: an earlier setting means nothing.
  @usableFromInline var armed: Ticks?
  @usableFromInline var timerStamp: UInt32 = 0
  @usableFromInline var isStoreBehind = false
  @usableFromInline var hasStorageFailed = false

  /// Batches that the machine issued and the store has not made durable, with their records.
  @usableFromInline var pending: [PendingBatch<Machine>] = []
  @usableFromInline var firstPending = 0
  @usableFromInline var lastIssued = PersistBatch.none
  /// What is durable, and how much of that the machine was told.
  @usableFromInline var durable = PersistBatch.none
  @usableFromInline var told = PersistBatch.none
  /// Proposals that are open here.
  @usableFromInline var open: [UInt64] = []
  /// What came while it stood still.
  @usableFromInline var inbox: [Parcel] = []
  @usableFromInline var letters: [(id: ProposalID, proposal: Machine.Proposal)] = []
  /// By peer: what came before its store was pinned.
  @usableFromInline var waitingForPin: [Parcel] = []
  /// By peer, the newest life that was met, and how old its store said that it is.
  @usableFromInline var met: [(life: UInt32, incarnation: UInt64)]

  init(
    index: Int, peers: Int, machine: Machine, store: StandInStore, clock: SimulatedClock
  ) {
    voter = VoterID(UInt32(index + 1))
    self.index = index
    self.machine = machine
    self.store = store
    self.clock = clock
    identity = store.identity
    met = Array(repeating: (0, 0), count: peers)
  }

  /// Forgets what a process holds in memory.
  @usableFromInline
  func forget() {
    isUp = false
    isPaused = false
    hasTicked = false
    isTurnPlanned = false
    armed = nil
    timerStamp &+= 1
    isStoreBehind = false
    hasStorageFailed = false
    lastIssued = .none
    durable = .none
    told = .none
    open.removeAll()
    inbox.removeAll()
    letters.removeAll()
    waitingForPin.removeAll()
    for peer in met.indices { met[peer] = (0, 0) }
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
