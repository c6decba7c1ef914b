import KeyValue
import RESP
import Synod

/// Over a log, commands are replicated whole and in the order of the connection.
extension Conversation {
  /// Bytes of one transaction, about.
  static let maxTransaction = 512 * 1024

  mutating func executeWhole(_ request: Request, _ host: some ConversationHost) {
    if lane?.transaction != nil { return queueInTransaction(request, host) }
    switch request {
    case .one(let key, let change):
      queue.glimpse.see(key)
      enqueue(.change(change, of: key), Claim(change))
    case .once(let once, let key, let change):
      queue.glimpse.see(key)
      enqueue(.once(change, of: key, once), Claim(change, once))
    case .each(let change, let keys, let combination):
      queue.glimpse.see(parser.argument(keys.lowerBound))
      let step = Self.step(change, keys.map { parser.bytes($0) })
      // The elements of an array have a place each, since all of them together may be large.
      let slots = combination == .array ? keys.count : 1
      enqueue(step, Claim(change), slots: slots, combination)
    case .steps(let step): enqueue(step, step.isReadOnly ? .readOnly : .writes)
    case .fence(let key, .forget(let client, let sequence)):
      enqueue(.forget(client, through: sequence, of: key), .writes)
    case .fence: answer(.failure(.refused(Self.nothingToSettle)))
    case .walk(.count, _): enqueue(.size, .readOnly)
    case .walk(.flush, _): enqueue(.deleteAll, .writes)
    case .walk, .members, .connection, .invalid, .foreign: execute(request, host)
    }
  }

  static let nothingToSettle =
    "ERR over a log SYNOD.SETTLE settles nothing: a change that was given up may come later; use "
    + "SYNOD.ONCE"

  private static func step(_ change: KeyValueChange, _ keys: [Bytes]) -> KeyValueStep {
    switch change.kind {
    case .exists: .count(keys)
    case .delete: .delete(keys)
    case .get, .length, .getAndDelete, .set, .setIfMissing, .append, .add, .compareAndSet:
      .get(keys)
    }
  }

  private mutating func enqueue(
    _ step: KeyValueStep, _ claim: Claim, slots: Int = 1,
    _ combination: Request.Combination = .sum, kind: CommandLane.Item.Kind = .plain
  ) {
    let number = queue.next
    let weight = weight
    queue.appendWaiting(keys: slots, combination, claim, cost: weight, version)
    lane?.append(
      .init(
        steps: [step], number: number, slots: slots, claim: claim, kind: kind, weight: weight))
  }

  /// Proposes what waits, where nothing is under way.
  mutating func sendCommands(_ host: some ConversationHost) {
    while let next = lane?.next() {
      switch next {
      case .refuse(let item):
        queue.answer(
          item.number,
          with: .failure(.refused("EXECABORT what was watched could not be; nothing was changed")))
      case .propose(let command, let number):
        guard let end = host.propose(command, as: number) else { return }
        fail(lane?.takeUnderWay() ?? [], end)
      }
    }
  }

  private mutating func answer(_ item: CommandLane.Item, with answer: Answer) {
    for slot in 0..<UInt64(item.slots) { queue.answer(item.number + slot, with: answer) }
    if case .watch(let keys) = item.kind { lane?.watch(keys, nil) }
  }

  /// They were not made, or may not have been: what that means depends on each.
  private mutating func fail(_ items: [CommandLane.Item], _ end: CommandEnd) {
    for item in items {
      if let failure = end.failure(item.claim) { answer(item, with: .failure(failure)) }
    }
  }

  // MARK: - Answered

  /// Ends the command of this number, and those that went with it.
  mutating func complete(_ number: UInt64, _ end: CommandEnd) {
    if walk?.number == number { return advanceWalk(end) }
    guard lane?.underWay.first?.number == number, let items = lane?.takeUnderWay() else { return }
    guard case .outcome(let outcome) = end else { return fail(items, end) }
    switch outcome {
    case .one(let reply): for item in items { complete(item, reply) }
    case .several(let replies):
      if case .transaction = items[0].kind {
        return queue.answer(number, with: .reply(.array(Self.shortened(replies))))
      }
      for (item, reply) in zip(items, replies) { complete(item, reply) }
    case .guardFailed: for item in items { answer(item, with: .nothing) }
    case .listed: preconditionFailure("a list is answered by the walk that asked for it")
    }
  }

  /// Bytes of the replies of one transaction.
  static let longestReply = 16 << 20

  /// All replies of a transaction are written at once: those that make them too long are left out.
  private static func shortened(_ replies: [KeyValueReply]) -> [KeyValueReply] {
    var bytes = 0
    return replies.map { reply in
      guard bytes + reply.size <= longestReply else {
        return .refused(.longReply(limit: longestReply))
      }
      bytes += reply.size
      return reply
    }
  }

  private mutating func complete(_ item: CommandLane.Item, _ reply: KeyValueReply) {
    if case .integer(let length) = reply, item.isAppend { lane?.noteAppended(length) }
    switch (item.kind, reply) {
    case (.watch(let keys), _):
      lane?.watch(keys, reply)
      queue.answer(item.number, with: .reply(.ok))
    case (_, .refused(let why)): answer(item, with: .failure(why.failure))
    case (_, .array(let replies)) where item.slots == replies.count && item.slots > 1:
      for (slot, reply) in replies.enumerated() {
        queue.answer(item.number + UInt64(slot), with: .reply(reply))
      }
    // One element of an array that its place in the queue writes.
    case (_, .array(let replies)) where item.steps.first?.isGet ?? false && replies.count == 1:
      queue.answer(item.number, with: .reply(replies[0]))
    case (_, _): queue.answer(item.number, with: .reply(reply))
    }
  }

  mutating func advanceWalk(_ end: CommandEnd) {
    switch end {
    case .outcome(.listed(let page)): if let step = walk?.walk.take(page) { walk?.step = step }
    case .outcome(.one), .outcome(.several), .outcome(.guardFailed):
      preconditionFailure("a walk asks for lists")
    case .refused, .notApplied, .unknown:
      guard let why = end.failure(walk?.walk.claim ?? .readOnly) else { return }
      if let step = walk?.walk.fail(why, ofDelete: false) { walk?.step = step }
    }
  }
}

extension Answer {
  /// Bytes of the values in it.
  var size: Int { if case .reply(let reply) = self { reply.size } else { 0 } }
}

extension KeyValueReply {
  /// Bytes of the values in it.
  fileprivate var size: Int {
    switch self {
    case .ok, .null, .integer, .refused: 0
    case .value(let value): value.count
    case .array(let replies): replies.reduce(0) { $0 + $1.size }
    }
  }
}

extension KeyValueStep {
  fileprivate var isGet: Bool { if case .get = self { true } else { false } }
}

extension KeyValueRejection {
  /// What a client is told.
  var failure: Answer.Failure {
    self == .forgotten
      ? .forgotten("the key no longer knows what became of an earlier attempt") : .refused(text)
  }
}
