public import Synod

/// Asks, waits, and asks again.
@usableFromInline
struct SimulatedClient {
  /// Its name in the history. A client that lost an answer, or did not wait for it, goes on under
  /// another: nobody has two things open at once.
  @usableFromInline var name: Int
  /// What it waits for.
  @usableFromInline var open: UInt64?
  /// How often it asked: an impatience of an earlier time means nothing.
  @usableFromInline var turn: UInt32 = 0
}

/// A proposal, and what became of it.
@usableFromInline
struct SimulatedCall {
  @usableFromInline enum State: UInt8 { case open, ended, lost }
  /// The process, and the client; one that asks at the end of the run has the number -1, and
  /// watchers have those below.
  @usableFromInline var node: UInt16
  @usableFromInline var client: Int32
  @usableFromInline var state: State = .open
  /// It was given up by whoever asked.
  @usableFromInline var isCancelled = false
  /// By the clock of its process.
  @usableFromInline let deadline: Ticks?

  @usableFromInline
  init(node: Int, client: Int, deadline: Ticks?) {
    self.node = UInt16(node)
    self.client = Int32(client)
    self.deadline = deadline
  }
}
