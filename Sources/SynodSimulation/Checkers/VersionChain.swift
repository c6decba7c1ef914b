/// The versions of a history, in their order, with who wrote each and who saw it.
@usableFromInline
struct VersionChain<Model: SequentialModel, Version: Comparable & Sendable> {
  @usableFromInline typealias Check = WitnessCheck<Model, Version>

  /// All that is known of one version.
  @usableFromInline struct Link {
    /// The answers that carry it: places in `sights`.
    @usableFromInline var seen: Range<Int>
    @usableFromInline var writer: Int?
    /// The earliest answer that carries it or a later one: it was written before that.
    @usableFromInline var deadline: UInt64

    @inlinable
    init(seen: Range<Int>, writer: Int?, deadline: UInt64) {
      self.seen = seen
      self.writer = writer
      self.deadline = deadline
    }
  }

  @usableFromInline let history: [Check.Witnessed]
  @usableFromInline var sights: [(version: Version, number: Int)] = []
  @usableFromInline var links: [Link] = []
  /// Operations without an answer, by the moment of their call.
  @usableFromInline var open: [(moment: UInt64, number: Int)] = []
  @usableFromInline var isUsed: [Bool] = []

  @inlinable
  init(_ history: [Check.Witnessed]) {
    self.history = history
    sights.reserveCapacity(history.count)
    for number in history.indices {
      if let sight = history[number].sight {
        sights.append((sight.version, number))
      } else {
        open.append((history[number].timed.invoked, number))
      }
    }
    sights.sort { $0.version < $1.version }
    open.sort { $0.moment < $1.moment }
    isUsed = [Bool](repeating: false, count: open.count)
  }

  /// Puts together what has one version: one state, and at most one writer.
  @inlinable
  mutating func gather() -> Check.Violation? {
    var start = 0
    while start < sights.count {
      let first = sights[start].number
      var link = Link(seen: start..<start, writer: nil, deadline: .max)
      var end = start
      while end < sights.count, sights[end].version == sights[start].version {
        let number = sights[end].number
        if history[number].sight?.state != history[first].sight?.state {
          return .twoStates(first, number)
        }
        if history[number].sight?.wrote == true {
          if let writer = link.writer { return .twoWrites(writer, number) }
          link.writer = number
        }
        link.deadline = min(link.deadline, history[number].timed.returned ?? .max)
        end += 1
      }
      link.seen = start..<end
      links.append(link)
      start = end
    }
    var deadline = UInt64.max
    for index in links.indices.reversed() {
      deadline = min(deadline, links[index].deadline)
      links[index].deadline = deadline
    }
    return nil
  }

  /// Verifies version by version.
  @inlinable
  mutating func verify(_ model: Model, _ initial: Version) -> Check.Result {
    var before = model.initial
    var doubt: Int?
    var orphans: [(deadline: UInt64, number: Int)] = []
    for link in links {
      let (version, first) = sights[link.seen.lowerBound]
      guard let state = history[first].sight?.state else { continue }
      for sight in sights[link.seen] where sight.number != link.writer {
        if model.after(history[sight.number].timed.operation, on: state) != state {
          return .violation(.contradiction(sight.number))
        }
      }
      if !(version > initial) {
        if let writer = link.writer { return .violation(.contradiction(writer)) }
        guard version == initial, state == model.initial else {
          return .violation(.nobodyWrote(first))
        }
      } else if let writer = link.writer {
        if model.after(history[writer].timed.operation, on: before) != state,
          !use(
            link.deadline,
            { [history] open in
              guard let between = model.after(open, on: before) else { return false }
              return model.after(history[writer].timed.operation, on: between) == state
            })
        {
          if !mayBeHidden(link.deadline) { return .violation(.contradiction(writer)) }
          doubt = doubt ?? writer
        }
      } else {
        orphans.append((link.deadline, first))
        if !use(link.deadline, { model.after($0, on: before) == state }) { doubt = doubt ?? first }
      }
      before = state
    }
    if let orphan = unexplained(orphans) { return .violation(.nobodyWrote(orphan)) }
    return doubt.map { .doubtful($0) } ?? .good
  }

  @inlinable
  func mayBeHidden(_ deadline: UInt64) -> Bool {
    open.first.map { $0.moment <= deadline } ?? false
  }

  /// Takes an open operation that was called by `deadline` and does what is asked. Of those that
  /// could be meant only the last few are looked at: where there are very many, it is in doubt.
  @inlinable
  mutating func use(_ deadline: UInt64, _ does: (Model.Operation) -> Bool) -> Bool {
    var end = open.count
    var low = 0
    while low < end {
      let middle = (low + end) / 2
      if open[middle].moment <= deadline { low = middle + 1 } else { end = middle }
    }
    for index in (max(0, end - 64)..<end).reversed() where !isUsed[index] {
      if does(history[open[index].number].timed.operation) {
        isUsed[index] = true
        return true
      }
    }
    return false
  }

  /// Every version that no answered operation wrote needs an open one of its own, called in time.
  @inlinable
  func unexplained(_ orphans: [(deadline: UInt64, number: Int)]) -> Int? {
    let sorted = orphans.sorted { $0.deadline < $1.deadline }
    for (index, orphan) in sorted.enumerated()
    where index >= open.count || open[index].moment > orphan.deadline {
      return orphan.number
    }
    return nil
  }
}
