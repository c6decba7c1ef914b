/// A few nodes, a network that keeps every message for ever, and stores that acknowledge when they
/// like: a world in as few numbers as `Words` has lanes.
struct ClusterWorld<Words: SIMD>: ExplorableWorld where Words.Scalar == UInt32 {
  /// By lanes: the nodes' states, the messages on their way to each node, the ledger.
  struct State: Hashable {
    var words: Words
  }

  /// Something that can happen.
  struct Move {
    var node: Int
    var input: LocalInput
  }

  let rules: ClusterRules
  let nodes: Int
  let prunes: Bool
  let reduces: Bool
  private(set) var start = State(words: Words())
  var reactions = ReactionTable()
  var mailboxes = Mailboxes()
  private let ledgers = PairMemo()
  private let pruned = PairMemo()
  private let dead = PairMemo()
  /// By number, kind of number and two nodes: the number with these in each other's place.
  let exchanged = PairMemo()
  let swaps: [(Int, Int)]
  /// By node's state and mailbox: where in `viewed` the reactions to its messages are, and whether any
  /// of them is an answer.
  private let views = PairMemo()
  let viewed = Column<UInt32>()
  let localTraits = Column<LocalTraits>()
  let ledgerTraits = Column<LedgerTraits>()
  /// Of the state whose successors are asked for: see `close`.
  private var quiet: UInt8 = 0
  /// While a move is to be described.
  private var moves: [[Move]]?
  /// Votes that are counted together with the move that is being made.
  var path: [Move] = []

  /// - Parameters:
  ///   - prunes: leaves out messages that can do nothing any more; without it, every message
  ///   is kept and delivered, which only tests want.
  ///   - reduces: leaves out worlds that show nothing which others do not show.
  init(_ rules: ClusterRules, prunes: Bool = true, reduces: Bool = true) {
    precondition(rules.nodes * 2 + 1 <= Words.scalarCount)
    self.rules = rules
    self.prunes = prunes
    self.reduces = reduces
    nodes = rules.nodes
    swaps = reduces ? Self.swaps(of: rules.interchangeable) : []
    let (locals, letters, ledger) = rules.begin()
    for (node, local) in locals.enumerated() {
      start.words[node] = local
      start.words[nodes + node] = mailboxes.number(of: Set(letters[node]).sorted())
    }
    start.words[2 * nodes] = ledger
    learn(start.words)
    var words = start.words
    let done = doneNodes(words)
    tell(done, &words)
    if prunes {
      for node in 0..<nodes { words[nodes + node] = prune(words[node], words[nodes + node], done) }
    }
    if reduces { close(&words, doneNodes(words)) }
    canonicalise(&words)
    start.words = words
  }

  var bytes: Int {
    reactions.bytes + mailboxes.bytes + ledgers.bytes + pruned.bytes + dead.bytes + views.bytes
      + exchanged.bytes
      + viewed.bytes + localTraits.bytes + ledgerTraits.bytes + rules.bytes()
  }
  var sights: [String] { rules.sights() }

  func fingerprint(of state: State) -> Fingerprint {
    var fingerprint = Fingerprint()
    var lane = 0
    while lane < Words.scalarCount {
      fingerprint.add(UInt64(state.words[lane]) << 32 | UInt64(state.words[lane + 1]))
      lane += 2
    }
    return fingerprint
  }

  func violation(of state: State) -> String? {
    let ledger = state.words[2 * nodes]
    guard ledgerTraits[Int(ledger)].isWrong else { return nil }
    return rules.violation(ledger)
  }

