public import Synod

// Inputs of the machines, as `Node` gives them: the time first, then whatever arrived.
extension World {
  @inlinable @inline(__always)
  func tickBeforeInput(_ process: SimulatedProcess<Machine>) {
    if process.hasTicked { return }
    process.hasTicked = true
    process.machine.tick(to: process.clock.ticks(at: now))
  }

  @inlinable
  mutating func deliver(_ parcel: Parcel) {
    let process = processes[Int(parcel.to)]
    hash.add(UInt64(parcel.checksum))
    guard process.isUp, !process.isStopping else { return drop(parcel, .nobody) }
    if process.isPaused { return hold(parcel, at: process) }
    guard admits(parcel, at: process) else { return }
    receive(parcel, at: process)
    inputTaken(Int(parcel.to))
  }

  /// Decodes what arrived: the codec is part of what is tried.
  @inlinable
  mutating func receive(_ parcel: Parcel, at process: SimulatedProcess<Machine>) {
    if record != nil { tellDelivered(parcel) }
    counts.delivered += 1
    tickBeforeInput(process)
    let sender = VoterID(UInt32(parcel.from) + 1)
    var reader = ByteReader(parcel.payload)
    do throws(CodingError) {
      while !reader.isAtEnd {
        let message = try Machine.Message(from: &reader)
        if process.isStoreBehind, Machine.asksToWrite(message) {
          counts.requestsDropped += 1
          continue
        }
        process.machine.receive(message, from: sender)
      }
    } catch {
      violate("what voter \(sender) sent is not a message: \(error)", at: process.index)
    }
  }

  /// The turn ends at once, or when the process has gathered inputs for a while.
  @inlinable
  mutating func inputTaken(_ node: Int) {
    if plan.turnTime == 0 { return endTurn(node) }
    let process = processes[node]
    guard !process.isTurnPlanned else { return }
    process.isTurnPlanned = true
    let end = now + processRandom.next() % (plan.turnTime + 1)
    queue.plan(WorldEvent(.turn, at: end, node: node, stamp: process.life))
  }

  @inlinable
  mutating func timerFired(_ node: Int) {
    let process = processes[node]
    process.armed = nil
    guard process.isUp, !process.isPaused else { return }
    inputTaken(node)
  }

  @inlinable
  mutating func hearStore(_ node: Int) {
    let process = processes[node]
    guard process.isUp, !process.isPaused else { return }
    tellNews(process)
    if process.isUp { inputTaken(node) }
  }

  @inlinable
  mutating func tellNews(_ process: SimulatedProcess<Machine>) {
    hearEvents(process)
    guard process.isUp, !process.isStopping, process.durable > process.told else { return }
    process.told = process.durable
    tickBeforeInput(process)
    process.machine.persisted(through: process.durable)
  }

  @usableFromInline
  mutating func cancel(_ id: ProposalID, at node: Int) {
    let process = processes[node]
    guard process.isUp, !process.isStopping, calls[Int(id.rawValue) - 1].state == .open
    else { return }
    if process.isPaused { return process.cancels.append(id) }
    counts.cancels += 1
    calls[Int(id.rawValue) - 1].isCancelled = true
    tickBeforeInput(process)
    process.machine.cancel(id)
    inputTaken(node)
  }

  // MARK: Who is listened to

  /// Whether a parcel comes of the store that its voter is known by, as a transport finds out before
  /// it lets anything in.
  @inlinable
  mutating func admits(_ parcel: Parcel, at process: SimulatedProcess<Machine>) -> Bool {
    let sender = Int(parcel.from)
    if process.met[sender] == parcel.life && parcel.store == process.identity.store { return true }
    return meet(parcel, at: process)
  }

  /// A life of a peer that this process did not hear last.
  @usableFromInline @inline(never)
  mutating func meet(_ parcel: Parcel, at process: SimulatedProcess<Machine>) -> Bool {
    let sender = Int(parcel.from)
    let voter = VoterID(UInt32(sender + 1))
    // Meant for the store that was here before: nobody had a connection to this one then.
    guard parcel.store == process.identity.store else {
      drop(parcel, .stranger)
      return false
    }
    guard let pinned = process.pins[sender] else {
      pin(voter, parcel, at: process)
      return false
    }
    #if PlantedBugs
      let isKnown = pinned == parcel.identity.store || PlantedBug.has(.blankRejoin)
    #else
      let isKnown = pinned == parcel.identity.store
    #endif
    guard isKnown else {
      drop(parcel, .stranger)
      return false
    }
    // What an old life said may arrive late.
    if parcel.life > process.met[sender] {
      process.met[sender] = parcel.life
      #if PlantedBugs
        // Whoever is taken for the old one is written to as well.
        process.pins[sender] = parcel.identity.store
      #endif
    }
    return true
  }

  /// Nothing of the peer counts before its store is pinned for good; what it said meanwhile waits.
  private mutating func pin(
    _ voter: VoterID, _ parcel: Parcel, at process: SimulatedProcess<Machine>
  ) {
    if process.waitingForPin.count >= Self.mostHeld { return drop(parcel, .crowded) }
    process.waitingForPin.append(parcel)
    guard let store = process.store else { return }
    if store.pinned(voter) == nil {
      store.pin(voter, parcel.identity.store, token: UInt64(parcel.from))
      pump(process)
    }
  }

  @usableFromInline
  mutating func hold(_ parcel: Parcel, at process: SimulatedProcess<Machine>) {
    if process.inbox.count >= Self.mostHeld { return drop(parcel, .crowded) }
    process.inbox.append(parcel)
  }

  @usableFromInline static var mostHeld: Int { 1024 }

  @usableFromInline
  mutating func drop(_ parcel: Parcel, _ reason: WorldCounts.Drop) {
    counts.drops[reason.rawValue] += 1
    if record != nil {
      tellDropped(parcel.number, TraceText("lost", [.init("because", reason.words)]))
    }
  }
}
