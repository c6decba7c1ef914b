/// What nodes make of inputs, once worked out.
struct ReactionTable {
  struct Entry {
    var kind: LocalReaction.Kind
    var local: UInt32
    var events: UInt32
    /// Where its messages are.
    var sent: Int
    var sentCount: Int
    /// What it answers to.
    var input: LocalInput
  }

  private let memo = PairMemo()
  private(set) var entries: [Entry] = []
  /// Node and message.
  private(set) var sent: [(to: Int, message: UInt32)] = []

  var bytes: Int {
    memo.bytes + entries.count * MemoryLayout<Entry>.stride + sent.count * 16
  }

  @inline(__always)
  mutating func number(
    of input: LocalInput, at local: UInt32, _ rules: ClusterRules
  ) -> UInt32 {
    let key = UInt64(local) << 32 | UInt64(input.number)
    let known = memo[key]
    if known != PairMemo.none { return known }
    return work(out: input, local, rules, key)
  }

  @inline(never)
  private mutating func work(
    out input: LocalInput, _ local: UInt32, _ rules: ClusterRules, _ key: UInt64
  ) -> UInt32 {
    let reaction = rules.react(local, input)
    let number = UInt32(entries.count)
    entries.append(
      Entry(
        kind: reaction.kind, local: reaction.local, events: reaction.events, sent: sent.count,
        sentCount: reaction.sent.count, input: input))
    sent.append(contentsOf: reaction.sent)
    memo.insert(number, for: key)
    return number
  }

  func sends(_ one: Entry, asMuchAs other: Entry) -> Bool {
    guard one.sentCount == other.sentCount else { return false }
    return (0..<one.sentCount).allSatisfy { sent[one.sent + $0] == sent[other.sent + $0] }
  }

  /// Whether the input changes nothing at all.
  func isIdle(_ number: UInt32, at local: UInt32) -> Bool {
    let entry = entries[Int(number)]
    return entry.local == local && entry.events == 0 && entry.sentCount == 0
  }
}
