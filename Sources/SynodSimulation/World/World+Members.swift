internal import Synod

// Nodes that join while a run goes on.
extension World {
  /// A machine made known who the members are.
  @usableFromInline
  mutating func hear(_ process: SimulatedProcess<Machine>) {
    for effect in process.ready.effects {
      guard let voters = Subject.voters(after: effect) else { continue }
      process.peers = (subject.peers(of: process.machine) ?? voters).map { Int($0.rawValue) - 1 }
    }
    if subject.epochs != epochs { changeBegan() }
    for node in 0..<min(subject.given, processes.count) where !processes[node].isGiven {
      processes[node].isGiven = true
      // Somebody has to come and switch it on; now and then nobody does.
      if settling == nil, faultRandom.percent(15) {
        processes[node].isGone = true
      } else {
        queue.plan(
          WorldEvent(.restart, at: now + 1 + faultRandom.exponential(mean: 20_000), node: node))
      }
    }
  }

  /// It need not be there any more: it goes for ever, and its store with it, as that allows; or stays.
  @usableFromInline @inline(never)
  mutating func letGo(_ process: SimulatedProcess<Machine>) -> Bool {
    // Apart, so that the other draws of a seed stay what they are.
    var random = SplitMix(seed: plan.seed ^ UInt64(process.index) ^ 0x676f_6573)
    guard settling == nil, random.next() % 2 == 0 else {
      process.mayGo = false
      return false
    }
    counts.letGo += 1
    crash(process.index, .kill, back: false)
    process.disk.lose()
    retire(process, because: "nobody needs it any more")
    return true
  }

  /// Whoever drives a change of the voters may crash where it comes to another stage of it.
  @usableFromInline @inline(never)
  mutating func mayCrashDriver(_ process: SimulatedProcess<Machine>) -> Bool {
    let stage = subject.stage(of: process.machine)
    guard stage != process.stage else { return false }
    process.stage = stage
    guard stage != nil, settling == nil, faultsLeft > 0,
      faultRandom.percent(plan.faults.driverCrashPercent)
    else { return false }
    faultsLeft -= 1
    counts.driverCrashes += 1
    crash(process.index, faultRandom.percent(50) ? .powerCut : .kill)
    return true
  }

  /// Another configuration was decided: who was cut off until then comes back, and while the voters
  /// change, somebody may be cut off until that is over. Some are still heard, and hear nobody.
  private mutating func changeBegan() {
    epochs = subject.epochs
    for exile in exiles where exile.until <= epochs { heal(exile.partition) }
    exiles.removeAll { $0.until <= epochs }
    guard settling == nil, faultsLeft > 0, subject.isChanging,
      faultRandom.percent(plan.faults.exilePercent)
    else { return }
    guard let node = drawExile() else { return }
    let isDeaf = faultRandom.percent(40)
    faultsLeft -= 1
    counts.exiles += 1
    exiles.append((partitions.count, epochs + 1))
    _ = cut(.partition, for: 1_000_000) { from, to in to == node || !isDeaf && from == node }
  }

  /// Whoever is behind most, the one that came last, or who drives the change.
  private mutating func drawExile() -> Int? {
    let which = [0, 1, 1, 2][faultRandom.below(4)]
    var chosen: [Int] = []
    var least = Int.max
    for process in processes where process.isUp && process.isGiven {
      let known = subject.epochs(of: process.machine)
      if which == 0 && known < least || which == 1 { chosen.removeAll() }
      if which == 0 && known > least { continue }
      if which == 2 && subject.stage(of: process.machine) == nil { continue }
      least = known
      chosen.append(process.index)
    }
    return chosen.isEmpty ? nil : chosen[faultRandom.below(chosen.count)]
  }

  /// Of all that can go on, some that must be able to decide. Where the rest is not enough for that,
  /// all.
  mutating func drawMembers(of usable: [Int]) -> (core: [Int], isDemanded: Bool) {
    let machines = processes.map(\.machine)
    func mustDecide(_ nodes: [Int]) -> Bool {
      subject.mustDecide(nodes.map { processes[$0].voter }, machines)
    }
    var core = usable.filter {
      processes[$0].isGiven && !processes[$0].isGone
        && subject.isOfUse(processes[$0].voter, machines)
    }
    guard mustDecide(core) else { return (core, false) }
    for node in core where faultRandom.percent(50) {
      let rest = core.filter { $0 != node }
      if mustDecide(rest) { core = rest }
    }
    return (core, true)
  }
}
