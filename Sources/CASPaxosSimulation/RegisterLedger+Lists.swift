internal import CASPaxos
internal import Synod

/// Lists of the registers.
extension RegisterLedger {
  /// The registers' names, by their numbers.
  var names: [Bytes] { keys.map(\.name) }

  /// The newest versions that clients were told of, by the numbers of the registers.
  var newest: [Version] { keys.map(\.told) }

  /// A machine asks for pages.
  mutating func listed(_ message: Message, by place: Int) {
    let ballot = message.ballot
    guard mayDraw(ballot, at: place) else { return }
    if let known = index.find(ballot) {
      if uses[known].key != Self.noKey { violate("\(ballot) names a list and a round") }
    } else {
      _ = enter(ballot, key: Self.noKey, isRead: true)
    }
    stores[place].drawn = max(stores[place].drawn, ballot.counter)
  }

  /// A page rests on durable state alone.
  mutating func page(_ message: Message, of place: Int) {
    let epoch = stores[place].members.configuration.epoch
    if message.ballot.epoch > epoch {
      return violate(
        "voter \(voter(at: place)) lists registers for \(message.ballot), and has adopted \(epoch)")
    }
    mayReply(message, at: place)
    guard let use = index.find(message.ballot), uses[use].key == Self.noKey else {
      return violate("voter \(voter(at: place)) answers \(message.ballot), which names no list")
    }
    guard let page = message.state.value.flatMap({ KeyPage(encoded: $0) }) else {
      return violate("voter \(voter(at: place)) sends a page that cannot be read")
    }
    for entry in page.entries {
      guard let key = numbers[entry.key], hasAccepted(entry.accepted, on: key, at: place) else {
        return violate(
          "voter \(voter(at: place)) lists \(entry.key) at \(entry.accepted), which is not durable")
      }
      if state(at: entry.accepted).map({ ($0.value != nil) != entry.hasValue }) ?? true {
        violate(
          "voter \(voter(at: place)) lists another state at \(entry.accepted) than was proposed")
      }
    }
  }

  /// A client was told that the register has, or has not, a value: it was so in a state that took
  /// effect and is no older than `version`. Of several that may be meant, the oldest is the least that
  /// can be held against what comes after.
  /// - Returns: false where there is none.
  mutating func told(_ key: Int, hasValue: Bool, since version: Version) -> Bool {
    var oldest: Version? = !hasValue && version == .zero ? .zero : nil
    for use in keys[key].proposed where uses[use].isSettled {
      let state = uses[use].state
      if state.version < version || (state.value != nil) != hasValue { continue }
      oldest = min(oldest ?? state.version, state.version)
    }
    guard let oldest else { return false }
    keys[key].told = max(keys[key].told, oldest)
    return true
  }
}
