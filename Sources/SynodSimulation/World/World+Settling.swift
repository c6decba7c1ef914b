public import Synod

/// The second part of a run: who must decide, and what is still to be asked.
@usableFromInline
struct Settling<Machine: ConsensusMachine> {
  @usableFromInline var core: [Int]
  /// When the faults ended, in microseconds.
  @usableFromInline var began: UInt64
  /// When everything must have ended, in microseconds.
  @usableFromInline var deadline: UInt64
  /// Whether it must: not where more is broken than the protocol survives.
  @usableFromInline var isDemanded: Bool
  /// What clients still ask of the core, while it finds itself.
  @usableFromInline var operationsLeft: Int
  /// All that was asked has ended, and watches have yet to tell of it.
  @usableFromInline var waitsForWatches = false
  /// Everything has ended, and the core has yet to come to hold the same, of itself.
  @usableFromInline var waitsForEquality = false
  /// What is asked last; nil until everything else has ended.
  @usableFromInline var closing: [Machine.Proposal]?
  /// Of that, what must be asked again; and when, in microseconds.
  @usableFromInline var again: [Machine.Proposal] = []
  @usableFromInline var againAt: UInt64 = 0
  /// By their identities, what was asked last.
  @usableFromInline var asked: [UInt64: Machine.Proposal] = [:]

  init(core: [Int], began: UInt64, deadline: UInt64, isDemanded: Bool, operations: Int) {
    self.core = core
    self.began = began
    self.deadline = deadline
    operationsLeft = operations
    self.isDemanded = isDemanded
  }
}

// Liveness: faults end, for a core that can still decide.
extension World {
  /// How long each thing asked for may take where all ask at once, in microseconds: two rounds, each of
  /// two phases, in which a message comes from the slowest of the voters and goes back, a turn ends at
  /// either side, and a store syncs, as often as a record has blocks; a tenth of a second where that is
  /// less.
  @usableFromInline var timePerOperation: UInt64 {
    let trip = 6 * plan.delay + 2 * plan.turnTime + subject.waitForRoom
    let syncs = limits.syncs(forRecordOf: subject.recordBytes)
    return max(4 * (trip + 5 * plan.diskPercent * syncs), 100_000)
  }
  /// How long is looked where nothing need end, in microseconds.
  static var look: UInt64 { 1_000_000 }
  /// Operations that clients begin meanwhile, all together.
  static var settlingOperations: Int { 50 }
  /// How long whoever must ask again waits with it, in microseconds: a node that refuses what it is
  /// asked does so at once.
  static var pauseBeforeAgain: UInt64 { 5_000 }
  /// Closing proposals that are open at once.
  @usableFromInline static var mostClosing: Int { 2 }

  @usableFromInline
  mutating func endLoadSoon() {
    let time = now + clientRandom.exponential(mean: plan.lull)
    queue.plan(WorldEvent(.deadline, at: time))
  }

  mutating func beginSettling() {
    let usable = processes.indices.filter {
      !processes[$0].isRetired && !processes[$0].disk.isDamaged
    }
    let (core, isDemanded) = subject.spares > 0 ? drawMembers(of: usable) : drawCore(of: usable)
    faultsLeft = 0
    counts.demanded = isDemanded ? 1 : 0
    counts.notDemanded = isDemanded ? 0 : 1
    subject.faultsEnded()
    if core.isEmpty { isOver = true }
    // What waits already may have to go one round after the other. Twice what clients still ask for
    // gives time for processes to come back, and for members to change.
    let open = core.reduce(0) { $0 + processes[$1].open.count + processes[$1].letters.count }
    let most = UInt64(open + 2 * Self.settlingOperations) * timePerOperation
    // Where nothing need end, a look at what does is enough.
    let bound = isDemanded ? most : Self.look
    settling = Settling(
      core: core, began: now, deadline: now + bound, isDemanded: isDemanded,
      operations: core.isEmpty ? 0 : Self.settlingOperations)
    if record != nil { tell(.healed, of: nil, TraceText(TraceEvent.allFaultsEnd)) }
    mendNetwork()
    for node in processes.indices {
      if core.contains(node) || !processes[node].isGiven {
        mend(node)
      } else if !processes[node].isRetired || subject.spares == 0 {
        leaveBroken(node, core: core)
      }
    }
    settleWatchers(core)
    for client in clients.indices {
      if clients[client].open != nil { clients[client].name += clients.count }
      clientReturns(client, after: think() % 2_000)
    }
  }

  private mutating func drawCore(of usable: [Int]) -> (core: [Int], isDemanded: Bool) {
    let least = processes.count - subject.tolerates
    let isDemanded = usable.count >= least
    let size = isDemanded ? least + faultRandom.below(usable.count - least + 1) : usable.count
    var core = usable
    while core.count > size { core.remove(at: faultRandom.below(core.count)) }
    return (core, isDemanded)
  }

