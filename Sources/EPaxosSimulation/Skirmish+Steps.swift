internal import EPaxos
internal import Synod
internal import SynodSimulation

/// What happens in a run.
extension Skirmish {
  /// One thing happens.
  mutating func step() {
    let node = below(nodes.count)
    if percent(2) { drawCuts() }
    if asked < plan.commands, percent(plan.askPercent) { return ask(node % plan.askers) }
    if plan.isAimed, percent(5) {
      if nodes[node].isDead { return restart(node) }
      if mayCrash, nodes[node].machine.openProposals > 0 || percent(20) { return crash(node) }
    }
    if random.next() % 1000 < plan.crashPerMille { return crashOrRestart(node) }
    if network.isEmpty || percent(plan.timePercent) { return pass(node) }
    deliver(below(network.count))
  }

  private mutating func drawCuts() {
    for from in nodes.indices {
      cuts[from] = 0
      for to in nodes.indices where percent(plan.cutPercent) { cuts[from] |= 1 << UInt8(to) }
    }
  }

  private mutating func ask(_ node: Int) {
    guard !nodes[node].isDead else { return }
    asked += 1
    let key = UInt16(1) << UInt16(random.next() % plan.keys)
    let proposal = Proposal<Scrolls>(
      .command(.init(item: UInt64(asked), writes: key, reads: 0)))
    let id = ProposalID(UInt64(asked))
    tell(node, "is asked \(asked)")
    with(node) { $0.propose(proposal, as: id) }
    if !percent(plan.isAimed ? 40 : 10) { sync(node) }
  }

  private var mayCrash: Bool { nodes.count(where: \.isDead) < plan.dead }

  private mutating func crashOrRestart(_ node: Int) {
    if nodes[node].isDead {
      restart(node)
    } else if mayCrash {
      crash(node)
    }
  }

  /// A clock comes to its node's next deadline.
  func deadline(_ node: Int) -> Ticks? {
    guard !nodes[node].isDead, let deadline = nodes[node].machine.nextDeadline else { return nil }
    return max(deadline, nodes[node].now.advanced(by: 1))
  }

  private mutating func pass(_ node: Int) {
    sync(node)
    guard let deadline = deadline(node) else { return }
    nodes[node].now = deadline
    tick(node)
    sync(node)
  }

  mutating func deliver(_ place: Int) {
    let parcel = network[place]
    if !percent(plan.repeatPercent) {
      network.swapAt(place, network.count - 1)
      network.removeLast()
    }
    let isCut = cuts[parcel.from] & 1 << UInt8(parcel.to) != 0
    if isCut || percent(plan.lossPercent) { return }
    give(parcel)
  }

  private mutating func give(_ parcel: Parcel) {
    tell(parcel.to, "hears \(parcel.from + 1): \(InstanceWords.describe(parcel.message).title)")
    with(parcel.to) { $0.receive(parcel.message, from: VoterID(UInt32(parcel.from + 1))) }
    sync(parcel.to)
  }

  /// The faults end; as many may stay away as are dead. All that was heard of must be executed by all
  /// others.
  mutating func end() {
    for node in nodes.indices { sync(node) }
    for node in nodes.indices where nodes[node].isDead && percent(50) { restart(node) }
    for _ in 0..<Self.mostRounds where ledger.violation == nil {
      var parcels: [Parcel] = []
      swap(&parcels, &network)
      for parcel in parcels { give(parcel) }
      if !network.isEmpty { continue }
      if isOver { return compare() }
      // All clocks go on alike, as far as the first deadline.
      let waits = nodes.indices.compactMap { node in
        deadline(node).map { $0.rawValue - nodes[node].now.rawValue }
      }
      guard let wait = waits.min() else { break }
      for node in nodes.indices where !nodes[node].isDead {
        nodes[node].now = nodes[node].now.advanced(by: wait)
        tick(node)
        sync(node)
      }
    }
    guard ledger.violation == nil, !isOver else { return }
    let left = nodes.indices.filter { !nodes[$0].isDead }.map { node in
      "voter \(node + 1) executed \(nodes[node].machine.status.executedThrough) of "
        + "\(nodes[node].machine.status.seen)"
    }
    ledger.violate("it does not end: \(left.joined(separator: ", "))")
  }

  /// Who executed the same holds the same.
  private mutating func compare() {
    let alive = nodes.indices.filter { !nodes[$0].isDead }
    for (node, other) in zip(alive, alive.dropFirst())
    where nodes[node].machine.app.digest != nodes[other].machine.app.digest {
      ledger.violate("voters \(node + 1) and \(other + 1) executed the same, and differ")
    }
  }

  /// Rounds of messages and deadlines after the faults, at the most.
  private static var mostRounds: Int { 20_000 }

  /// Whether all that anyone heard of is executed by all.
  private var isOver: Bool {
    let standing = nodes.filter { !$0.isDead }.map(\.machine.status)
    return standing.allSatisfy { status in
      status.open == 0 && status.executedThrough == status.seen
        && status.seen == standing[0].seen
    }
  }
}
