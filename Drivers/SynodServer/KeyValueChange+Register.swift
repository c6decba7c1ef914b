public import CASPaxos
public import KeyValue

/// Over registers, a change is made by the proposer.
extension KeyValueChange: Change {
  /// Decides what becomes of a register.
  public func apply(to current: Register) -> Decision<KeyValueReply, KeyValueRejection> {
    switch decide(on: current.value) {
    case .write(let value, let reply): .write(value, reply)
    case .keep(let reply): .keep(reply)
    case .reject(let why): .reject(why)
    }
  }
}

extension KeyValueRejection {
  /// The text of the error reply, as in Redis where Redis has it.
  var text: String {
    switch self {
    case .notAnInteger: "ERR value is not an integer or out of range"
    case .overflow: "ERR increment or decrement would overflow"
    case .tooLarge(let size, let limit):
      "ERR string exceeds maximum allowed size: \(size) bytes, the limit is \(limit) "
        + "(--max-value); nothing was changed"
    case .full(let limit):
      "OOM all keys and values together may take \(limit) bytes, and do; nothing was changed"
    case .cannotRemember:
      "ERR the reply of this command is too long to be kept; nothing was changed"
    case .longReply(let limit):
      "ERR the replies of one transaction may have \(limit) bytes: this one is left out, what it did is "
        + "done"
    case .forgotten:
      Answer.Failure.forgotten("the key no longer knows what became of an earlier attempt").text
    }
  }
}
