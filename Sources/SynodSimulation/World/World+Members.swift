internal import Synod

// Nodes that join while a run goes on.
extension World {
  /// A machine made known who the members are.
  @usableFromInline
  mutating func hear(_ process: SimulatedProcess<Machine>) {
    for effect in process.ready.effects {
      guard let voters = Subject.voters(after: effect) else { continue }
      process.peers = voters.map { Int($0.rawValue) - 1 }
    }
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
