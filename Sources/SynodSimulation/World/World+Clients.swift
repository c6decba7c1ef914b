public import Synod

// Clients: each asks a voter of its choice, waits, and asks the next.
extension World {
  @usableFromInline
  mutating func think() -> UInt64 { clientRandom.exponential(mean: plan.thinkTime) }

  @inlinable
  mutating func clientAsks(_ client: Int, turn: UInt32) {
    guard clients[client].turn == turn, let process = drawVoter() else { return }
    guard process.isUp, !process.isStopping else {
      return clientReturns(client, after: 500 + think())
    }
    let node = process.index
    let proposal = subject.proposal(
      of: clients[client].name, at: process.clock.ticks(at: now), random: &clientRandom)
    if refuses(proposal, process) { return clientReturns(client, after: 500 + think()) }
    begun += 1
    settling?.operationsLeft -= 1
    // Its answer may come at once.
    clients[client].open = UInt64(calls.count + 1)
    let id = invoke(proposal, of: clients[client].name, slot: client, at: process)
    // Whoever asks again and again asks for more than can end in time.
    let patience = settling == nil ? plan.clientPatience : max(plan.clientPatience, 1_000_000)
    queue.plan(
      WorldEvent(.patience, at: now + patience, stamp: turn, value: UInt64(client)))
    if settling == nil, clientRandom.percent(plan.cancelPercent) {
      let time = now + clientRandom.exponential(mean: 4 * plan.delay)
      queue.plan(
        WorldEvent(.cancel, at: time, node: node, stamp: process.life, value: id.rawValue))
    }
    if begun == plan.operations { endLoadSoon() }
  }

  /// Whom a client asks: anybody, and one of the core when the faults are over; nil where enough was
  /// asked.
  @usableFromInline
  mutating func drawVoter() -> SimulatedProcess<Machine>? {
    guard let settling else {
      if begun >= plan.operations { return nil }
      return processes[clientRandom.below(processes.count)]
    }
    if settling.operationsLeft == 0 { return nil }
    return processes[settling.core[clientRandom.below(settling.core.count)]]
  }

  /// What a store says that is short of space, or behind: nothing was proposed.
  @inlinable
  mutating func refuses(
    _ proposal: Machine.Proposal, _ process: SimulatedProcess<Machine>
  ) -> Bool {
    guard process.isLowOnSpace || process.isStoreBehind, Subject.needsSpace(proposal) else {
      return false
    }
    counts.proposalsRefused += 1
    return true
  }

  /// Asks a process, which may be standing still.
  @inlinable
  mutating func invoke(
    _ proposal: Machine.Proposal, of name: Int, slot: Int,
    at process: SimulatedProcess<Machine>
  ) -> ProposalID {
    calls.append(
      SimulatedCall(node: process.index, client: slot, deadline: Subject.deadline(of: proposal)))
    let id = ProposalID(UInt64(calls.count))
    moment += 1
    if slot < -1 { process.standing.append(id.rawValue) } else { process.open.append(id.rawValue) }
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
    if let place = process.open.firstIndex(of: id.rawValue) {
      process.open.swapAt(place, process.open.count - 1)
      process.open.removeLast()
    } else if !process.standing.isEmpty, process.standing.contains(id.rawValue) {
      process.standing.removeAll { $0 == id.rawValue }
    } else {
      return violate(
        "proposal \(id) ended twice, or where it was never made", at: process.index)
    }
    counts.completions += 1
    let call = Int(id.rawValue) - 1
    calls[call].state = .ended
    if record != nil { tellCompleted(completion, process) }
    judgeReason(completion, calls[call], at: process)
    if let what = subject.ended(completion, at: process.voter, moment: moment) {
      violate(what, at: process.index)
    }
    if calls[call].client == -1, subject.mustAskAgain(completion),
      !leadsElsewhere(completion, process)
    {
      askAgain(id.rawValue)
    }
    answered(Int(calls[call].client), id.rawValue)
  }

  /// Nothing is given up that nobody gave up, and nothing before its time.
  @inlinable
  mutating func judgeReason(
    _ completion: Machine.Completion, _ call: SimulatedCall, at process: SimulatedProcess<Machine>
  ) {
    switch Subject.earlyEnd(of: completion) {
    case nil: break
    case .cancelled:
      if !call.isCancelled {
        violate(
          "proposal \(completion.proposal) ends as cancelled, and nobody cancelled it",
          at: process.index)
      }
    case .deadline:
      let time = process.clock.ticks(at: now)
      guard let deadline = call.deadline, deadline <= time else {
        return violate(
          "proposal \(completion.proposal) ends by its deadline at \(time), and that is "
            + (call.deadline.map { "\($0)" } ?? "never"),
          at: process.index)
      }
    }
  }

  @usableFromInline
  mutating func answered(_ client: Int, _ id: UInt64) {
    if client < -1 { return watchEnded(-2 - client, id) }
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
    if client < -1 { return watchEnded(-2 - client, id) }
    guard client >= 0, clients[client].open == id else { return }
    clients[client].name += clients.count
    clientReturns(client, after: 200 + think())
  }
}
