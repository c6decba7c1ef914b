public import Synod

// The end of a turn: everything that a machine made ready is handed on.
extension World {
  @inlinable
  mutating func endTurn(_ node: Int) {
    let process = processes[node]
    process.isTurnPlanned = false
    guard process.isUp, !process.isPaused, !process.isStopping else { return }
    if !process.hasTicked { tickIfDue(process) }
    handAllOn(process)
    advanceCheckpoint(process)
    pump(process)
    process.hasTicked = false
    if process.mayGo, letGo(process) { return }
    if plan.faults.driverCrashPercent > 0, mayCrashDriver(process) { return }
    if plan.faults.siegePercent > 0 { seeWhoLeads(process) }
    if let what = subject.inspect(process.machine, of: process.voter) { violate(what, at: node) }
    arm(process)
  }

  @inlinable
  mutating func handAllOn(_ process: SimulatedProcess<Machine>) {
    var rounds = 0
    while process.machine.hasReady {
      handOn(process)
      rounds += 1
      if rounds > 1000 { return violate("it has ever more ready", at: process.index) }
    }
  }

  @inlinable
  func tickIfDue(_ process: SimulatedProcess<Machine>) {
    if process.machine.hasReady { return tickBeforeInput(process) }
    guard let deadline = process.machine.nextDeadline,
      deadline <= process.clock.ticks(at: now)
    else { return }
    tickBeforeInput(process)
  }

  @inlinable
  mutating func handOn(_ process: SimulatedProcess<Machine>) {
    process.machine.drain(into: &process.ready)
    if process.ready.isEmpty {
      return violate("it said that something is ready, and nothing was", at: process.index)
    }
    counts.turns += 1
    if !process.ready.persist.isEmpty { persist(process) }
    if !process.ready.messages.isEmpty {
      process.turnsSent += 1
      sendAll(process)
    }
    if !process.ready.effects.isEmpty { hearEffects(process) }
    for index in process.ready.completed.indices {
      end(process.ready.completed[index], at: process)
    }
    process.ready.removeAll()
  }

  @inlinable
  mutating func persist(_ process: SimulatedProcess<Machine>) {
    let batch = process.ready.batch
    guard batch > process.lastIssued else {
      return violate("batch \(batch) came behind \(process.lastIssued)", at: process.index)
    }
    process.lastIssued = batch
    counts.records += UInt64(process.ready.persist.count)
    process.pending.append(PendingBatch(number: batch, records: process.ready.persist))
    let records = process.ready.persist
    if !process.isStranger { subject.appended(records, by: process.voter) }
    process.store?.append(batch) { writer in
      for index in records.indices { records[index].encode(into: &writer) }
    }
    hash.add(batch.rawValue)
    if record != nil { tellAppended(process) }
  }

  // MARK: Messages

  @inlinable
  mutating func sendAll(_ process: SimulatedProcess<Machine>) {
    for index in process.ready.messages.indices where !process.isStranger {
      if let what = subject.sent(process.ready.messages[index], by: process.voter) {
        violate(what, at: process.index)
      }
    }
    if plan.joinsMessages && process.ready.messages.count > 1 {
      sendJoined(process)
    } else {
      for index in process.ready.messages.indices {
        process.writer.removeAll()
        let destination = process.ready.messages[index].to
        process.saysRareThing = Subject.isRare(process.ready.messages[index].message)
        add(process.ready.messages[index].message, of: process, to: destination)
        if !process.writer.isEmpty { post(process, to: destination) }
      }
    }
  }

  /// Adds a message to what the writer holds. Where that is too much for one payload, what was there
  /// goes by itself; a message that is too long alone counts as lost.
  @inlinable
  mutating func add(
    _ message: Machine.Message, of process: SimulatedProcess<Machine>, to destination: Destination
  ) {
    let before = process.writer.count
    message.encode(into: &process.writer)
    if process.writer.count > network.maxPayload {
      spill(message, of: process, to: destination, before)
    }
  }

