internal import CASPaxos
internal import Synod

/// A client that wants each of its changes made once, and asks again, through whichever node, until
/// it is told (rule 24). It has one attempt under way at a time.
struct Retrier<C: Change>: Sendable {
  /// What it wants.
  struct Wish: Sendable {
    let key: Bytes
    let change: C
    let sequence: UInt64
    /// The attempt that is under way.
    var open: ProposalID?
    /// An attempt before may have had its effect.
    var mayBeIn = false
    /// Its attempts, by the places of their calls.
    var calls: [Int] = []
  }

  let identity: Identity128
  /// Of the last wish.
  var sequence: UInt64 = 0
  /// Nil where it was told what became of the last one, or does not want to know.
  var wish: Wish?

  /// The next attempt; nil where there is nothing to ask for, or one is under way.
  var attempt: Proposal<C>? {
    guard let wish, wish.open == nil else { return nil }
    return Proposal(
      key: wish.key, operation: .change(wish.change),
      once: Once(identity, wish.sequence, isRetry: wish.mayBeIn))
  }
}
