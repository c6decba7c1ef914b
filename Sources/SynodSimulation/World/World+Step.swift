public import Synod

// One event after the other.
extension World {
  /// Handles the next event.
  /// - Returns: false where the run is over.
  @inlinable
  public mutating func step() -> Bool {
    guard !isOver, violation == nil else { return false }
    guard let event = queue.next() else {
      // Nothing will happen any more: what is open stays so.
      endLate()
      return false
    }
    precondition(event.time >= now, "time goes forward")
    eventsAtOnce = event.time == now ? eventsAtOnce + 1 : 0
    if event.time > now { subject.timeIs(event.time) }
    now = event.time
    events += 1
    hash.add(event.time)
    hash.add(UInt64(event.kind.rawValue) << 48 | UInt64(event.node) << 32 | UInt64(event.stamp))
    hash.add(event.value)
    handle(event)
    if eventsAtOnce > Self.mostAtOnce {
      violate("\(Self.mostAtOnce) events happened, and time stood still")
    }
    if settling != nil { settle() }
    return !isOver && violation == nil
  }

  /// Handles events until the run is over, or until `limit` of them are handled, and judges it.
  @inlinable
  public mutating func run(limit: UInt64 = .max, budget: Int = 200_000) -> RunReport {
    while events < limit, step() {}
    return report(budget: budget)
  }

  @inlinable
  mutating func handle(_ event: WorldEvent) {
    let node = Int(event.node)
    switch event.kind {
    case .delivery:
      guard let parcel = network.arrive(event.value, use: event.stamp) else { return }
      deliver(parcel)
    case .timer: if isCurrent(event, processes[node].timerStamp) { timerFired(node) }
    case .turn: if isCurrent(event) { endTurn(node) }
    case .lane: if isCurrent(event) { laneDone(node, StoreLane(rawValue: Int(event.value))) }
    case .news: if isCurrent(event) { hearStore(node) }
    case .client: clientAsks(Int(event.value), turn: event.stamp)
    case .patience: clientTires(Int(event.value), turn: event.stamp)
    case .cancel: if isCurrent(event) { cancel(ProposalID(event.value), at: node) }
    case .restart: restart(node)
    case .opened: if isCurrent(event) { begin(node) }
    case .resume: if isCurrent(event) { resume(node) }
    case .watcher: watcherActs(Int(event.value), turn: event.stamp)
    case .taken: if isCurrent(event) { take(EffectID(event.value), at: node) }
    case .siege: if isCurrent(event) { besiege(node) }
    case .cutOff: if isCurrent(event) { cutOff(node) }
    case .fault, .heal, .clock, .space, .disk, .relief, .deadline: handleFault(event)
    }
    if !network.lostNumbers.isEmpty { tellLost() }
  }

  /// More events than this at one time are a machine that asks for its timer again and again.
  @inlinable static var mostAtOnce: Int { 100_000 }

  @inlinable @inline(__always)
  func isCurrent(_ event: WorldEvent) -> Bool { event.stamp == processes[Int(event.node)].life }

  @inlinable @inline(__always)
  func isCurrent(_ event: WorldEvent, _ stamp: UInt32) -> Bool { event.stamp == stamp }
}