  private mutating func mendNetwork() {
    network.lossPerMille = 0
    network.corruptionPerMille = 0
    network.duplicationPerMille = 0
    network.limit = max(network.limit, 4096)
    network.maxPayload = .max
    for partition in partitions.indices { partitions[partition].links = [] }
    for link in network.links.indices { network.links[link].cuts = 0 }
  }

  private mutating func mend(_ node: Int) {
    let process = processes[node]
    process.crashInCommit = nil
    mendDisk(process)
    process.clock.goOn(at: now)
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
      if open > 0 || settling.operationsLeft > 0 || !watchesHaveTold() { return }
      let closing = subject.closing()
      self.settling?.closing = closing.reversed()
      // Time for each, where a store that holds few answers lets most be asked again.
      let time = timePerOperation * UInt64(closing.count)
      if settling.isDemanded { self.settling?.deadline += time }
    }
    if !settling.again.isEmpty, settling.againAt <= now {
      self.settling?.closing? += settling.again
      self.settling?.again.removeAll()
    }
    while open < Self.mostClosing, violation == nil,
      let proposal = self.settling?.closing?.popLast()
    {
      let node = settling.core[clientRandom.below(settling.core.count)]
      let process = processes[node]
      let id = ProposalID(UInt64(calls.count + 1))
      self.settling?.asked[id.rawValue] = proposal
      _ = invoke(proposal, of: clients.count * (begun + 1), slot: -1, at: process)
      open = settling.core.reduce(0) { $0 + processes[$1].open.count }
    }
    if open == 0, self.settling?.again.isEmpty == true {
      if settling.isDemanded, differing(settling.core) != nil { return waitForEquality() }
      isOver = true
      guard settling.isDemanded else { return }
      counts.settled = now - settling.began
      if settling.core.count < processes.count { counts.settledWithout += 1 }
    }
  }

  @usableFromInline
  func differing(_ core: [Int]) -> String? {
    subject.differing(core.map { processes[$0].machine })
  }

  /// Nothing is asked any more: what the core does from now on, it does of itself.
  @usableFromInline @inline(never)
  mutating func waitForEquality() {
    guard settling?.waitsForEquality == false else { return }
    settling?.waitsForEquality = true
    settling?.deadline = now + subject.equalWithin
  }

  /// Whether an answer names one who leads, is heard, and is none of those that are asked.
  @usableFromInline
  func leadsElsewhere(
    _ completion: Machine.Completion, _ process: SimulatedProcess<Machine>
  ) -> Bool {
    guard let voter = Subject.leader(toldBy: completion), let settling else { return false }
    let node = Int(voter.rawValue) - 1
    guard processes.indices.contains(node), !settling.core.contains(node) else { return false }
    let leader = processes[node]
    let links = [network.link(node, process.index), network.link(process.index, node)]
    return leader.isUp && !leader.isPaused && subject.leads(leader.machine)
      && links.allSatisfy { network.links[$0].cuts == 0 }
  }

  /// What was asked last must be answered in full.
  @usableFromInline
  mutating func askAgain(_ id: UInt64) {
    guard let proposal = settling?.asked.removeValue(forKey: id) else { return }
    counts.askedAgain += 1
    if settling?.again.isEmpty == true {
      settling?.againAt = now + Self.pauseBeforeAgain
      // Time goes on although nothing else may happen.
      queue.plan(WorldEvent(.deadline, at: now + Self.pauseBeforeAgain))
    }
    settling?.again.append(proposal)
  }

  @usableFromInline @inline(never)
  mutating func endLate() {
    isOver = true
    guard let settling, settling.isDemanded else { return }
    if settling.waitsForWatches, settling.closing == nil {
      let what = subject.awaited(of: settling.core.map { processes[$0].voter })
      return violate("a watch does not come to the end of what there is: \(what ?? "none begins")")
    }
    if settling.waitsForEquality {
      let what = differing(settling.core) ?? "they do now"
      return violate(
        "those who run do not come to hold the same, \((now - settling.began) / 1_000_000) s after "
          + "the faults, while nobody asks for anything: \(what)")
    }
    let open = settling.core.flatMap { node in
      processes[node].open.map { "\($0) at voter \(node + 1)" }
    }
    let down = settling.core.filter { !processes[$0].isUp }.map { "voter \($0 + 1) is down" }
    violate(
      "what was asked does not end, \((settling.deadline - settling.began) / 1_000_000) s after the "
        + "faults: "
        + (open + down).joined(separator: ", "))
  }
}
