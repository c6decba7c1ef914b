public import Synod

// Clients: each asks a voter of its choice, waits, and asks the next.
extension World {
  @usableFromInline
  mutating func think() -> UInt64 { clientRandom.exponential(mean: plan.thinkTime) }

  @inlinable
  mutating func clientAsks(_ client: Int, turn: UInt32) {
    guard settling == nil, begun < plan.operations, clients[client].turn == turn else { return }
    let node = clientRandom.below(processes.count)
    let process = processes[node]
    guard process.isUp, !process.isStopping, !process.isLowOnSpace, !process.isStoreBehind else {
      if process.isLowOnSpace || process.isStoreBehind { counts.proposalsRefused += 1 }
      return clientReturns(client, after: 500 + think())
    }
    begun += 1
    let proposal = subject.proposal(
      of: clients[client].name, at: process.clock.ticks(at: now), random: &clientRandom)
    let id = invoke(proposal, of: clients[client].name, slot: client, at: process)
    clients[client].open = id.rawValue
    queue.plan(
      WorldEvent(
        .patience, at: now + plan.clientPatience, stamp: turn, value: UInt64(client)))
    if clientRandom.percent(plan.cancelPercent) {
      let time = now + clientRandom.exponential(mean: 4 * plan.delay)
      queue.plan(
        WorldEvent(.cancel, at: time, node: node, stamp: process.life, value: id.rawValue))
    }
    if begun == plan.operations { endLoadSoon() }
  }

  /// Asks a process, which may be standing still.
  @inlinable
  mutating func invoke(
    _ proposal: Machine.Proposal, of name: Int, slot: Int,
    at process: SimulatedProcess<Machine>
  ) -> ProposalID {
    calls.append(SimulatedCall(node: process.index, client: slot))
    let id = ProposalID(UInt64(calls.count))
    moment += 1
    process.open.append(id.rawValue)
    subject.invoked(proposal, as: id, of: name, at: process.voter, moment: moment)
    if record != nil { tellInvoked(proposal, id, name, process) }
    if process.isPaused {
      process.letters.append((id, proposal))
    } else {
      tickBeforeInput(process)
      process.machine.propose(proposal, as: id)
      inputTaken(process.index)
    }
    return id
  }

  /// The client has its answer, or will have none: it goes on.
  @usableFromInline
  mutating func clientReturns(_ client: Int, after pause: UInt64) {
    clients[client].turn &+= 1
    clients[client].open = nil
    queue.plan(
      WorldEvent(
        .client, at: now + pause, stamp: clients[client].turn, value: UInt64(client)))
  }

  @usableFromInline
  mutating func clientTires(_ client: Int, turn: UInt32) {
    guard clients[client].turn == turn, clients[client].open != nil else { return }
    counts.impatient += 1
    clients[client].name += clients.count
    clientReturns(client, after: think())
  }

  /// A machine told an end: exactly one for each proposal.
  @inlinable
  mutating func end(_ completion: Machine.Completion, at process: SimulatedProcess<Machine>) {
    let id = completion.proposal
    moment += 1
    hash.add(id.rawValue)
    guard let place = process.open.firstIndex(of: id.rawValue) else {
      return violate(
        "proposal \(id) ended twice, or where it was never made", at: process.index)
    }
    process.open.swapAt(place, process.open.count - 1)
    process.open.removeLast()
    counts.completions += 1
    let call = Int(id.rawValue) - 1
    calls[call].state = .ended
    if record != nil { tellCompleted(completion, process) }
    if let what = subject.ended(completion, at: process.voter, moment: moment) {
      violate(what, at: process.index)
    }
    answered(Int(calls[call].client), id.rawValue)
  }

  @usableFromInline
  mutating func answered(_ client: Int, _ id: UInt64) {
    guard client >= 0, clients[client].open == id else { return }
    clientReturns(client, after: think())
  }

  /// The process ended before it answered.
  @usableFromInline
  mutating func lose(_ id: UInt64) {
    let call = Int(id) - 1
    calls[call].state = .lost
    subject.lost(ProposalID(id))
    let client = Int(calls[call].client)
    guard client >= 0, clients[client].open == id else { return }
    clients[client].name += clients.count
    clientReturns(client, after: 200 + think())
  }
}
