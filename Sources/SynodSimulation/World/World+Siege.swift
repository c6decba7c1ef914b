internal import Synod

// Whoever leads is set apart from some of the others, or stands still, or those that follow it come back
// with nothing but their stores: the moments in which two may lead.
extension World {
  /// What becomes of a leader.
  private enum Siege: Int {
    /// It hears nobody, and nobody hears it.
    case apart
    /// Everybody hears it, and it hears nobody; or the other way round.
    case deaf
    case mute
    /// It has one friend left, whom all others hear as well.
    case friend
    /// It hears nobody, and all others crash: of what they said they know what they wrote.
    case forgotten
    /// It stands still, having asked. The answers still arrive, and then nothing more.
    case still
  }

  /// Somebody leads from now on: something may come of that after a while.
  @usableFromInline
  mutating func seeWhoLeads(_ process: SimulatedProcess<Machine>) {
    if let turns = process.standsStillAfter, turns != process.turnsSent { standStill(process) }
    let leads = subject.leads(process.machine)
    guard leads != process.leads else { return }
    process.leads = leads
    if leads { planSiege(process) }
  }

  private mutating func planSiege(_ process: SimulatedProcess<Machine>) {
    guard settling == nil, faultsLeft > 0, faultRandom.percent(plan.faults.siegePercent) else {
      return
    }
    let time = now + 1 + faultRandom.exponential(mean: 80_000)
    queue.plan(WorldEvent(.siege, at: time, node: process.index, stamp: process.life))
  }

  @usableFromInline @inline(never)
  mutating func besiege(_ node: Int) {
    let process = processes[node]
    guard settling == nil, faultsLeft > 0, process.leads, !process.isPaused else { return }
    faultsLeft -= 1
    counts.sieges += 1
    let others = processes.indices.filter { $0 != node && processes[$0].isUp }
    guard !others.isEmpty else { return }
    // It takes more for that to come to something.
    let siege = Siege(rawValue: faultRandom.below(8)) ?? .still
    let friend = others[faultRandom.below(others.count)]
    switch siege {
    case .apart: setApart(node) { _, _ in true }
    case .deaf: setApart(node) { _, to in to == node }
    case .mute: setApart(node) { from, _ in from == node }
    case .friend: setApart(node) { from, to in from != friend && to != friend }
    case .forgotten:
      setApart(node) { _, _ in true }
      for other in others { crash(other, faultRandom.percent(50) ? .powerCut : .kill) }
    case .still: process.standsStillAfter = process.turnsSent
    }
    planSiege(process)
  }

  /// It has just sent something.
  private mutating func standStill(_ process: SimulatedProcess<Machine>) {
    process.standsStillAfter = nil
    guard settling == nil else { return }
    // About as long as others take until they follow another.
    let percent = 60 + UInt64(faultRandom.below(90))
    pause(process.index, for: subject.takeOverTime * percent / 100)
    let time = now + 1 + 3 * plan.delay + plan.turnTime
    queue.plan(WorldEvent(.cutOff, at: time, node: process.index, stamp: process.life))
  }

  /// It stands still, and has its answers.
  @usableFromInline @inline(never)
  mutating func cutOff(_ node: Int) {
    if settling == nil { setApart(node) { _, _ in true } }
  }

  private mutating func setApart(_ node: Int, where isCut: (Int, Int) -> Bool) {
    let mean = faultRandom.percent(50) ? 200_000 : 3 * subject.takeOverTime
    _ = cut(.partition, for: mean) { from, to in
      (from == node || to == node) && isCut(from, to)
    }
  }
}
