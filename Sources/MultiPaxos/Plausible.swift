internal import Synod

/// What no peer can come to say by the protocol. Peers are trusted; but one whose memory failed must not
/// use up what there is of ballots and slots, for everybody and for ever.
extension Core {
  /// By how much a counter may be above all that this node has seen: so many elections it cannot have
  /// missed.
  static var counterLeap: UInt64 { 1 << 40 }
  /// By how much a slot that was accepted may be above one that is chosen: more than any window.
  static var slotLeap: UInt64 { 1 << 20 }

  func isPlausible(_ message: Message) -> Bool {
    switch message {
    case .prepare(let ballot, _), .heartbeat(let ballot, _, _), .takeOver(let ballot, _),
      .release(let ballot, _):
      isPlausible(ballot)
    case .probed(_, _, let promised), .refused(_, let promised), .acknowledged(let promised, _):
      isPlausible(promised)
    case .accept(let accept): isPlausible(accept.ballot)
    case .promise(let promise):
      promise.accepted.allSatisfy { $0.slot <= promise.from.advanced(by: Self.slotLeap) }
    case .probe, .accepted, .echo, .fetch, .entries, .compacted, .fetchPiece, .piece, .forward,
      .notLeading, .askIndex, .index, .digest, .diverged, .returned, .askKnown, .known:
      true
    }
  }

  private func isPlausible(_ ballot: Ballot) -> Bool {
    ballot.counter <= max(highestSeen.counter, promised.counter) + Self.counterLeap
  }
}
