/// Worlds that need not be looked at, since another shows all that they could. Each says why.
extension ClusterWorld {
  /// Delivers a message; a vote that decides nothing only together with those that follow until one
  /// does.
  ///
  /// Nothing but the deciding vote looks at those before it, and as no message is ever lost for good,
  /// they can come as late as just before it. So the worlds in between need not be looked at: of every
  /// run there is one in which all votes of a decision arrive together, with the same history.
  mutating func deliver(
    _ reaction: UInt32, at node: Int, _ state: State, _ done: UInt8, _ found: inout [State]
  ) {
    let entry = reactions.entries[Int(reaction)]
    guard reduces, entry.kind == .vote else {
      return make(reaction, at: node, state, done, &found)
    }
    let input = reactions.input(of: reaction)
    path.append(Move(node: node, input: input))
    defer { path.removeLast() }
    let local = state.words[node]
    var counted = state
    counted.words[node] = entry.local
    let view = view(entry.local, state.words[nodes + node])
    for index in moves(in: view) {
      let next = viewed[index]
      if reactions.entries[Int(next)].kind != .vote, commutes(next, with: input, at: local) {
        continue
      }
      deliver(next, at: node, counted, done, &found)
    }
  }

  /// Whether the message could as well have come before the vote, with the same result: then it does.
  private mutating func commutes(
    _ reaction: UInt32, with vote: LocalInput, at local: UInt32
  ) -> Bool {
    let after = reactions.entries[Int(reaction)]
    let sooner = reactions.number(of: reactions.input(of: reaction), at: local, rules)
    let before = reactions.entries[Int(sooner)]
    guard before.kind == .step, before.events == after.events,
      reactions.sends(before, asMuchAs: after)
    else { return false }
    let late = reactions.number(of: vote, at: before.local, rules)
    return reactions.entries[Int(late)].kind == .vote
      && reactions.entries[Int(late)].local == after.local
  }

  /// Gives all answers that change nothing but what is on its way, or will be.
  ///
  /// A world in which more is on its way can do all that it could do with less: what is not wanted may
  /// be late for ever. So only the world with all answers is looked at.
  ///
  /// - Parameter quiet: nodes that gave no new answer before the move, a bit for each: as long as
  /// nothing has come of it for them, they have none now.
  mutating func close(_ words: inout Words, _ done: UInt8, quiet: UInt8 = 0) {
    var quiet = quiet
    var node = 0
    var visits = 0
    while visits < nodes {
      visits += 1
      if quiet & 1 << UInt8(node) == 0 {
        let before = words
        answer(at: node, &words, done)
        if words != before {
          visits = 1
          quiet &= ~changes(before, words)
        }
      }
      node = node + 1 == nodes ? 0 : node + 1
    }
  }

  /// Nodes that differ, or what is on its way to them.
  func changes(_ before: Words, _ after: Words) -> UInt8 {
    var changed: UInt8 = 0
    for node in 0..<nodes
    where before[node] != after[node] || before[nodes + node] != after[nodes + node] {
      changed |= 1 << UInt8(node)
    }
    return changed
  }

  /// Nodes that have no new answer to give.
  mutating func quietNodes(_ words: Words, _ done: UInt8) -> UInt8 {
    var quiet: UInt8 = 0
    for node in 0..<nodes {
      var same = words
      answer(at: node, &same, done)
      if same == words { quiet |= 1 << UInt8(node) }
    }
    return quiet
  }

  private mutating func answer(at node: Int, _ words: inout Words, _ done: UInt8) {
    if done & 1 << UInt8(node) != 0 { persist(at: node, &words, done) }
    let view = view(words[node], words[nodes + node])
    for index in answers(in: view) {
      let entry = reactions.entries[Int(viewed[index])]
      let isOld = entry.local == words[node]
      words[node] = entry.local
      send(entry, &words, done)
      // What is owed was found for the state before.
      if !isOld { return learn(words) }
    }
  }

  /// Where nothing crashes any more, a node that only answers has everything durable at once: then its
  /// answers are on their way sooner, which takes no run from the others, and the history knows at
  /// once what was accepted.
  private mutating func persist(at node: Int, _ words: inout Words, _ done: UInt8) {
    while localTraits[Int(words[node])].pending > 0,
      !ledgerTraits[Int(words[2 * nodes])].mayCrash, !ledgerTraits[Int(words[2 * nodes])].mayFail
    {
      let reaction = reactions.number(of: .persist(count: 1), at: words[node], rules)
      let entry = reactions.entries[Int(reaction)]
      words[node] = entry.local
      var touched: UInt8 = 0
      if entry.events != 0 { note(entry.events, in: &words, &touched) }
      send(entry, &words, done)
      learn(words)
      if prunes { words[nodes + node] = prune(words[node], words[nodes + node], done) }
    }
  }

  private mutating func send(_ entry: ReactionTable.Entry, _ words: inout Words, _ done: UInt8) {
    for index in entry.sent {
      let sent = reactions.sent[index]
      let to = Int(sent.to)
      let mailbox = mailboxes.add(sent.message, to: words[nodes + to])
      if mailbox == words[nodes + to] { continue }
      words[nodes + to] = prunes ? prune(words[to], mailbox, done) : mailbox
    }
  }

  // MARK: Symmetry

  /// Of all worlds in which interchangeable nodes have changed places, the one that comes first.
  mutating func canonicalise(_ words: inout Words) {
    if swaps.isEmpty { return }
    var least = words
    for (a, b) in swaps {
      words = swapped(words, a, b)
      if precedes(words, least) { least = words }
    }
    words = least
  }

  private func precedes(_ a: Words, _ b: Words) -> Bool {
    for lane in 0..<(2 * nodes + 1) where a[lane] != b[lane] { return a[lane] < b[lane] }
    return false
  }

  private mutating func swapped(_ words: Words, _ a: Int, _ b: Int) -> Words {
    var result = words
    for node in 0..<nodes {
      let to = node == a ? b : node == b ? a : node
      result[to] = swapped(words[node], .local, a, b)
      result[nodes + to] = swapped(words[nodes + node], .mailbox, a, b)
    }
    result[2 * nodes] = swapped(words[2 * nodes], .ledger, a, b)
    learn(result)
    return result
  }

  private mutating func swapped(_ number: UInt32, _ part: ClusterPart, _ a: Int, _ b: Int) -> UInt32
  {
    let key = UInt64(number) << 32 | part.rawValue << 16 | UInt64(a) << 8 | UInt64(b)
    let known = exchanged[key]
    if known != PairMemo.none { return known }
    let result =
      part == .mailbox
      ? mailboxes.number(of: mailboxes[number].map { rules.swap(.message, $0, a, b) }.sorted())
      : rules.swap(part, number, a, b)
    exchanged.insert(result, for: key)
    return result
  }

  /// Swaps of neighbours that, one after the other, lead through every order (Steinhaus, Johnson and
  /// Trotter).
  static func swaps(of nodes: [Int]) -> [(Int, Int)] {
    var orders: [[Int]] = [[]]
    for element in nodes.indices {
      var longer: [[Int]] = []
      for (index, order) in orders.enumerated() {
        let places = Array(0...order.count)
        for place in index % 2 == 0 ? places.reversed() : places {
          var next = order
          next.insert(element, at: place)
          longer.append(next)
        }
      }
      orders = longer
    }
    return zip(orders, orders.dropFirst()).map { before, after in
      let place = before.indices.first { before[$0] != after[$0] } ?? 0
      return (nodes[place], nodes[place + 1])
    }
  }
}
