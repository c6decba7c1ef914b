/// Worlds that need not be looked at, since another shows all that they could. Each says why.
extension ClusterWorld {
  /// Delivers a message; a vote that decides nothing only together with those that follow until one
  /// does.
  ///
  /// Nothing but the deciding vote looks at those before it, and as no message is ever lost for good,
  /// they can come as late as just before it. So the worlds in between need not be looked at: of every
  /// run there is one in which all votes of a decision arrive together, with the same history.
  mutating func deliver(
    _ reaction: UInt32, at node: Int, _ done: UInt8, _ found: inout [State]
  ) {
    let entry = reactions.entries[Int(reaction)]
    guard reduces, entry.kind == .vote else { return make(reaction, at: node, done, &found) }
    let input = reactions.input(of: reaction)
    if moves != nil { path.append(Move(node: node, input: input)) }
    let local = base[node]
    base[node] = entry.local
    let view = view(entry.local, base[nodes + node])
    for index in moves(in: view) {
      let next = viewed[index]
      if reactions.entries[Int(next)].kind != .vote, commutes(next, with: input, at: local) {
        continue
      }
      deliver(next, at: node, done, &found)
    }
    base[node] = local
    if moves != nil { path.removeLast() }
  }

  /// Whether the message could as well have come before the vote, with the same result: then it does.
  private mutating func commutes(
    _ reaction: UInt32, with vote: LocalInput, at local: UInt32
  ) -> Bool {
    let after = reactions.entries[Int(reaction)]
    let before = entry(of: reactions.input(of: reaction), at: local)
    guard before.kind == .step, before.events == after.events,
      reactions.sends(before, asMuchAs: after)
    else { return false }
    let late = entry(of: vote, at: before.local)
    return late.kind == .vote && late.local == after.local
  }

  /// Gives all answers that change nothing but what is on its way, or will be.
  ///
  /// A world in which more is on its way can do all that it could do with less: what is not wanted may
  /// be late for ever. So only the world with all answers is looked at.
  ///
  /// - Parameter quiet: nodes that gave no new answer before the move, a bit for each: as long as
  /// nothing has come of it for them, they have none now.
  @inline(__always)
  mutating func close(_ done: UInt8, quiet: UInt8 = 0) {
    var quiet = quiet
    var node = 0
    var visits = 0
    while visits < nodes {
      visits += 1
      if quiet & 1 << UInt8(node) == 0 {
        let changed = answer(at: node, done)
        if changed != 0 {
          visits = 1
          quiet &= ~changed
        }
      }
      node = node + 1 == nodes ? 0 : node + 1
    }
  }

  /// Nodes of the base that have no new answer to give.
  mutating func quietNodes(_ done: UInt8) -> UInt8 {
    var quiet: UInt8 = 0
    words.words = base.words
    for node in 0..<nodes {
      if answer(at: node, done) == 0 {
        quiet |= 1 << UInt8(node)
      } else {
        words.words = base.words
      }
    }
    return quiet
  }

  /// - Returns: nodes that have changed with it, or what is on its way to them: a bit for each.
  private mutating func answer(at node: Int, _ done: UInt8) -> UInt8 {
    var changed = done & 1 << UInt8(node) != 0 ? persist(at: node, done) : 0
    let local = words[node]
    let view = view(local, words[nodes + node])
    if !view.hasAnswers { return changed }
    let answers = answers(in: view)
    if view.isPure {
      for (to, index) in answers.enumerated() where viewed[index] != 0 {
        changed |= send(viewed[index], to: to, done)
      }
      return changed
    }
    for index in answers {
      let entry = reactions.entries[Int(viewed[index])]
      words[node] = entry.local
      changed |= send(entry, done)
      // What is owed was found for the state before.
      if entry.local != local { return changed | 1 << UInt8(node) }
    }
    return changed
  }

  /// Where nothing crashes any more, a node that only answers has everything durable at once: then its
  /// answers are on their way sooner, which takes no run from the others, and the history knows at
  /// once what was accepted.
  private mutating func persist(at node: Int, _ done: UInt8) -> UInt8 {
    var changed: UInt8 = 0
    while localTraits[Int(words[node])].pending > 0, isCalm(words) {
      let entry = entry(of: .persist(count: 1), at: words[node])
      words[node] = entry.local
      if entry.events != 0, note(entry.events) { changed = .max }
      changed |= send(entry, done) | 1 << UInt8(node)
      prune(node, done)
    }
    return changed
  }

  // MARK: Symmetry

  /// Of all worlds in which interchangeable nodes have changed places, the one that comes first.
  mutating func canonicalise() {
    if swaps.isEmpty { return }
    var (turned, least) = (words.words, words.words)
    for (a, b) in swaps {
      turned = swapped(turned, a, b)
      if precedes(turned, least) { least = turned }
    }
    words.words = least
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
