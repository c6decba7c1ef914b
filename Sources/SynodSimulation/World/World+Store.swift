public import Synod
internal import SynodJournal

// What a process's store does, beside the process: a disk goes on while a process stands still.
extension World {
  /// Asks the store for work, after every input that may have given it some.
  @inlinable
  mutating func pump(_ process: SimulatedProcess<Machine>) {
    guard let store = process.store else { return }
    if let time = store.begin(.commits) { begin(.commits, of: process, time) }
    if let time = store.begin(.chores) { begin(.chores, of: process, time) }
    if let time = store.begin(.notes) { begin(.notes, of: process, time) }
    if let time = store.begin(.space) { begin(.space, of: process, time) }
    if store.hasEvents { hearEvents(process) }
    process.isLowOnSpace = store.isLowOnSpace
    process.isStoreBehind = store.queuedBytes > mostQueuedBytes
  }

  @usableFromInline
  mutating func begin(
    _ lane: StoreLane, of process: SimulatedProcess<Machine>, _ time: UInt64
  ) {
    if record != nil, lane == .commits { tell(.syncBegan, of: process.index, TraceText("sync")) }
    plan(lane, of: process, time)
    guard lane == .commits, let crash = process.crashInCommit else { return }
    process.crashInCommit = nil
    let middle = now + faultRandom.next() % max(time * process.diskPercent / 100, 1)
    queue.plan(
      WorldEvent(
        .relief, at: middle, node: process.index, stamp: process.life,
        value: crash == .powerCut ? 1 : 0))
  }

  @usableFromInline
  mutating func plan(
    _ lane: StoreLane, of process: SimulatedProcess<Machine>, _ time: UInt64
  ) {
    let slowness = lane == .space ? 100 : process.diskPercent
    // One that stalls is not slower for being slow.
    let most = max(time, Self.longestOperation)
    queue.plan(
      WorldEvent(
        .lane, at: now + min(time * slowness / 100, most), node: process.index, stamp: process.life,
        value: UInt64(lane.rawValue)))
  }

  /// Of a disk that is slow and does not stall, in microseconds.
  static var longestOperation: UInt64 { 200_000 }

  @inlinable
  mutating func laneDone(_ node: Int, _ lane: StoreLane?) {
    let process = processes[node]
    guard let lane, let store = process.store else { return }
    let (news, goesOn) = store.finish(lane)
    if let goesOn {
      // What the disk was doing is done; whoever asks it for the next thing stands still.
      if process.isPaused { return process.heldLanes.append((lane, goesOn)) }
      return plan(lane, of: process, goesOn)
    }
    if lane == .commits {
      if record != nil { tell(.syncEnded, of: node, TraceText("synced")) }
      if let news { becameDurable(process, through: news) }
      // Between the end of a sync and its hearing, a process may end.
      let time = now + processRandom.next() % 20
      queue.plan(WorldEvent(.news, at: time, node: node, stamp: process.life))
    }
    // A process that stands still gives its disk nothing new to do.
    if process.isPaused { return }
    pump(process)
  }

  @inlinable
  mutating func becameDurable(_ process: SimulatedProcess<Machine>, through news: PersistBatch) {
    guard news > process.durable, news <= process.lastIssued else {
      return violate("\(news) is durable behind \(process.durable) of \(process.lastIssued)")
    }
    process.durable = news
    counts.syncs += 1
    while process.firstPending < process.pending.count,
      process.pending[process.firstPending].number <= news
    {
      let records = process.pending[process.firstPending].records
      process.pending[process.firstPending].records = []
      process.firstPending += 1
      if process.isStranger { continue }
      if let what = subject.persisted(records, by: process.voter) {
        violate(what, at: process.index)
      }
    }
    if process.firstPending == process.pending.count {
      process.pending.removeAll(keepingCapacity: true)
      process.firstPending = 0
    }
    if record != nil { tell(.durable(news), of: process.index, TraceText("durable")) }
  }

  // MARK: What it says

  @usableFromInline
  mutating func hearEvents(_ process: SimulatedProcess<Machine>) {
    guard let store = process.store else { return }
    for event in store.takeEvents() {
      switch event {
      case .pinned(let token, let isDurable): pinned(Int(token), isDurable, at: process)
      case .ready: planTurn(process)
      case .checkpointed: counts.checkpoints += 1
      case .checkpointFailed: counts.checkpointsFailed += 1
      case .failed(let reason): storageFailed(process, reason)
      case .closed: stopped(process)
      }
    }
  }

  /// Looks at the machine again soon.
  private mutating func planTurn(_ process: SimulatedProcess<Machine>) {
    guard !process.isTurnPlanned else { return }
    process.isTurnPlanned = true
    queue.plan(WorldEvent(.turn, at: now, node: process.index, stamp: process.life))
  }

  private mutating func pinned(
    _ sender: Int, _ isDurable: Bool, at process: SimulatedProcess<Machine>
  ) {
    guard isDurable, !process.isStopping, let store = process.store else { return }
    process.pins[sender] = store.pinned(VoterID(UInt32(sender + 1)))
    let waiting = process.waitingForPin.filter { $0.from == sender }
    process.waitingForPin.removeAll { $0.from == sender }
    for parcel in waiting where admits(parcel, at: process) { receive(parcel, at: process) }
    planTurn(process)
  }

  /// The machine votes no more, and goes on to say so, until somebody starts it again.
  private mutating func storageFailed(_ process: SimulatedProcess<Machine>, _ reason: String) {
    guard !process.hasStorageFailed, !process.isStopping else { return }
    process.hasStorageFailed = true
    counts.storageFailures += 1
    if record != nil {
      tell(.fault, of: process.index, TraceText("the store failed", [.init("because", reason)]))
    }
    process.checkpoint = SimulatedProcess<Machine>.Checkpoint()
    subject.storageFailed(at: process.voter)
    tickBeforeInput(process)
    process.machine.storageFailed()
    planTurn(process)
    let time = now + 1_000 + faultRandom.exponential(mean: 30_000)
    queue.plan(WorldEvent(.relief, at: time, node: process.index, stamp: process.life))
  }

  // MARK: Checkpoints

  /// One piece a turn, while the store has room: a checkpoint never stops the process.
  @inlinable
  mutating func advanceCheckpoint(_ process: SimulatedProcess<Machine>) {
    guard let store = process.store, !process.hasStorageFailed else { return }
    if !process.checkpoint.isUnderWay {
      guard store.wantsCheckpoint else { return }
      store.beginCheckpoint()
      process.checkpoint.isUnderWay = true
      process.checkpoint.cursor = nil
    }
    guard store.isReadyForPiece else { return }
    addPiece(process, to: store)
  }

  @inlinable
  mutating func addPiece(_ process: SimulatedProcess<Machine>, to store: SimulatedStore) {
    var records = process.checkpoint.records
    process.checkpoint.records = []
    let cursor = process.machine.restate(
      after: process.checkpoint.cursor, limit: pieceBytes, into: &records)
    if !records.isEmpty {
      store.appendPiece { writer in
        for index in records.indices { records[index].encode(into: &writer) }
      }
    }
    records.removeAll(keepingCapacity: true)
    process.checkpoint.records = records
    process.checkpoint.cursor = cursor
    if cursor == nil {
      store.endCheckpoint()
      process.checkpoint = SimulatedProcess<Machine>.Checkpoint()
    } else if store.isReadyForPiece {
      planPiece(process)
    }
  }

  @usableFromInline
  mutating func planPiece(_ process: SimulatedProcess<Machine>) { planTurn(process) }
}
