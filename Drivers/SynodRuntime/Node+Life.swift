internal import Synchronization
public import Synod
public import UV

extension Node {
  /// Begins to listen and runs the loop on a thread of its own, until `stop()`.
  /// - Throws: `.transport` where it cannot listen (a port in use, say), `.system` where there is no
  ///   thread. The node is of no use any more then.
  @inlinable public func start() throws(NodeError) {
    try begin()
    try runOnThread { self.turnUntilStopped() }
  }

  /// Begins to listen and runs the loop on this thread, until the node is stopped.
  /// - Throws: as `start()`.
  @inlinable public func run() throws(NodeError) {
    try begin()
    turnUntilStopped()
  }

  /// Ends the node and waits for its end. From any task; safe to call twice, or before it started.
  public func stop() async {
    if requestStop() { await mailbox.waitForEnd() }
    thread.join()
  }

  /// Ends the node without waiting. From any thread; `join()` waits.
  /// - Returns: whether the node had not ended yet.
  @discardableResult
  public func requestStop() -> Bool {
    _ = mailbox.post(.stop)
    return mailbox.contents.withLock { $0.wakeup != nil && !$0.hasEnded }
  }

  /// Waits until the thread of `start()` has ended; blocks this one.
  public func join() { thread.join() }

  /// Runs `body` on the loop; from any thread.
  /// - Returns: false where the node has stopped: it is not run.
  @discardableResult
  @inlinable public func onLoop(_ body: @escaping @Sendable (Node) -> Void) -> Bool {
    mailbox.post(.call { body(self) })
  }

  // Callbacks do not own the node, or it would own itself; the loop's run does.
  @inlinable func begin() throws(NodeError) {
    do {
      let wakeup = try Wakeup(loop) { [unowned self] in self.collect() }
      self.wakeup = wakeup
      mailbox.open(wakeup)
    } catch {
      throw .system(error)
    }
    timer = Timer(loop) { [unowned self] in self.armed = nil }
    loop.atTurn = { [unowned self] in self.turn() }
    storage.start(
      StorageEvents(
        persisted: { [unowned self] in self.persisted(through: $0) },
        failed: { [unowned self] in self.storageFailed($0) },
        ready: {}))
    hot.pointee.isLowOnSpace = storage.isLowOnSpace
    tick()
    do {
      try transport.start(
        TransportEvents(
          received: { [unowned self] in self.receive($0, from: $1) },
          receivedOfGuest: { [unowned self] in self.receive($0, from: $1, isGuest: true) }))
    } catch {
      beginStop()
      turnUntilStopped()
      throw .transport(error)
    }
  }

  @usableFromInline
  func runOnThread(_ body: @escaping @Sendable () -> Void) throws(NodeError) {
    do {
      thread.hold(try runThread(name: "synod-node", body))
    } catch {
      beginStop()
      turnUntilStopped()
      throw .system(error)
    }
  }

  @inlinable func turnUntilStopped() {
    withExtendedLifetime(self) {
      loop.run()
      loop.close()
      dropHandlers()
      mailbox.end()
    }
  }

  /// A handler may hold the node, or a server that does.
  @inlinable func dropHandlers() {
    onCompletion = nil
    atEndOfTurn = nil
    onEffect = nil
    onStorageFailure = nil
    onStopping = nil
  }

  /// Answers every open proposal, then lets the storage and the transport end.
  @inlinable func beginStop() {
    guard !hot.pointee.isStopping else { return }
    onStopping?()
    propose()
    hot.pointee.isStopping = true
    let letters = mailbox.close()
    for letter in letters {
      if case .propose(_, _, _, let reply) = letter {
        reply.resume(returning: .failure(.stopped))
      }
    }
    tickBeforeInput()
    hot.pointee.core.cancel(Array(waiting.keys))
    while hot.pointee.core.hasReady { handOn() }
    for reply in waiting.values { reply.resume(returning: .failure(.stoppedMeanwhile)) }
    waiting = [:]
    outbox.send()
    storage.flush()
    transport.flush()
    timer?.close()
    openEnds = 2
    storage.close { self.endOne() }
    transport.close { self.endOne() }
    // Whoever posted it was told that it is run.
    for case .call(let body) in letters { body() }
  }

  @inlinable func endOne() {
    openEnds -= 1
    guard openEnds == 0 else { return }
    // Not at once: this may be within a call of `beginStop`, before the loop runs.
    loop.soon {
      self.wakeup?.close()
      self.loop.atTurn = nil
      self.loop.stop()
    }
  }
}

/// The thread of a node, joined by whoever waits.
final class ThreadSlot: Sendable {
  private let thread = Mutex<JoinableThread?>(nil)

  func hold(_ thread: JoinableThread) { self.thread.withLock { $0 = thread } }

  func join() {
    let thread = thread.withLock { $0 }
    thread?.join()
  }
}
