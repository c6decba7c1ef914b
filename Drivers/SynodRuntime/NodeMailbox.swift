public import Synchronization
public import Synod
public import UV

/// What other threads ask of a node: letters in a locked list, and one wake-up for the first of them.
/// The loop takes the whole list at once and leaves an empty one with its memory.
@usableFromInline
final class NodeMailbox<Machine: ConsensusMachine>: Sendable {
  @usableFromInline
  typealias Reply = UnsafeContinuation<Result<Machine.Completion, NodeError>, Never>

  @usableFromInline
  enum Letter: Sendable {
    case propose(Machine.Proposal, as: ProposalID, needsSpace: Bool, Reply)
    case cancel(ProposalID)
    case call(@Sendable () -> Void)
    case stop
  }

  @usableFromInline
  struct Contents: Sendable {
    @usableFromInline var letters: [Letter] = []
    @usableFromInline var isClosed = false
    @usableFromInline var hasEnded = false
    @usableFromInline var lastID: UInt64 = 0
    @usableFromInline var endWaiters: [UnsafeContinuation<Void, Never>] = []
    @usableFromInline var wakeup: Wakeup?

    @inlinable init() {}
  }

  @usableFromInline let contents: Mutex<Contents>

  /// Identities of the asynchronous face have this bit, those of a server on the loop do not.
  @inlinable static var asynchronousBit: UInt64 { 1 << 63 }

  @inlinable init() { contents = Mutex(Contents()) }

  @inlinable func nextID() -> ProposalID {
    contents.withLock { contents in
      contents.lastID += 1
      return ProposalID(contents.lastID | Self.asynchronousBit)
    }
  }

  /// Sets who is woken; what was posted before is not lost.
  @inlinable func open(_ wakeup: Wakeup) {
    let waits = contents.withLock { contents in
      contents.wakeup = wakeup
      return !contents.letters.isEmpty
    }
    if waits { wakeup.signal() }
  }

  /// Gives false where the node takes letters no more.
  @inlinable func post(_ letter: Letter) -> Bool {
    let (taken, wakeup): (Bool, Wakeup?) = contents.withLock { contents in
      guard !contents.isClosed else { return (false, nil) }
      contents.letters.append(letter)
      return (true, contents.letters.count == 1 ? contents.wakeup : nil)
    }
    wakeup?.signal()
    return taken
  }

  /// Takes everything that was posted, and leaves `letters`, emptied.
  @inlinable func exchange(_ letters: inout [Letter]) {
    letters.removeAll(keepingCapacity: true)
    var mine = letters
    letters = []
    contents.withLock { swap(&$0.letters, &mine) }
    letters = mine
  }

  /// Takes no more, and gives what was posted.
  @inlinable func close() -> [Letter] {
    contents.withLock { contents in
      contents.isClosed = true
      defer { contents.letters = [] }
      return contents.letters
    }
  }

  /// Says to all who wait that the node's loop is gone.
  @inlinable func end() {
    let waiters = contents.withLock { contents in
      contents.hasEnded = true
      contents.wakeup = nil
      defer { contents.endWaiters = [] }
      return contents.endWaiters
    }
    for waiter in waiters { waiter.resume() }
  }

  @inlinable func waitForEnd() async {
    await withUnsafeContinuation { (waiter: UnsafeContinuation<Void, Never>) in
      let hasEnded = contents.withLock { contents in
        if !contents.hasEnded { contents.endWaiters.append(waiter) }
        return contents.hasEnded
      }
      if hasEnded { waiter.resume() }
    }
  }
}
