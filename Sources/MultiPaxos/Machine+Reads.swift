public import Synod

extension Machine {
  /// A query that waits.
  @usableFromInline
  struct PendingRead: Sendable {
    @usableFromInline var id: ProposalID
    @usableFromInline var query: App.Query
    var deadline: Ticks?
    /// Only the leader may answer it.
    var isLeaders: Bool
    /// The first question of how far one must have come that was asked after it came.
    var token: UInt64
    /// So far; nil until the leader said so.
    var index: Slot?
  }

  /// Answers a query, at once or later.
  @usableFromInline
  mutating func read(_ query: App.Query, _ kind: Read, deadline: Ticks?, as id: ProposalID) {
    var index: Slot?
    switch kind {
    case .stale: return answer(id, query)
    case .lease:
      guard core.role == .leading else { return refuse(id, .notLeader(core.leader)) }
      guard let slot = core.leaseIndex else { return refuse(id, .noLease) }
      index = slot
    case .leader:
      guard core.role == .leading else { return refuse(id, .notLeader(core.leader)) }
    case .follower: break
    }
    if let index, index <= core.applied { return answer(id, query) }
    guard reads.count < core.settings.maxOpenProposals else { return refuse(id, .overloaded) }
    reads.append(
      PendingRead(
        id: id, query: query, deadline: deadline, isLeaders: kind == .leader,
        token: core.indexes.next, index: index))
    if let deadline { readWake = min(readWake ?? deadline, deadline) }
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
      if read.index == nil, let answer = answers.last(where: { $0.token >= read.token }) {
        read.index = answer.slot
      }
      if let index = read.index, index <= core.applied {
        answer(read.id, read.query)
        continue
      }
      if read.index == nil, read.isLeaders, !leads {
        refuse(read.id, .notLeader(core.leader))
        continue
      }
      if read.index == nil { asks = true }
      reads[kept] = read
      kept += 1
    }
    reads.removeLast(reads.count - kept)
    guard asks, core.stopped == nil else { return }
    core.askIndex()
    // A leader alone has its answer at once.
    if !core.indexes.answers.isEmpty { serveReads() }
  }

  @usableFromInline
  mutating func tickReads() {
    guard let due = readWake, due <= core.now else { return }
    readWake = nil
    let now = core.now
    let isOver = { (read: PendingRead) in read.deadline.map { $0 <= now } ?? false }
    for read in reads where isOver(read) { refuse(read.id, .abandoned(.deadline)) }
    reads.removeAll(where: isOver)
    for read in reads {
      if let deadline = read.deadline { readWake = min(readWake ?? deadline, deadline) }
    }
  }

  mutating func cancelRead(_ id: ProposalID) {
    guard let place = reads.firstIndex(where: { $0.id == id }) else { return }
    reads.remove(at: place)
    refuse(id, .abandoned(.cancelled))
  }
}
