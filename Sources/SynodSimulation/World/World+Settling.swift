public import Synod

/// The second part of a run: who must decide, and what is still to be asked.
@usableFromInline
struct Settling<Machine: ConsensusMachine> {
  @usableFromInline var core: [Int]
  /// When everything must have ended, in microseconds.
  @usableFromInline var deadline: UInt64
  /// Whether it must: not where more is broken than the protocol survives.
  @usableFromInline var isDemanded: Bool
  /// What is asked last; nil until everything else has ended.
  @usableFromInline var closing: [Machine.Proposal]?

  init(core: [Int], deadline: UInt64, isDemanded: Bool) {
    self.core = core
    self.deadline = deadline
    self.isDemanded = isDemanded
  }
}

// Liveness: faults end, for a core that can still decide.
extension World {
  /// Everything at the core must have ended this long after the faults have, in microseconds.
  static var bound: UInt64 { 60_000_000 }
  /// Closing proposals that are open at once.
  @usableFromInline static var mostClosing: Int { 3 }

  @usableFromInline
  mutating func endLoadSoon() {
    let time = now + clientRandom.exponential(mean: 20_000)
    queue.plan(WorldEvent(.deadline, at: time))
  }

  mutating func beginSettling() {
    let usable = processes.indices.filter {
      !processes[$0].isRetired && !processes[$0].disk.isDamaged
    }
    let least = processes.count - subject.tolerates
    let isDemanded = !plan.isOverBudget && usable.count >= least
    let size = isDemanded ? least + faultRandom.below(usable.count - least + 1) : usable.count
    var core = usable
    while core.count > size { core.remove(at: faultRandom.below(core.count)) }
    faultsLeft = 0
    if core.isEmpty { isOver = true }
    // Where nothing need end, a look at what does is enough.
    let bound = isDemanded ? Self.bound : Self.bound / 50
    settling = Settling(core: core, deadline: now + bound, isDemanded: isDemanded)
    if record != nil { tell(.healed, of: nil, TraceText(TraceEvent.allFaultsEnd)) }
    mendNetwork()
    for node in processes.indices {
      core.contains(node) ? mend(node) : leaveBroken(node, core: core)
    }
  }

  private mutating func mendNetwork() {
    network.lossPerMille = 0
    network.corruptionPerMille = 0
    network.duplicationPerMille = 0
    network.limit = max(network.limit, 4096)
    for partition in partitions.indices { partitions[partition].links = [] }
    for link in network.links.indices { network.links[link].cuts = 0 }
  }

  private mutating func mend(_ node: Int) {
    let process = processes[node]
    mendDisk(process)
    if process.clock.rate == 0 { process.clock.change(rate: SimulatedClock.exact, at: now) }
    if !process.isUp { return restartLater(node) }
    if process.isPaused {
      queue.plan(WorldEvent(.resume, at: now + 1, node: node, stamp: process.life))
    } else {
      process.armed = nil
      arm(process)
    }
  }

  private func mendDisk(_ process: SimulatedProcess<Machine>) {
    process.disk.faults = DiskFaults()
    process.disk.mayBeDamaged = false
    // Or a later block would prove it lost, and nobody could restart on it.
    process.disk.landAstray()
    process.disk.capacity = nil
    process.diskPercent = plan.diskPercent
  }

  /// Faults that always heal would hide what never ends: whoever is not needed may stay broken.
  private mutating func leaveBroken(_ node: Int, core: [Int]) {
    let others = processes.indices.filter { $0 != node }
    switch faultRandom.below(6) {
    case 0: mend(node)
    case 1:
      processes[node].isGone = true
      crash(node, .kill, back: false)
    case 2: pause(node, for: nil)
    case 3: for other in others { network.links[network.link(node, other)].cuts += 1 }
    case 4: for other in others { network.links[network.link(other, node)].cuts += 1 }
    default:
      for other in others {
        network.links[network.link(node, other)].cuts += 1
        network.links[network.link(other, node)].cuts += 1
      }
    }
  }

  /// Looks whether everything at the core has ended, and asks what is asked last.
  @inlinable
  mutating func settle() {
    guard let settling, !isOver, violation == nil else { return }
    if now > settling.deadline { return endLate() }
    var open = 0
    for node in settling.core {
      let process = processes[node]
      if !process.isUp || process.isPaused || process.isStopping || process.hasStorageFailed {
        return
      }
      open += process.open.count
    }
    if settling.closing == nil {
      if open > 0 { return }
      self.settling?.closing = subject.closing().reversed()
    }
    while open < Self.mostClosing, violation == nil,
      let proposal = self.settling?.closing?.popLast()
    {
      let node = settling.core[clientRandom.below(settling.core.count)]
      _ = invoke(proposal, of: clients.count * (begun + 1), slot: -1, at: processes[node])
      open = settling.core.reduce(0) { $0 + processes[$1].open.count }
    }
    if open == 0 {
      isOver = true
      if settling.isDemanded, settling.core.count < processes.count { counts.settledWithout += 1 }
    }
  }

  @usableFromInline @inline(never)
  mutating func endLate() {
    isOver = true
    guard let settling, settling.isDemanded else { return }
    let open = settling.core.flatMap { node in
      processes[node].open.map { "\($0) at voter \(node + 1)" }
    }
    let down = settling.core.filter { !processes[$0].isUp }.map { "voter \($0 + 1) is down" }
    violate(
      "what was asked does not end, \(Self.bound / 1_000_000) s after the faults: "
        + (open + down).joined(separator: ", "))
  }
}
