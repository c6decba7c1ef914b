import CASPaxos
import KeyValue
import Synod

/// Commands that go through the keys: one at a time, alone on its connection, so that it sees what the
/// commands before it have written.
extension Conversation {
  struct OpenWalk {
    var walk: KeyWalk
    /// Its place in the queue.
    var number: UInt64
    /// What is to be done as soon as everything before it has been answered.
    var step: KeyWalk.Step
  }

  /// Whether the walk can go on.
  var walkIsDue: Bool {
    guard let open = walk, queue.first == open.number else { return false }
    if case .wait = open.step { return false }
    return true
  }

  mutating func begin(_ walk: KeyWalk) {
    self.walk = OpenWalk(walk: walk, number: queue.next, step: walk.first)
    queue.appendWaiting(
      keys: 1, .sum, walk.claim, cost: weight, version)
  }

  /// A proposal of the walk has ended.
  mutating func advanceWalk(_ outcome: Outcome<KeyValueChange>) {
    if let step = walk?.walk.take(outcome) { walk?.step = step }
  }

  mutating func goOnWithWalk(_ host: some ConversationHost) {
    while walkIsDue, let open = walk {
      walk?.step = .wait
      switch open.step {
      case .wait: return
      case .match:
        guard let step = walk?.walk.match() else { return }
        walk?.step = step
        if case .match = step { return }
      case .answer(let answer):
        queue.answer(open.number, with: answer)
        walk = nil
      case .list(let after, let limit):
        if lane != nil {
          let list = KeyValueCommand.one(.list(after: after, limit: limit))
          if let end = host.propose(list, as: open.number) { advanceWalk(end) }
        } else if let refused = host.propose(
          .list(after: after, limit: limit), once: nil, of: Bytes(), as: open.number)
        {
          failWalk(refused, ofDelete: false)
        }
      case .delete(let keys):
        for key in keys {
          if let refused = host.propose(
            .change(.delete), once: nil, of: key, as: open.number)
          {
            failWalk(refused, ofDelete: true)
          }
        }
      }
    }
  }

  private mutating func failWalk(_ answer: Answer, ofDelete: Bool) {
    guard case .failure(let why) = answer, let step = walk?.walk.fail(why, ofDelete: ofDelete)
    else { return }
    walk?.step = step
  }
}
