internal import Synod

// What goes wrong by time, until the load is over.
extension World {
  mutating func planFaults() {
    for kind in FaultKind.allCases {
      if subject.needsTrueClocks, kind == .clockJump || kind == .clockStall { continue }
      planFault(kind)
    }
  }

  mutating func planFault(_ kind: FaultKind) {
    let mean = plan.faults[kind]
    guard mean > 0, faultsLeft > 0 else { return }
    let time = now + 1 + faultRandom.exponential(mean: mean)
    queue.plan(WorldEvent(.fault, at: time, value: UInt64(kind.rawValue)))
  }

  @usableFromInline
  mutating func handleFault(_ event: WorldEvent) {
    switch event.kind {
    case .fault:
      guard settling == nil, faultsLeft > 0, let kind = FaultKind(rawValue: Int(event.value)) else {
        return
      }
      if inject(kind) {
        faultsLeft -= 1
        counts.faults[kind.rawValue] += 1
      }
      planFault(kind)
    case .heal: heal(Int(event.value))
    case .clock:
      let process = processes[Int(event.node)]
      if event.stamp == process.life { goOnTicking(process) }
    case .space: giveSpaceBack(Int(event.node))
    case .disk: processes[Int(event.node)].diskPercent = plan.diskPercent
    case .relief:
      if event.stamp == processes[Int(event.node)].life {
        counts.faults[(event.value == 1 ? FaultKind.powerCut : .kill).rawValue] += 1
        crash(Int(event.node), event.value == 1 ? .powerCut : .kill)
      }
    case .deadline: if settling == nil { beginSettling() }
    case .delivery, .timer, .turn, .lane, .news, .client, .patience, .cancel, .restart, .opened,
      .resume, .watcher, .taken, .siege, .cutOff:
      break
    }
  }

  /// Does something to somebody; false where it would do nothing.
  private mutating func inject(_ kind: FaultKind) -> Bool {
    let node = faultRandom.below(processes.count)
    switch kind {
    case .partition: return cut(halves(), both: true, kind)
    case .oneWayPartition: return cut(halves(), both: false, kind)
    case .bridge: return cutToBridge()
    case .ring: return cutToRing()
    case .clog: return clog()
    case .replay: return network.replay(at: now, into: &queue) != nil
    case .kill, .powerCut:
      guard processes[node].isUp else { return false }
      // Most come while nothing is written; some wait for the middle of a commit.
      if faultRandom.percent(40), processes[node].crashInCommit == nil {
        processes[node].crashInCommit = kind == .powerCut ? .powerCut : .kill
        // It may never come: it counts when it does.
        faultsLeft -= 1
        return false
      } else {
        crash(node, kind == .powerCut ? .powerCut : .kill)
      }
    case .powerCutOfAll:
      for node in processes.indices { crash(node, .powerCut) }
    case .stop:
      guard processes[node].isUp, !processes[node].isPaused else { return false }
      stop(node)
    case .pause:
      guard processes[node].isUp, !processes[node].isPaused else { return false }
      pause(node, for: 1_000 + faultRandom.exponential(mean: 30_000))
    case .clockJump:
      guard processes[node].isUp else { return false }
      let leap = 1000 * (1 + faultRandom.exponential(mean: 500))
      processes[node].clock.jump(by: leap, at: now)
      tellFault(kind, of: node)
      rearm(processes[node])
    case .clockStall:
      guard processes[node].isUp, !processes[node].clock.isStalled else { return false }
      processes[node].clock.stall(at: now)
      tellFault(kind, of: node)
      let time = now + faultRandom.exponential(mean: 50_000)
      queue.plan(WorldEvent(.clock, at: time, node: node, stamp: processes[node].life))
    case .fullDisk, .slowDisk, .damage, .lostDisk: return injectIntoDisk(kind, at: node)
    }
    return true
  }

  private mutating func goOnTicking(_ process: SimulatedProcess<Machine>) {
    process.clock.goOn(at: now)
    rearm(process)
  }

  private mutating func rearm(_ process: SimulatedProcess<Machine>) {
    process.armed = nil
    guard process.isUp, !process.isPaused else { return }
    arm(process)
  }

  // MARK: Partitions

  /// Two halves, neither empty where there is more than one voter.
  private mutating func halves() -> [Bool] {
    var sides = processes.map { _ in false }
    guard sides.count > 1 else { return sides }
    let chosen = 1 + faultRandom.below(sides.count - 1)
    for _ in 0..<chosen { sides[faultRandom.below(sides.count)] = true }
    if !sides.contains(false) { sides[faultRandom.below(sides.count)] = false }
    return sides
  }

  private mutating func cut(_ sides: [Bool], both: Bool, _ kind: FaultKind) -> Bool {
    cut(kind) { from, to in both ? sides[from] != sides[to] : sides[from] && !sides[to] }
  }

  private mutating func cutToBridge() -> Bool {
    guard processes.count > 2 else { return false }
    let sides = halves()
    let bridge = faultRandom.below(processes.count)
    return cut(.bridge) { from, to in from != bridge && to != bridge && sides[from] != sides[to] }
  }

  private mutating func cutToRing() -> Bool {
    let count = processes.count
    guard count > 3 else { return false }
    var order = Array(0..<count)
    for place in order.indices.dropLast() {
      order.swapAt(place, place + faultRandom.below(count - place))
    }
    var position = order
    for place in order.indices { position[order[place]] = place }
    return cut(.ring) { from, to in
      let distance = (position[from] + count - position[to]) % count
      return distance != 1 && distance != count - 1
    }
  }

  /// - Parameter mean: how long it lasts, about, in microseconds.
  mutating func cut(
    _ kind: FaultKind, for mean: UInt64 = 60_000, where isCut: (Int, Int) -> Bool
  ) -> Bool {
    var links: [Int] = []
    for from in processes.indices {
      for to in processes.indices where from != to && isCut(from, to) {
        links.append(network.link(from, to))
      }
    }
    guard !links.isEmpty else { return false }
    for link in links { network.links[link].cuts += 1 }
    partitions.append((kind, links))
    tellFault(kind, links: links)
    let time = now + 1_000 + faultRandom.exponential(mean: mean)
    queue.plan(WorldEvent(.heal, at: time, value: UInt64(partitions.count - 1)))
    return true
  }

  mutating func heal(_ partition: Int) {
    let (kind, links) = partitions[partition]
    guard !links.isEmpty else { return }
    for link in links { network.links[link].cuts -= 1 }
    if record != nil { tell(.healed, of: nil, TraceText(kind.name)) }
    partitions[partition].links = []
  }

  /// Some links hold back what they carry, each until a time of its own.
  private mutating func clog() -> Bool {
    var links: [Int] = []
    for from in processes.indices {
      for to in processes.indices where from != to && faultRandom.percent(30) {
        let link = network.link(from, to)
        let until = now + 1_000 + faultRandom.exponential(mean: 40_000)
        network.links[link].cloggedUntil = max(network.links[link].cloggedUntil, until)
        links.append(link)
      }
    }
    if !links.isEmpty { tellFault(.clog, links: links) }
    return !links.isEmpty
  }
}
