public import Synod

/// Asks to be told of whatever comes, and takes its time with each thing.
@usableFromInline
struct SimulatedWatcher {
  /// What it asked for, while that is open.
  @usableFromInline var open: UInt64?
  /// What was planned for an earlier time means nothing.
  @usableFromInline var turn: UInt32 = 0
}

// Watchers: what they ask for stays open until they go elsewhere, and machines tell them by effects.
extension World {
  /// How long a watcher stays, before it begins again somewhere else, in microseconds.
  private static var stay: UInt64 { 100_000 }

  mutating func planWatchers() {
    for watcher in 0..<subject.watchers {
      watchers.append(SimulatedWatcher())
      watcherReturns(watcher, after: 1000 + watchRandom.exponential(mean: 20_000))
    }
  }

  private mutating func watcherReturns(_ watcher: Int, after pause: UInt64) {
    watchers[watcher].turn &+= 1
    queue.plan(
      WorldEvent(
        .watcher, at: now + pause, stamp: watchers[watcher].turn, value: UInt64(watcher)))
  }

  /// It leaves, or begins to watch.
  @usableFromInline @inline(never)
  mutating func watcherActs(_ watcher: Int, turn: UInt32) {
    guard watchers[watcher].turn == turn else { return }
    if let id = watchers[watcher].open {
      // Where that cannot be, it stays open there, and nobody listens.
      watchers[watcher].open = nil
      cancel(ProposalID(id), at: Int(calls[Int(id) - 1].node))
      return watcherReturns(watcher, after: watchRandom.exponential(mean: 5_000))
    }
    let nodes = settling?.core ?? Array(processes.indices)
    guard !nodes.isEmpty else { return }
    let process = processes[nodes[watchRandom.below(nodes.count)]]
    guard process.isUp, !process.isStopping, !process.isPaused else {
      return watcherReturns(watcher, after: 5_000)
    }
    let proposal = subject.watching(watcher, random: &watchRandom)
    watchers[watcher].open = UInt64(calls.count + 1)
    _ = invoke(proposal, of: -1 - watcher, slot: -2 - watcher, at: process)
    if settling == nil, watchers[watcher].open != nil {
      watcherReturns(watcher, after: 1 + watchRandom.exponential(mean: Self.stay))
    }
  }

  /// What it asked for has ended, or its process has.
  @usableFromInline
  mutating func watchEnded(_ watcher: Int, _ id: UInt64) {
    guard watchers[watcher].open == id else { return }
    watchers[watcher].open = nil
    watcherReturns(watcher, after: 1_000 + watchRandom.exponential(mean: 20_000))
  }

  /// The faults are over: whoever watches where nothing need be right any more goes elsewhere.
  mutating func settleWatchers(_ core: [Int]) {
    for watcher in watchers.indices {
      if let id = watchers[watcher].open, core.contains(Int(calls[Int(id) - 1].node)) {
        watchers[watcher].turn &+= 1
      } else {
        watchers[watcher].open = nil
        watcherReturns(watcher, after: watchRandom.exponential(mean: 5_000))
      }
    }
  }

  // MARK: What they are told

  /// A machine has something done by whoever drives it.
  @usableFromInline @inline(never)
  mutating func hearEffects(_ process: SimulatedProcess<Machine>) {
    for effect in process.ready.effects {
      if !process.isStranger, let what = subject.heard(effect, of: process.voter) {
        violate(what, at: process.index)
      }
      if Subject.letsGo(effect) { process.mayGo = true }
      guard let id = Subject.finishing(effect) else { continue }
      moment += 1
      hash.add(id.rawValue)
      if let what = subject.told(effect, at: process.voter, moment: moment) {
        violate(what, at: process.index)
      }
      let time = settling == nil ? plan.watchTime : min(plan.watchTime, 100)
      queue.plan(
        WorldEvent(
          .taken, at: now + watchRandom.exponential(mean: time), node: process.index,
          stamp: process.life, value: id.rawValue))
    }
    if subject.spares > 0 { hear(process) }
  }

  /// A watcher has what it was told.
  @usableFromInline
  mutating func take(_ effect: EffectID, at node: Int) {
    let process = processes[node]
    guard process.isUp, !process.isStopping else { return }
    if process.isPaused { return process.taken.append(effect) }
    subject.finished(effect, at: process.voter)
    tickBeforeInput(process)
    process.machine.finished(effect)
    inputTaken(node)
  }

  /// Whether all watches of the core have told of the last of what there is, where they must.
  @usableFromInline
  mutating func watchesHaveTold() -> Bool {
    guard let settling, settling.isDemanded, !watchers.isEmpty else { return true }
    if !settling.waitsForWatches {
      self.settling?.waitsForWatches = true
      self.settling?.deadline += subject.watchBound
    }
    // Whoever could not begin yet begins.
    guard watchers.allSatisfy({ $0.open != nil }) else { return false }
    return subject.awaited(of: settling.core.map { processes[$0].voter }) == nil
  }
}
