public import Synod

// What a process's store does, beside the process: a disk goes on while a process stands still.
extension World {
  /// Asks the store for work, after every input that may have given it some.
  @inlinable
  mutating func pump(_ process: SimulatedProcess<Machine>) {
    guard process.store.beginCommit() else { return }
    beginCommit(process)
  }

  @usableFromInline
  mutating func beginCommit(_ process: SimulatedProcess<Machine>) {
    if record != nil { tell(.syncBegan, of: process.index, TraceText("sync")) }
    let time = plan.syncTime / 2 + processRandom.exponential(mean: plan.syncTime / 2)
    queue.plan(
      WorldEvent(.commit, at: now + time, node: process.index, stamp: process.life))
  }

  @inlinable
  mutating func commitDone(_ node: Int) {
    let process = processes[node]
    let news = process.store.finishCommit()
    if record != nil { tell(.syncEnded, of: node, TraceText("synced")) }
    if let news { becameDurable(process, through: news) }
    pump(process)
    // Between the end of a sync and its hearing, a process may end.
    queue.plan(
      WorldEvent(
        .news, at: now + processRandom.next() % 20, node: node, stamp: process.life))
  }

  @inlinable
  mutating func becameDurable(_ process: SimulatedProcess<Machine>, through news: PersistBatch) {
    process.durable = news
    counts.syncs += 1
    while process.firstPending < process.pending.count,
      process.pending[process.firstPending].number <= news
    {
      let records = process.pending[process.firstPending].records
      process.pending[process.firstPending].records = []
      process.firstPending += 1
      if let what = subject.persisted(records, by: process.voter) {
        violate(what, at: process.index)
      }
    }
    if process.firstPending == process.pending.count {
      process.pending.removeAll(keepingCapacity: true)
      process.firstPending = 0
    }
    if record != nil { tell(.durable(news), of: process.index, TraceText("durable")) }
  }

  @inlinable
  mutating func choreDone(_ node: Int) {}
}
