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

  /// Whether the register may have been in a state with, or without, a value that is no older than
  /// `version`.
  func mayBeListed(_ key: Int, _ hasValue: Bool, since version: Version) -> Bool {
    if !hasValue && version == .zero { return true }
    return keys[key].proposed.contains {
      uses[$0].state.version >= version && (uses[$0].state.value != nil) == hasValue
    }
  }
}