  mutating func successors(of state: State, into found: inout [State]) {
    let ledger = ledgerTraits[Int(state.words[2 * nodes])]
    let done = doneNodes(state.words)
    quiet = reduces ? quietNodes(state.words, done) : 0
    for node in 0..<nodes {
      let local = state.words[node]
      let view = view(local, state.words[nodes + node])
      for index in moves(in: view) {
        deliver(viewed[index], at: node, state, done, &found)
      }
      let traits = localTraits[Int(local)]
      let pending = Int(traits.pending)
      for count in 0..<(rules.groups ? pending : min(pending, 1)) {
        make(.persist(count: count + 1), at: node, state, done, &found)
      }
      if ledger.mayFail {
        for count in 0...pending {
          make(.fail(surviving: count), at: node, state, done, &found)
        }
      }
      if ledger.mayCrash {
        for count in 0...pending {
          make(.crash(surviving: count), at: node, state, done, &found)
        }
      }
      if ledger.mayTimeOut && traits.hasDeadline { make(.timeOut, at: node, state, done, &found) }
    }
    for step in rules.plan.indices where ledger.startable & 1 << UInt16(step) != 0 {
      make(.start(step), at: rules.plan[step], state, done, &found)
    }
    for step in rules.plan.indices where ledger.cancellable & 1 << UInt16(step) != 0 {
      make(.cancel(step), at: rules.plan[step], state, done, &found)
    }
  }

  mutating func describe(move place: Int, from state: State) -> String {
    moves = []
    defer { moves = nil }
    var found: [State] = []
    successors(of: state, into: &found)
    guard let made = moves?[place] else { return "" }
    return made.map { rules.describe($0.input, $0.node) }.joined(separator: "; ")
  }

  // MARK: Moves

  @inline(__always)
  private mutating func make(
    _ input: LocalInput, at node: Int, _ state: State, _ done: UInt8, _ found: inout [State]
  ) {
    let reaction = reactions.number(of: input, at: state.words[node], rules)
    make(reaction, at: node, state, done, &found)
  }

  @inline(__always)
  mutating func make(
    _ reaction: UInt32, at node: Int, _ state: State, _ done: UInt8, _ found: inout [State]
  ) {
    let entry = reactions.entries[Int(reaction)]
    var words = state.words
    words[node] = entry.local
    var touched: UInt8 = 1 << UInt8(node)
    if entry.events != 0 { note(entry.events, in: &words, &touched) }
    for index in entry.sent {
      let sent = reactions.sent[index]
      let to = Int(sent.to)
      words[nodes + to] = mailboxes.add(sent.message, to: words[nodes + to])
      touched |= 1 << UInt8(to)
    }
    learn(words)
    let doneNow = doneNodes(words)
    if doneNow != done {
      tell(doneNow, &words)
      touched = .max
    }
    if prunes {
      for other in 0..<nodes where touched & 1 << UInt8(other) != 0 {
        words[nodes + other] = prune(words[other], words[nodes + other], doneNow)
      }
    }
    if reduces {
      // Where nothing crashes or fails any more, all have more to answer.
      let isAlike = doneNow == done && isCalm(words) == isCalm(state.words)
      close(&words, doneNow, quiet: isAlike ? quiet & ~changes(state.words, words) : 0)
    }
    canonicalise(&words)
    if words == state.words { return }
    found.append(State(words: words))
    moves?.append(path + [Move(node: node, input: reactions.input(of: reaction))])
  }

  private func isCalm(_ words: Words) -> Bool {
    let ledger = ledgerTraits[Int(words[2 * nodes])]
    return !ledger.mayCrash && !ledger.mayFail
  }

  /// Tells all nodes who is done. That makes no other done.
  private mutating func tell(_ done: UInt8, _ words: inout Words) {
    for node in 0..<nodes {
      let reaction = reactions.number(of: .othersDone(done), at: words[node], rules)
      words[node] = reactions.entries[Int(reaction)].local
    }
    learn(words)
  }

  mutating func note(_ events: UInt32, in words: inout Words, _ touched: inout UInt8) {
    let before = words[2 * nodes]
    let key = UInt64(before) << 32 | UInt64(events)
    var ledger = ledgers[key]
    if ledger == PairMemo.none {
      ledger = rules.record(events, before)
      ledgers.insert(ledger, for: key)
      while ledgerTraits.count <= Int(ledger) {
        ledgerTraits.append(rules.ledgerTraits(UInt32(ledgerTraits.count)))
      }
    }
    words[2 * nodes] = ledger
    if ledgerTraits[Int(before)].mayTimeOut && !ledgerTraits[Int(ledger)].mayTimeOut {
      for node in 0..<nodes {
        let reaction = reactions.number(of: .timeEnds, at: words[node], rules)
        words[node] = reactions.entries[Int(reaction)].local
      }
      touched = .max
    }
  }

