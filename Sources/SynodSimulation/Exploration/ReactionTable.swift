/// What nodes make of inputs, once worked out.
struct ReactionTable {
  /// Small, since they are looked at in no order, and there are many.
  struct Entry: BitwiseCopyable {
    let local: UInt32
    let events: UInt32
    /// Where its messages are.
    private let first: UInt32
    private let count: UInt8
    let kind: LocalReaction.Kind
    /// Of the new state.
    let isDone: Bool

    init(_ reaction: LocalReaction, isDone: Bool, sent: Range<Int>) {
      local = reaction.local
      events = reaction.events
      first = UInt32(sent.lowerBound)
      count = UInt8(sent.count)
      kind = reaction.kind
      self.isDone = isDone
    }

    var sent: Range<Int> {
      @inline(__always) get { Int(first)..<Int(first) &+ Int(count) }
    }
  }

  /// What goes to one node.
  struct Sent: BitwiseCopyable, Equatable {
    let to: UInt32
    /// A set of messages.
    let mailbox: UInt32
  }

  private let memo = PairMemo()
  let entries = Column<Entry>()
  /// By reaction, what it answers to.
  private let inputs = Column<LocalInput>()
  let sent = Column<Sent>()

  var bytes: Int {
    memo.bytes + entries.bytes + inputs.bytes + sent.bytes
  }

  /// What a reaction answers to.
  func input(of reaction: UInt32) -> LocalInput { inputs[Int(reaction)] }

  @inline(__always)
  private static func key(_ input: LocalInput, _ local: UInt32) -> UInt64 {
    UInt64(local) << 32 | UInt64(input.number)
  }

  /// The number of a reaction that was worked out; `PairMemo.none` where it was not.
  @inline(__always)
  func number(of input: LocalInput, at local: UInt32) -> UInt32 { memo[Self.key(input, local)] }

  /// - Parameters:
  ///   - local: what the input comes to.
  ///   - isDone: whether the node is done afterwards.
  ///   - mailboxes: gives numbers to what is sent.
  func insert(
    _ reaction: LocalReaction, to input: LocalInput, at local: UInt32, isDone: Bool,
    _ mailboxes: inout Mailboxes
  ) -> UInt32 {
    let first = sent.count
    for to in Set(reaction.sent.map(\.to)).sorted() {
      let messages = Set(reaction.sent.filter { $0.to == to }.map(\.message))
      sent.append(Sent(to: UInt32(to), mailbox: mailboxes.number(of: messages.sorted())))
    }
    let number = UInt32(entries.count)
    entries.append(Entry(reaction, isDone: isDone, sent: first..<sent.count))
    inputs.append(input)
    memo.insert(number, for: Self.key(input, local))
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
