/// What is on its way to a node, and what would come of it.
extension ClusterWorld {
  @inline(__always)
  private func key(_ local: UInt32, _ mailbox: UInt32, _ done: UInt8) -> UInt64 {
    UInt64(local) << 36 | UInt64(mailbox) << 8 | UInt64(done)
  }

  // MARK: Sending

  /// - Returns: nodes to which something is on its way that was not, a bit for each.
  mutating func send(_ entry: ReactionTable.Entry, _ done: UInt8) -> UInt8 {
    var changed: UInt8 = 0
    for index in entry.sent {
      let sent = reactions.sent[index]
      changed |= send(sent.mailbox, to: Int(sent.to), done)
    }
    return changed
  }

  /// Only what is not dead is added; what is on its way already was looked at when the node came to be
  /// what it is.
  @inline(__always)
  mutating func send(_ mailbox: UInt32, to node: Int, _ done: UInt8) -> UInt8 {
    let live = prunes ? pruned(mailbox, at: words[node], done) : mailbox
    let before = words[nodes + node]
    let after = mailboxes.union(before, live)
    words[nodes + node] = after
    return after == before ? 0 : 1 << UInt8(node)
  }

  // MARK: Pruning

  mutating func pruneAll(_ done: UInt8) {
    for node in 0..<nodes { prune(node, done) }
  }

  /// Forgets the messages that can do nothing at this node any more.
  @inline(__always)
  mutating func prune(_ node: Int, _ done: UInt8) {
    if prunes { words[nodes + node] = pruned(words[nodes + node], at: words[node], done) }
  }

  @inline(__always)
  private mutating func pruned(_ mailbox: UInt32, at local: UInt32, _ done: UInt8) -> UInt32 {
    if mailbox == 0 { return 0 }
    let known = pruned[key(local, mailbox, done)]
    return known != PairMemo.none ? known : prune(mailbox, at: local, done)
  }

  @inline(never)
  private mutating func prune(_ mailbox: UInt32, at local: UInt32, _ done: UInt8) -> UInt32 {
    let messages = mailboxes[mailbox]
    let left = messages.filter { !isDead($0, at: local, done) }
    let result = left.count == messages.count ? mailbox : mailboxes.number(of: left)
    pruned.insert(result, for: key(local, mailbox, done))
    return result
  }

  private mutating func isDead(_ message: UInt32, at local: UInt32, _ done: UInt8) -> Bool {
    let key = key(local, message, done)
    let known = dead[key]
    if known != PairMemo.none { return known == 1 }
    let isDead = rules.isDead(message, local, done)
    dead.insert(isDead ? 1 : 0, for: key)
    return isDead
  }

  // MARK: Receiving

  /// What a mailbox holds for a node: answers, and reactions of other kinds, as places in `viewed`.
  struct View {
    fileprivate let bits: UInt32

    fileprivate init(bits: UInt32) { self.bits = bits }

    fileprivate init(first: Int, hasAnswers: Bool, isPure: Bool) {
      precondition(first < 1 << 30, "a world has fewer messages")
      bits = UInt32(first) << 2 | (hasAnswers ? 1 : 0) | (isPure ? 2 : 0)
    }

    fileprivate var first: Int { Int(bits >> 2) }
    var hasAnswers: Bool { bits & 1 != 0 }
    /// All answers leave at once and change nothing at the node: they are given together, as a
    /// mailbox for each node.
    var isPure: Bool { bits & 2 != 0 }
  }

  /// Where the numbers of the answers' reactions are, or, where they are pure, those of mailboxes.
  @inline(__always)
  func answers(in view: View) -> Range<Int> {
    let first = view.first &+ 2
    return first..<first &+ Int(viewed[view.first])
  }

  /// Where the numbers of other reactions are.
  @inline(__always)
  func moves(in view: View) -> Range<Int> {
    let first = view.first &+ 2 &+ Int(viewed[view.first])
    return first..<first &+ Int(viewed[view.first &+ 1])
  }

  @inline(__always)
  mutating func view(_ local: UInt32, _ mailbox: UInt32) -> View {
    let known = views[key(local, mailbox, 0)]
    return known != PairMemo.none ? View(bits: known) : look(local, mailbox)
  }

  @inline(never)
  private mutating func look(_ local: UInt32, _ mailbox: UInt32) -> View {
    var answers: [UInt32] = []
    var others: [UInt32] = []
    for message in mailboxes[mailbox] {
      if reduces && rules.mayWait(message, local) { continue }
      let reaction = reaction(to: .deliver(message), at: local)
      if reactions.isIdle(reaction, at: local) { continue }
      if reduces && reactions.entries[Int(reaction)].kind == .answer {
        answers.append(reaction)
      } else {
        others.append(reaction)
      }
    }
    let isPure = answers.allSatisfy { reactions.entries[Int($0)].local == local }
    let view = View(first: viewed.count, hasAnswers: !answers.isEmpty, isPure: isPure)
    if isPure && view.hasAnswers { answers = together(answers) }
    viewed.append(UInt32(answers.count))
    viewed.append(UInt32(others.count))
    for number in answers + others { viewed.append(number) }
    views.insert(view.bits, for: key(local, mailbox, 0))
    return view
  }

  /// All that these reactions send, by node.
  private mutating func together(_ answers: [UInt32]) -> [UInt32] {
    var all = [UInt32](repeating: 0, count: nodes)
    for answer in answers {
      for index in reactions.entries[Int(answer)].sent {
        let sent = reactions.sent[index]
        all[Int(sent.to)] = mailboxes.union(all[Int(sent.to)], sent.mailbox)
      }
    }
    return all
  }
}
