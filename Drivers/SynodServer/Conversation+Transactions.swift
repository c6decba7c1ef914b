import KeyValue
import RESP
import Synod

/// `MULTI`, `EXEC`, `DISCARD`, `WATCH` and `UNWATCH`: as in Redis, but that what is watched is compared by
/// its version, where the transaction takes effect.
extension Conversation {
  mutating func runTransaction(_ command: Command) {
    if command == .multi { return beginTransaction() }
    if command == .discard { return discardTransaction() }
    if command == .exec { return executeTransaction() }
    if command == .watch { return watchKeys() }
    lane?.unwatch()
    answer { $0.simple("OK" as StaticString) }
  }

  private mutating func beginTransaction() {
    guard lane?.transaction == nil else {
      return breakTransaction("ERR MULTI calls can not be nested")
    }
    lane?.transaction = CommandLane.Transaction()
    answer { $0.simple("OK" as StaticString) }
  }

  private mutating func discardTransaction() {
    guard lane?.transaction != nil else { return refuse("ERR DISCARD without MULTI") }
    lane?.reset()
    answer { $0.simple("OK" as StaticString) }
  }

  private mutating func watchKeys() {
    guard lane?.transaction == nil else { return refuse("ERR WATCH inside MULTI is not allowed") }
    let keys = (1..<parser.argumentCount).map { parser.bytes($0) }
    if let long = keys.first(where: { $0.count > limits.values.maxKey }) {
      return refuse(limits.values.keyTooLong(long.count))
    }
    let number = queue.next
    let weight = weight
    queue.appendWaiting(keys: 1, .sum, .readOnly, cost: weight, version)
    lane?.append(
      .init(
        steps: [.versions(keys)], number: number, claim: .readOnly, kind: .watch(keys),
        weight: weight))
  }

  /// A command of a transaction was refused: so will the transaction be.
  mutating func breakTransaction(_ error: String) {
    lane?.transaction?.isBroken = true
    refuse(error)
  }

  mutating func queueInTransaction(_ request: Request, _ host: some ConversationHost) {
    switch request {
    case .one(let key, let change): queueStep(.change(change, of: key))
    case .once(let once, let key, let change): queueStep(.once(change, of: key, once))
    case .each(let change, let keys, let combination):
      let names = keys.map { parser.bytes($0) }
      queueStep(
        combination == .array
          ? .get(names) : change.kind == .exists ? .count(names) : .delete(names))
    case .steps(let step): queueStep(step)
    case .fence(let key, .forget(let client, let sequence)):
      queueStep(.forget(client, through: sequence, of: key))
    case .walk(.count, _): queueStep(.size)
    case .walk(.flush, _): queueStep(.deleteAll)
    case .invalid(let error): breakTransaction(error)
    case .connection(.multi), .connection(.exec), .connection(.discard), .connection(.watch),
      .connection(.quit), .connection(.reset), .foreign:
      execute(request, host)
    case .connection, .walk, .fence, .members:
      breakTransaction("ERR this command is not allowed inside a transaction")
    }
  }

  private mutating func queueStep(_ step: KeyValueStep) {
    let weight = weight
    guard (lane?.transaction?.weight ?? 0) + weight <= Self.maxTransaction else {
      return breakTransaction(
        "ERR a transaction may have \(Self.maxTransaction) bytes; nothing was changed")
    }
    lane?.transaction?.steps.append(step)
    lane?.transaction?.weight += weight
    answer { $0.simple("QUEUED" as StaticString) }
  }

  private mutating func executeTransaction() {
    guard let transaction = lane?.transaction else { return refuse("ERR EXEC without MULTI") }
    lane?.transaction = nil
    guard !transaction.isBroken else {
      lane?.unwatch()
      return refuse("EXECABORT Transaction discarded because of previous errors.")
    }
    let number = queue.next
    let claim = transaction.claim
    let weight = transaction.weight + 64
    queue.appendWaiting(keys: 1, .sum, claim, cost: weight, version)
    lane?.append(
      .init(
        steps: transaction.steps, number: number, claim: claim, kind: .transaction, weight: weight))
  }
}
