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
  /// The world whose successors are asked for, and the one that is being made of it.
  let base = Lanes<Words>()
  let words = Lanes<Words>()
  let reactions = ReactionTable()
  var mailboxes = Mailboxes()
  private let ledgers = PairMemo()
  let pruned = PairMemo()
  let dead = PairMemo()
  /// By number, kind of number and two nodes: the number with these in each other's place.
  let exchanged = PairMemo()
  let swaps: [(Int, Int)]
  /// By node's state and mailbox, its `View`; and what they show.
  let views = PairMemo()
  let viewed = Column<UInt32>()
  let localTraits = Column<LocalTraits>()
  let ledgerTraits = Column<LedgerTraits>()
  /// Of the state whose successors are asked for: see `close`.
  private var quiet: UInt8 = 0
  /// While a move is to be described.
  private(set) var moves: [[Move]]?
  /// Votes that are counted together with the move that is being made.
  var path: [Move] = []

  /// - Parameters:
  ///   - prunes: leaves out messages that can do nothing any more; without it, every message
  ///   is kept and delivered, which only tests want.
  ///   - reduces: leaves out worlds that show nothing which others do not show.
  init(_ rules: ClusterRules, prunes: Bool = true, reduces: Bool = true) {
    precondition(rules.nodes * 2 + 1 <= Words.scalarCount && rules.nodes <= 8)
    self.rules = rules
    self.prunes = prunes
    self.reduces = reduces
    nodes = rules.nodes
    swaps = reduces ? Self.swaps(of: rules.interchangeable) : []
    let (locals, letters, ledger) = rules.begin()
    for (node, local) in locals.enumerated() {
      words[node] = local
      words[nodes + node] = mailboxes.number(of: Set(letters[node]).sorted())
    }
    words[2 * nodes] = ledger
    learn(words.words)
    let done = doneNodes(words)
    tell(done)
    pruneAll(done)
    if reduces { close(doneNodes(words)) }
    canonicalise()
    start.words = words.words
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
    base.words = state.words
    let ledger = ledgerTraits[Int(base[2 * nodes])]
    let done = doneNodes(base)
    quiet = reduces ? quietNodes(done) : 0
    for node in 0..<nodes {
      let local = base[node]
      // First the one, then the other: else all of the world is copied for it.
      let view = view(local, base[nodes + node])
      for index in moves(in: view) {
        deliver(viewed[index], at: node, done, &found)
      }
      let traits = localTraits[Int(local)]
      let pending = Int(traits.pending)
      for count in 0..<(rules.groups ? pending : min(pending, 1)) {
        make(.persist(count: count + 1), at: node, done, &found)
      }
      if ledger.mayFail {
        for count in 0...pending { make(.fail(surviving: count), at: node, done, &found) }
      }
      if ledger.mayCrash {
        for count in 0...pending { make(.crash(surviving: count), at: node, done, &found) }
      }
      if ledger.mayTimeOut && traits.hasDeadline { make(.timeOut, at: node, done, &found) }
    }
    for step in rules.plan.indices where ledger.startable & 1 << UInt16(step) != 0 {
      make(.start(step), at: rules.plan[step], done, &found)
    }
    for step in rules.plan.indices where ledger.cancellable & 1 << UInt16(step) != 0 {
      make(.cancel(step), at: rules.plan[step], done, &found)
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
    _ input: LocalInput, at node: Int, _ done: UInt8, _ found: inout [State]
  ) {
    make(reaction(to: input, at: base[node]), at: node, done, &found)
  }

  @inline(__always)
  mutating func make(
    _ reaction: UInt32, at node: Int, _ done: UInt8, _ found: inout [State]
  ) {
    let entry = reactions.entries[Int(reaction)]
    let bit: UInt8 = 1 << UInt8(node)
    words.words = base.words
    words[node] = entry.local
    var doneNow = entry.isDone ? done | bit : done & ~bit
    // Where time ends, all nodes are others than before.
    let isOther = entry.events != 0 && note(entry.events)
    if isOther { doneNow = doneNodes(words) }
    if doneNow != done { tell(doneNow) }
    if isOther || doneNow != done {
      pruneAll(doneNow)
    } else {
      prune(node, done)
    }
    _ = send(entry, doneNow)
    if reduces {
      // Where nothing crashes or fails any more, all have more to answer.
      let isAlike = doneNow == done && (entry.events == 0 || isCalm(words) == isCalm(base))
      close(doneNow, quiet: isAlike ? quiet & ~changedNodes() : 0)
    }
    canonicalise()
    if isSame() { return }
    found.append(State(words: words.words))
    if moves != nil {
      let made = path + [Move(node: node, input: reactions.input(of: reaction))]
      moves?.append(made)
    }
  }

  /// Nodes that differ from the base, or what is on its way to them.
  @inline(__always)
  private func changedNodes() -> UInt8 {
    var changed: UInt8 = 0
    for node in 0..<nodes
    where base[node] != words[node] || base[nodes + node] != words[nodes + node] {
      changed |= 1 << UInt8(node)
    }
    return changed
  }

  @inline(__always)
  private func isSame() -> Bool {
    for lane in 0..<(2 * nodes + 1) where base[lane] != words[lane] { return false }
    return true
  }

  @inline(__always)
  func isCalm(_ words: Lanes<Words>) -> Bool {
    let ledger = ledgerTraits[Int(words[2 * nodes])]
    return !ledger.mayCrash && !ledger.mayFail
  }

  /// Tells all nodes who is done. That makes no other done.
  private mutating func tell(_ done: UInt8) {
    for node in 0..<nodes {
      words[node] = entry(of: .othersDone(done), at: words[node]).local
    }
  }

  /// - Returns: whether time has ended with it for all nodes.
  mutating func note(_ events: UInt32) -> Bool {
    let before = words[2 * nodes]
    let key = UInt64(before) << 32 | UInt64(events)
    var ledger = ledgers[key]
    if ledger == PairMemo.none {
      ledger = rules.record(events, before)
      ledgers.insert(ledger, for: key)
      learn(ledger: ledger)
    }
    words[2 * nodes] = ledger
    guard ledgerTraits[Int(before)].mayTimeOut, !ledgerTraits[Int(ledger)].mayTimeOut else {
      return false
    }
    for node in 0..<nodes { words[node] = entry(of: .timeEnds, at: words[node]).local }
    return true
  }

  @inline(__always)
  private func doneNodes(_ words: Lanes<Words>) -> UInt8 {
    var done: UInt8 = 0
    for node in 0..<nodes where localTraits[Int(words[node])].isDone { done |= 1 << UInt8(node) }
    return done
  }

  // MARK: Reactions

  @inline(__always)
  mutating func entry(of input: LocalInput, at local: UInt32) -> ReactionTable.Entry {
    reactions.entries[Int(reaction(to: input, at: local))]
  }

  @inline(__always)
  mutating func reaction(to input: LocalInput, at local: UInt32) -> UInt32 {
    let known = reactions.number(of: input, at: local)
    return known != PairMemo.none ? known : work(out: input, at: local)
  }

  @inline(never)
  private mutating func work(out input: LocalInput, at local: UInt32) -> UInt32 {
    let reaction = rules.react(local, input)
    learn(local: reaction.local)
    let isDone = localTraits[Int(reaction.local)].isDone
    return reactions.insert(reaction, to: input, at: local, isDone: isDone, &mailboxes)
  }

  /// Fetches the traits of numbers that are new.
  mutating func learn(_ words: Words) {
    for node in 0..<nodes { learn(local: words[node]) }
    learn(ledger: words[2 * nodes])
  }

  private func learn(local: UInt32) {
    while localTraits.count <= Int(local) {
      localTraits.append(rules.localTraits(UInt32(localTraits.count)))
    }
  }

  private func learn(ledger: UInt32) {
    while ledgerTraits.count <= Int(ledger) {
      ledgerTraits.append(rules.ledgerTraits(UInt32(ledgerTraits.count)))
    }
  }
}
