public import Synod

// Processes begin, end, stand still and come back.
extension World {
  /// Ends a process. It comes back after a while, where `back` says so.
  @usableFromInline
  mutating func crash(_ node: Int, isPowerCut: Bool, back: Bool = true) {
    let process = processes[node]
    guard process.isUp else { return }
    counts.crashes += 1
    if record != nil {
      tell(.crashed, of: node, TraceText(isPowerCut ? "power cut" : "killed"))
    }
    let open = process.open
    process.forget()
    process.life = 0
    for id in open { lose(id) }
    process.store.crash()
    process.pending.removeAll(keepingCapacity: true)
    process.firstPending = 0
    if back { restartLater(node) }
  }

  @usableFromInline
  mutating func restartLater(_ node: Int) {
    let mean: UInt64 = settling == nil ? 30_000 : 2_000
    let time = now + 100 + faultRandom.exponential(mean: mean)
    queue.plan(WorldEvent(.restart, at: time, node: node))
  }

  @inlinable
  mutating func restart(_ node: Int, stamp: UInt32) {
    let process = processes[node]
    guard !process.isUp, !process.isRetired, !process.isGone else { return }
    lastLife += 1
    let isFirst = process.lives == 0
    process.lives += 1
    process.life = lastLife
    process.machine = Machine(subject.settings(of: process.voter))
    process.clock = drawClockOfLife()
    guard recover(process) else { return }
    process.isUp = true
    process.identity = process.store.identity
    if !isFirst { counts.restarts += 1 }
    if record != nil { tell(.restarted, of: node, TraceText(isFirst ? "starts" : "restarts")) }
    if let what = subject.recovered(process.machine, as: process.voter) {
      return violate(what, at: node)
    }
    tickBeforeInput(process)
    inputTaken(node)
  }

  @usableFromInline
  mutating func drawClockOfLife() -> SimulatedClock { drawClock() }

  /// Gives the machine back what its store holds; false where it holds what cannot be.
  @inlinable
  mutating func recover(_ process: SimulatedProcess<Machine>) -> Bool {
    for payload in process.store.payloads {
      guard restore(payload, into: process) else { return false }
    }
    return true
  }

  @inlinable
  mutating func restore(_ payload: Bytes, into process: SimulatedProcess<Machine>) -> Bool {
    var reader = ByteReader(payload)
    do {
      while !reader.isAtEnd {
        try process.machine.restore(Machine.Record(from: &reader))
      }
      return true
    } catch {
      violate("its own records are not what it can be made of: \(error)", at: process.index)
      return false
    }
  }

  @usableFromInline
  mutating func pause(_ node: Int, for duration: UInt64?) {
    let process = processes[node]
    guard process.isUp, !process.isPaused else { return }
    process.isPaused = true
    if record != nil { tell(.paused, of: node, TraceText("paused")) }
    guard let duration else { return }
    queue.plan(WorldEvent(.resume, at: now + duration, node: node, stamp: process.life))
  }

  /// Goes on: everything that came meanwhile is one turn's input, and timers are late.
  @inlinable
  mutating func resume(_ node: Int) {
    let process = processes[node]
    guard process.isUp, process.isPaused else { return }
    process.isPaused = false
    process.hasTicked = false
    if record != nil { tell(.resumed, of: node, TraceText("goes on")) }
    tickBeforeInput(process)
    tellNews(process)
    let inbox = process.inbox
    process.inbox.removeAll()
    for parcel in inbox where admits(parcel, at: process) { receive(parcel, at: process) }
    let letters = process.letters
    process.letters.removeAll()
    for letter in letters { process.machine.propose(letter.proposal, as: letter.id) }
    inputTaken(node)
  }
}
