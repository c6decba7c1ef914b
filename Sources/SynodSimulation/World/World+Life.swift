public import Synod
internal import SynodJournal

// Processes begin, end, stand still and come back.
extension World {
  /// Ends a process in the middle of whatever its disk is doing. It comes back after a while, where
  /// `back` says so.
  @usableFromInline
  mutating func crash(_ node: Int, _ crash: Crash, back: Bool = true) {
    let process = processes[node]
    guard process.isUp || process.isOpening else { return }
    counts.crashes += 1
    if record != nil {
      tell(.crashed, of: node, TraceText(crash == .powerCut ? "power cut" : "killed"))
    }
    subject.crashed(process.machine, of: process.voter)
    process.store?.crash(crash)
    end(process, back: back)
  }

  /// What a process held in memory is gone.
  private mutating func end(_ process: SimulatedProcess<Machine>, back: Bool) {
    let open = process.open + process.standing
    process.forget()
    for id in open { lose(id) }
    if back { restartLater(process.index) }
  }

  @usableFromInline
  mutating func restartLater(_ node: Int) {
    let mean: UInt64 = settling == nil ? 30_000 : 2_000
    let time = now + 100 + faultRandom.exponential(mean: mean)
    queue.plan(WorldEvent(.restart, at: time, node: node))
  }

  /// Ends a process well: it gives up what is open and hands on what that leaves, takes no more input,
  /// and its store commits what waits.
  mutating func stop(_ node: Int) {
    let process = processes[node]
    guard process.isUp, !process.isPaused, !process.isStopping, let store = process.store else {
      return
    }
    process.isStopping = true
    if record != nil { tell(.paused, of: node, TraceText("stops")) }
    tickBeforeInput(process)
    for id in process.open + process.standing { calls[Int(id) - 1].isCancelled = true }
    process.machine.cancel((process.open + process.standing).map { ProposalID($0) })
    handAllOn(process)
    let open = process.open + process.standing
    process.open.removeAll()
    process.standing.removeAll()
    for id in open { lose(id) }
    store.close()
    pump(process)
  }

  mutating func stopped(_ process: SimulatedProcess<Machine>) {
    counts.stops += 1
    if record != nil { tell(.crashed, of: process.index, TraceText("has stopped")) }
    end(process, back: true)
  }

  @inlinable
  mutating func restart(_ node: Int) {
    let process = processes[node]
    guard process.isGiven, !process.isUp, !process.isOpening, !process.isRetired, !process.isGone
    else { return }
    guard let store = openStore(process) else { return }
    prepare(process, on: store)
    process.machine = Machine(subject.settings(of: process.voter))
    guard recover(process, from: store) else { return }
    if !process.isStranger,
      let what = subject.recovered(process.machine, as: process.voter)
    {
      return violate(what, at: process.index)
    }
    process.isOpening = true
    let time = now + min(store.openingMicroseconds * process.diskPercent / 100, 1_000_000)
    queue.plan(WorldEvent(.opened, at: time, node: node, stamp: process.life))
  }

  /// Opens the store; nil where that comes to nothing, for now or for good.
  @usableFromInline
  mutating func openStore(_ process: SimulatedProcess<Machine>) -> SimulatedStore? {
    var crash: (after: Int, Crash)?
    if settling == nil,
      faultRandom.percent(plan.faults.crashInRecoveryPercent)
    {
      // Few of them so late that most openings have come to their end.
      let drawn = faultRandom.below(24)
      let after = drawn < 20 ? drawn : 20 + 100 * (drawn - 20)
      crash = (after, faultRandom.percent(50) ? .powerCut : .kill)
    }
    let opening = SimulatedStore.open(
      on: process.disk, cluster: Self.cluster, voter: process.voter, ifBlank: drawStore(),
      settings: journalSettings, crash: crash)
    switch opening {
    case .opened(let store): return store
    case .crashed:
      counts.crashesInRecovery += 1
      restartLater(process.index)
    case .failed:
      counts.failedOpenings += 1
      restartLater(process.index)
    case .refused(let refusal): refuse(process, refusal)
    }
    return nil
  }

  /// All simulated stores are of one cluster.
  static var cluster: ClusterID { ClusterID(Identity128(high: 0, low: 1)) }

  /// Where it was not damaged, nobody may refuse it.
  private mutating func refuse(_ process: SimulatedProcess<Machine>, _ refusal: StoreRefusal) {
    guard process.disk.isDamaged else {
      return violate("its store was not damaged, and is refused: \(refusal)", at: process.index)
    }
    counts.refusals += 1
    retire(process, because: "\(refusal)")
  }