  @usableFromInline @inline(never)
  mutating func spill(
    _ message: Machine.Message, of process: SimulatedProcess<Machine>, to destination: Destination,
    _ before: Int
  ) {
    let size = process.writer.count - before
    if before > 0 {
      let first = process.writer.withUnsafeBytes {
        Bytes(copying: UnsafeRawBufferPointer(rebasing: $0[..<before]))
      }
      post(first, of: process, to: destination)
    }
    process.writer.removeAll()
    if size > network.maxPayload {
      counts.tooLarge += 1
    } else {
      message.encode(into: &process.writer)
    }
  }

  /// One payload for all, and one for each who is written to alone.
  @inlinable
  mutating func sendJoined(_ process: SimulatedProcess<Machine>) {
    process.writer.removeAll()
    process.saysRareThing = process.ready.messages.contains { Subject.isRare($0.message) }
    for index in process.ready.messages.indices where process.ready.messages[index].to == .peers {
      add(process.ready.messages[index].message, of: process, to: .peers)
    }
    if !process.writer.isEmpty { post(process, to: .peers) }
    for peer in processes.indices where peer != process.index {
      let destination = Destination.voter(VoterID(UInt32(peer + 1)))
      process.writer.removeAll()
      for index in process.ready.messages.indices
      where process.ready.messages[index].to == destination {
        add(process.ready.messages[index].message, of: process, to: destination)
      }
      if !process.writer.isEmpty { post(process, to: destination) }
    }
  }

  /// Sends what the writer holds.
  @inlinable
  mutating func post(_ process: SimulatedProcess<Machine>, to destination: Destination) {
    post(process.writer.withUnsafeBytes { Bytes(copying: $0) }, of: process, to: destination)
  }

  @inlinable
  mutating func post(
    _ payload: Bytes, of process: SimulatedProcess<Machine>, to destination: Destination
  ) {
    let checksum = CRC32C.checksum(payload)
    switch destination {
    case .peers:
      for peer in process.peers where peer != process.index {
        post(payload, checksum, from: process, to: peer)
      }
    case .voter(let voter):
      let peer = Int(voter.rawValue) - 1
      guard processes.indices.contains(peer), peer != process.index else {
        return violate("it wrote to \(voter), who is nobody else", at: process.index)
      }
      post(payload, checksum, from: process, to: peer)
    }
  }

  @inlinable
  mutating func post(
    _ payload: Bytes, _ checksum: UInt32, from process: SimulatedProcess<Machine>, to peer: Int
  ) {
    if record != nil { tellSent(payload, from: process, to: peer) }
    network.send(
      payload, checksum: checksum, from: process.index, to: peer, life: process.life,
      identity: process.identity, store: store(of: peer, knownTo: process),
      isRare: process.saysRareThing, at: now, into: &queue)
  }

  /// A connection leads to the store that the sender knows; where it knows none yet, to whoever is
  /// there.
  @inlinable @inline(__always)
  func store(of peer: Int, knownTo process: SimulatedProcess<Machine>) -> StoreID {
    let present = processes[peer].identity.store
    #if PlantedBugs
      if knowsBlankVoters() { return present }
    #endif
    return process.pins[peer] ?? present
  }

  // MARK: Time

  /// Sets the timer for the machine's next deadline. One that is due too early is left alone: it
  /// fires, finds nothing due and is set again.
  @inlinable
  mutating func arm(_ process: SimulatedProcess<Machine>) {
    guard let deadline = process.machine.nextDeadline else { return }
    if let armed = process.armed, armed <= deadline { return }
    setTimer(process, deadline)
  }

  @usableFromInline
  mutating func setTimer(_ process: SimulatedProcess<Machine>, _ deadline: Ticks) {
    process.timerStamp &+= 1
    process.armed = deadline
    guard var time = process.clock.worldTime(of: deadline, from: now) else { return }
    if plan.faults.timerDelay > 0, settling == nil {
      time += processRandom.next() % plan.faults.timerDelay
    }
    queue.plan(
      WorldEvent(.timer, at: time, node: process.index, stamp: process.timerStamp))
  }
}

#if PlantedBugs
  @usableFromInline
  func knowsBlankVoters() -> Bool { PlantedBug.has(.blankRejoin) }
#endif
