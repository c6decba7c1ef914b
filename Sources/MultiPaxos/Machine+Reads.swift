public import Synod

extension Machine {
  /// A query that waits.
  @usableFromInline
  struct PendingRead: Sendable {
    @usableFromInline var id: ProposalID
    @usableFromInline var query: App.Query
    var deadline: Ticks?
    var kind: Read
    /// The first question of how far one must have come that was asked after it came.
    var token: UInt64
    /// So far; nil until the leader said so.
    var index: Slot?

    /// Whether the other is as far. One identity has one query.
    func isLike(_ other: PendingRead) -> Bool {
      id == other.id && kind == other.kind && token == other.token && index == other.index
        && deadline == other.deadline
    }
  }

  /// Answers a query, at once or later.
  @usableFromInline
  mutating func read(_ query: App.Query, _ kind: Read, deadline: Ticks?, as id: ProposalID) {
    switch kind {
    case .stale: return answer(id, query)
    case .lease, .leader:
      guard core.role == .leading else { return refuse(id, .notLeader(core.leader)) }
    case .follower: break
    }
    guard reads.count < core.settings.maxOpenProposals else { return refuse(id, .overloaded) }
    reads.append(
      PendingRead(
        id: id, query: query, deadline: deadline, kind: kind, token: core.indexes.next, index: nil))
    // A lease is looked at by a clock that is read after the query came (rule 44).
    if let due = kind == .lease ? core.now : deadline { readWake = min(readWake ?? due, due) }
  }

  private mutating func answer(_ id: ProposalID, _ query: App.Query) {
    completed.append(
      Completion(proposal: id, result: .answered(appState.answer(query), at: core.applied)))
  }

  /// Answers what can be answered, and has the leader asked about the rest.
  @usableFromInline
  mutating func serveReads() {
    let answers = core.indexes.answers
    core.indexes.answers.removeAll(keepingCapacity: true)
    let leads = core.role == .leading
    var kept = 0
    var asks = false
    for place in reads.indices {
      var read = reads[place]
      if read.index == nil, read.kind != .lease,
        let answer = answers.last(where: { $0.token >= read.token })
      {
        read.index = answer.slot
      }
      if let index = read.index, index <= core.applied {
        answer(read.id, read.query)
        continue
      }
      if read.index == nil, read.kind != .follower, !leads {
        refuse(read.id, .notLeader(core.leader))
        continue
      }
      if read.index == nil, read.kind != .lease { asks = true }
      reads[kept] = read
      kept += 1
    }
    reads.removeLast(reads.count - kept)
    guard asks, core.stopped == nil else {
      core.indexes.open.removeAll { $0.name != core.indexes.asked }
      return
    }
    core.askIndex()
    // A leader alone has its answer at once.
    if !core.indexes.answers.isEmpty { serveReads() }
  }

  @usableFromInline
  mutating func tickReads() {
    guard let due = readWake, due <= core.now else { return }
    readWake = nil
    lookAtLease()
    let now = core.now
    let isOver = { (read: PendingRead) in read.deadline.map { $0 <= now } ?? false }
    for read in reads where isOver(read) { refuse(read.id, .abandoned(.deadline)) }
    reads.removeAll(where: isOver)
    for read in reads {
      if let deadline = read.deadline { readWake = min(readWake ?? deadline, deadline) }
    }
  }

  /// The clock was read after these queries came: while the lease lives, nobody else has had anything
  /// chosen since.
  private mutating func lookAtLease() {
    let index = core.leaseIndex
    for place in reads.indices where reads[place].kind == .lease && reads[place].index == nil {
      reads[place].index = index
    }
    guard index == nil, core.role == .leading else { return }
    let isWithout = { (read: PendingRead) in read.kind == .lease && read.index == nil }
    for read in reads where isWithout(read) { refuse(read.id, .noLease) }
    reads.removeAll(where: isWithout)
  }

  mutating func cancelRead(_ id: ProposalID) {
    guard let place = reads.firstIndex(where: { $0.id == id }) else { return }
    reads.remove(at: place)
    refuse(id, .abandoned(.cancelled))
  }
}