  /// Fetches the traits of numbers that are new.
  @inline(__always)
  mutating func learn(_ words: Words) {
    for node in 0..<nodes where Int(words[node]) >= localTraits.count {
      while localTraits.count <= Int(words[node]) {
        localTraits.append(rules.localTraits(UInt32(localTraits.count)))
      }
    }
    while ledgerTraits.count <= Int(words[2 * nodes]) {
      ledgerTraits.append(rules.ledgerTraits(UInt32(ledgerTraits.count)))
    }
  }

  @inline(__always)
  private func doneNodes(_ words: Words) -> UInt8 {
    var done: UInt8 = 0
    for node in 0..<nodes where localTraits[Int(words[node])].isDone { done |= 1 << UInt8(node) }
    return done
  }

  // MARK: Messages

  @inline(__always)
  private func key(_ local: UInt32, _ mailbox: UInt32, _ done: UInt8) -> UInt64 {
    UInt64(local) << 36 | UInt64(mailbox) << 8 | UInt64(done)
  }

  /// The mailbox without the messages that can do nothing at this node any more.
  @inline(__always)
  mutating func prune(_ local: UInt32, _ mailbox: UInt32, _ done: UInt8) -> UInt32 {
    if mailbox == 0 { return 0 }
    let key = key(local, mailbox, done)
    let known = pruned[key]
    if known != PairMemo.none { return known }
    let left = mailboxes[mailbox].filter { !isDead($0, at: local, done) }
    let result = mailboxes.number(of: left)
    pruned.insert(result, for: key)
    return result
  }

  private mutating func isDead(_ message: UInt32, at local: UInt32, _ done: UInt8) -> Bool {
    let key = UInt64(local) << 36 | UInt64(message) << 8 | UInt64(done)
    let known = dead[key]
    if known != PairMemo.none { return known == 1 }
    let isDead = rules.isDead(message, local, done)
    dead.insert(isDead ? 1 : 0, for: key)
    return isDead
  }

  /// Where the reactions to the messages of this mailbox are: their number, how many of them are
  /// answers, these, and the others; the lowest bit tells whether there are answers.
  @inline(__always)
  mutating func view(_ local: UInt32, _ mailbox: UInt32) -> Int {
    let known = views[key(local, mailbox, 0)]
    return known != PairMemo.none ? Int(known) : look(local, mailbox)
  }

  @inline(never)
  private mutating func look(_ local: UInt32, _ mailbox: UInt32) -> Int {
    var answers: [UInt32] = []
    var others: [UInt32] = []
    for message in mailboxes[mailbox] {
      if reduces && rules.mayWait(message, local) { continue }
      let reaction = reactions.number(of: .deliver(message), at: local, rules)
      if reactions.isIdle(reaction, at: local) { continue }
      if reduces && reactions.entries[Int(reaction)].kind == .answer {
        answers.append(reaction)
      } else {
        others.append(reaction)
      }
    }
    let first = viewed.count
    viewed.append(UInt32(answers.count + others.count))
    viewed.append(UInt32(answers.count))
    for reaction in answers + others { viewed.append(reaction) }
    let view = first << 1 | (answers.isEmpty ? 0 : 1)
    views.insert(UInt32(view), for: key(local, mailbox, 0))
    return view
  }

  func answers(in view: Int) -> Range<Int> {
    if view & 1 == 0 { return 0..<0 }
    let first = view >> 1
    return (first + 2)..<(first + 2 + Int(viewed[first + 1]))
  }

  func moves(in view: Int) -> Range<Int> {
    let first = view >> 1
    return (first + 2 + Int(viewed[first + 1]))..<(first + 2 + Int(viewed[first]))
  }
}