  mutating func retire(_ process: SimulatedProcess<Machine>, because reason: String) {
    process.isRetired = true
    if !process.isStranger { subject.retired(process.voter) }
    if record != nil { tell(.retired, of: process.index, TraceText(reason)) }
  }

  /// What does not depend on the protocol.
  @usableFromInline
  mutating func prepare(_ process: SimulatedProcess<Machine>, on store: SimulatedStore) {
    lastLife += 1
    process.lives += 1
    process.life = lastLife
    process.store = store
    if !continues(process, store) {
      violate("its store forgot its identity, its last life or a pin", at: process.index)
    }
    process.identity = ProcessIdentity(
      store: store.identity.store, incarnation: store.identity.incarnation)
    for peer in processes.indices {
      process.pins[peer] = store.pinned(VoterID(UInt32(peer + 1)))
    }
    if process.lives > 1 { process.clock = drawClock() }
    if store.wasTorn { counts.tornTails += 1 }
    if store.usesCheckpoint { counts.checkpointsUsed += 1 }
    if process.lives > 1 { counts.restarts += 1 }
  }

  /// The store is open: the process begins.
  @inlinable
  mutating func begin(_ node: Int) {
    let process = processes[node]
    guard process.isOpening else { return }
    process.isOpening = false
    process.isUp = true
    if record != nil {
      tell(.restarted, of: process.index, TraceText(process.lives == 1 ? "starts" : "restarts"))
    }
    if subject.spares > 0, let peers = subject.peers(of: process.machine) {
      process.peers = peers.map { Int($0.rawValue) - 1 }
    }
    tickBeforeInput(process)
    inputTaken(process.index)
  }

  /// Peers tell stores and lives apart by what it says of itself, and strangers by what it pinned.
  private func continues(_ process: SimulatedProcess<Machine>, _ store: SimulatedStore) -> Bool {
    process.lives == 1 || process.disk.isDamaged
      || store.identity.store == process.identity.store
        && store.identity.incarnation > process.identity.incarnation
        && process.pins.indices.allSatisfy {
          process.pins[$0] == nil || process.pins[$0] == store.pinned(VoterID(UInt32($0 + 1)))
        }
  }

  /// Gives the machine back what its store holds; false where it holds what cannot be.
  @inlinable
  mutating func recover(
    _ process: SimulatedProcess<Machine>, from store: SimulatedStore
  ) -> Bool {
    do {
      try store.recover { _, bytes in
        var reader = ByteReader(Bytes(copying: bytes))
        while !reader.isAtEnd {
          try process.machine.restore(Machine.Record(from: &reader))
        }
      }
      return true
    } catch {
      violate("its own records are not what it can be made of: \(error)", at: process.index)
      return false
    }
  }

  @usableFromInline
  mutating func pause(_ node: Int, for duration: UInt64?) {
    let process = processes[node]
    guard process.isUp, !process.isPaused, !process.isStopping else { return }
    process.isPaused = true
    if record != nil { tell(.paused, of: node, TraceText("paused")) }
    guard let duration else { return }
    queue.plan(WorldEvent(.resume, at: now + duration, node: node, stamp: process.life))
  }

  /// Goes on: everything that came meanwhile is one turn's input, and timers are late.
  @usableFromInline
  mutating func resume(_ node: Int) {
    let process = processes[node]
    guard process.isUp, process.isPaused else { return }
    process.isPaused = false
    process.hasTicked = false
    process.armed = nil
    if record != nil { tell(.resumed, of: node, TraceText("goes on")) }
    for (lane, time) in process.heldLanes { plan(lane, of: process, time) }
    process.heldLanes.removeAll()
    tickBeforeInput(process)
    tellNews(process)
    guard process.isUp else { return }
    let inbox = process.inbox
    process.inbox.removeAll()
    for parcel in inbox where admits(parcel, at: process) { receive(parcel, at: process) }
    let letters = process.letters
    process.letters.removeAll()
    for letter in letters where process.isUp { take(letter, at: process) }
    let cancels = process.cancels
    process.cancels.removeAll()
    for id in cancels { cancel(id, at: node) }
    let taken = process.taken
    process.taken.removeAll()
    for effect in taken { take(effect, at: node) }
    inputTaken(node)
  }

  @inlinable
  mutating func take(
    _ letter: SimulatedProcess<Machine>.Letter, at process: SimulatedProcess<Machine>
  ) {
    guard refuses(letter.proposal, process) else {
      return process.machine.propose(letter.proposal, as: letter.id)
    }
    process.open.removeAll { $0 == letter.id.rawValue }
    subject.neverAsked(letter.id)
    lose(letter.id.rawValue)
  }
}
