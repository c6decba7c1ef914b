/// What nodes make of inputs, once worked out.
struct ReactionTable {
  /// Small, since they are looked at in no order, and there are many.
  struct Entry: BitwiseCopyable {
    var local: UInt32
    var events: UInt32
    /// Where its messages are.
    private var first: UInt32
    private var count: UInt16
    var kind: LocalReaction.Kind

    init(_ reaction: LocalReaction, sentFrom first: Int) {
      local = reaction.local
      events = reaction.events
      self.first = UInt32(first)
      count = UInt16(reaction.sent.count)
      kind = reaction.kind
    }

    var sent: Range<Int> { Int(first)..<Int(first) + Int(count) }
  }

  struct Sent: BitwiseCopyable, Equatable {
    var to: UInt32
    var message: UInt32
  }

  private let memo = PairMemo()
  let entries = Column<Entry>()
  /// By reaction, what it answers to.
  private var inputs: [LocalInput] = []
  let sent = Column<Sent>()

  var bytes: Int {
    memo.bytes + entries.bytes + inputs.count * MemoryLayout<LocalInput>.stride + sent.bytes
  }

  /// What a reaction answers to.
  func input(of reaction: UInt32) -> LocalInput { inputs[Int(reaction)] }

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
    entries.append(Entry(reaction, sentFrom: sent.count))
    inputs.append(input)
    for (to, message) in reaction.sent { sent.append(Sent(to: UInt32(to), message: message)) }
    memo.insert(number, for: key)
    return number
  }

  func sends(_ one: Entry, asMuchAs other: Entry) -> Bool {
    guard one.sent.count == other.sent.count else { return false }
    return zip(one.sent, other.sent).allSatisfy { sent[$0] == sent[$1] }
  }

  /// Whether the input changes nothing at all.
  func isIdle(_ number: UInt32, at local: UInt32) -> Bool {
    let entry = entries[Int(number)]
    return entry.local == local && entry.events == 0 && entry.sent.isEmpty
  }
}
