internal import Synod

// What goes wrong with disks.
extension World {
  /// Chooses whose disks may ever be damaged: no more than the protocol tolerates, unless the run is
  /// over budget, and asks for safety only.
  mutating func prepareDisks() {
    // Who joins is to be relied on: as many were lost already as may be.
    var candidates = Array(0..<plan.voters)
    while !plan.isOverBudget, candidates.count > subject.tolerates {
      candidates.remove(at: faultRandom.below(candidates.count))
    }
    for process in processes {
      process.disk.faults = plan.faults.disk
      process.disk.allocatesLate = faultRandom.percent(25)
      process.disk.mayBeDamaged = candidates.contains(process.index)
    }
  }

  mutating func injectIntoDisk(_ kind: FaultKind, at node: Int) -> Bool {
    let process = processes[node]
    switch kind {
    case .fullDisk:
      guard process.disk.capacity == nil else { return false }
      process.disk.capacity = process.disk.usedBytes + faultRandom.below(16 << 10)
      tellFault(kind, of: node)
      let time = now + 10_000 + faultRandom.exponential(mean: 500_000)
      queue.plan(WorldEvent(.space, at: time, node: node))
      return true
    case .slowDisk:
      process.diskPercent = plan.diskPercent * UInt64(5 + faultRandom.below(100))
      tellFault(kind, of: node)
      let time = now + faultRandom.exponential(mean: 50_000)
      queue.plan(WorldEvent(.disk, at: time, node: node))
      return true
    case .damage:
      guard process.disk.damageAtRest() != nil else { return false }
      tellFault(kind, of: node)
      return true
    case .lostDisk: return loseDisk(process)
    case .partition, .oneWayPartition, .bridge, .ring, .clog, .replay, .kill, .powerCut,
      .powerCutOfAll, .stop, .pause, .clockJump, .clockStall:
      return false
    }
  }

  mutating func giveSpaceBack(_ node: Int) {
    let process = processes[node]
    guard process.disk.capacity != nil else { return }
    process.disk.capacity = nil
    counts.spaceCameBack += 1
    if record != nil { tell(.healed, of: node, TraceText(FaultKind.fullDisk.name)) }
  }

  /// A disk is lost. Where there are others to take its place, its voter is never seen again; else
  /// somebody starts the voter on an empty one, as nobody should. Its peers know
  /// its old store, and do not listen: so none is lost that one of them has not pinned yet, and none
  /// beyond what the protocol tolerates, since blank voters know nothing of each other.
  private mutating func loseDisk(_ process: SimulatedProcess<Machine>) -> Bool {
    let lost = processes.count { $0.isStranger || $0.isRetired && !$0.mayGo }
    guard process.disk.mayBeDamaged, !process.isStranger, !process.isRetired,
      lost < subject.tolerates, process.lives > 0,
      processes.allSatisfy({
        $0.index == process.index || $0.isRetired || subject.spares > 0
          || $0.pins[process.index] == process.identity.store
      })
    else { return false }
    crash(process.index, .powerCut, back: false)
    process.disk.lose()
    if subject.spares > 0 {
      tellFault(.lostDisk, of: process.index)
      retire(process, because: "its disk is lost")
      return true
    }
    subject.retired(process.voter)
    process.isStranger = true
    tellFault(.lostDisk, of: process.index)
    restartLater(process.index)
    return true
  }
}
