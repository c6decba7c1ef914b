public import Synod

/// Which changes go into a round, and what becomes of them.
extension Machine {
  /// Carries out what the core's rounds ask for, until nothing is asked.
  @inlinable
  mutating func settle() {
    while core.stopped == nil {
      if let directive = core.takeDirective() {
        perform(directive)
      } else if core.hasEndedWatches {
        endWatches()
      } else if core.tasks.isEmpty {
        return
      } else {
        performTask()
      }
    }
    endAll()
  }

  @inlinable
  mutating func perform(_ directive: Directive) {
    let slot = directive.slot
    switch directive.step {
    case .chosen: finish(slot)
    case .promised: propose(slot)
    case .readSettled: observe(slot)
    case .readUnsettled: fallBack(slot)
    case .failed where core.rounds[slot].isCollecting,
      .ambiguous where core.rounds[slot].isCollecting:
      giveWay(slot)
    case .failed: core.backOff(slot)
    case .ambiguous: keepAttempt(slot)
    case .exhausted: exhaust(slot)
    case .resume: resume(slot)
    case .expired: expire(slot)
    }
  }

  /// Begins an attempt with all that waits.
  @inlinable
  mutating func begin(_ slot: Int) {
    takeWaiting(slot)
    if core.collector.open > 0 || core.rounds[slot].isCollecting { sortOutCollection(slot) }
    if folds[slot].folded.isEmpty { return core.closeRound(slot) }
    if folds[slot].isReadOnly && !core.rounds[slot].mustPrepare { return core.startRead(slot) }
    if core.rests(slot) { return }
    if core.rounds[slot].isCollecting { return core.startPrepare(slot) }
    guard let (ballot, base) = core.armedBase(slot) else { return core.startPrepare(slot) }
    let (state, wrote) = run(slot, on: base, at: ballot)
    if wrote || folds[slot].hasBarrier {
      core.consumeArmed(slot)
      accept(slot, ballot, state)
    } else {
      // What was kept with the promise may be old by now: a refusal is told only from answers to a
      // message sent after the request came (rule 29).
      core.startRead(slot)
    }
  }

  /// Moves what waits into the fold, behind what is there.
  @inlinable
  mutating func takeWaiting(_ slot: Int) {
    folds[slot].takeWaiting(limit: core.settings.maxFold)
  }

  /// A prepare quorum promised: the changes run on the highest state that it told of.
  @inlinable
  mutating func propose(_ slot: Int) {
    let base = core.rounds[slot].base
    let ballot = core.rounds[slot].ballot
    if core.rounds[slot].isCollecting { return collect(slot, base, at: ballot) }
    let settled = core.isSettled(slot)
    if let found = folds[slot].earlier.firstIndex(where: { base.descends(from: $0.ballot) }) {
      // An earlier attempt is in: its results are the changes' results.
      folds[slot].results = folds[slot].earlier[found].results
      // A fence is written in any case: what others gave up may still surface above this state.
      if settled && !folds[slot].hasBarrier { return finish(slot) }
      return core.startAccept(slot, ballot: ballot, state: base)
    }
    if folds[slot].mayHaveForgotten(base) || folds[slot].earlier.count >= 8
      || core.isOfHigherEpoch(slot, base, than: ballot)
    {
      folds[slot].isBurial = true
      return core.startAccept(slot, ballot: ballot, state: base)
    }
    let asked = folds[slot].folded.count
    var (state, wrote) = run(slot, on: base, at: ballot)
    if waitsForAnswers(slot) { return }
    #if PlantedBugs
      let mayRefuse = settled || (core.refusesUnsettled && !folds[slot].isReadOnly)
    #else
      let mayRefuse = settled
    #endif
    if mayRefuse && !wrote && folds[slot].earlier.isEmpty && !folds[slot].hasBarrier {
      return finish(slot)
    }
    let isWhole = folds[slot].folded.count == asked
    if isWhole && folds[slot].earlier.isEmpty && !folds[slot].waiting.isEmpty {
      // The state is written in any case, so what came meanwhile may join.
      takeWaiting(slot)
      (state, wrote) = run(slot, on: base, at: ballot)
    }
    accept(slot, ballot, state)
  }

  /// Runs what is folded.
  @inlinable
  mutating func run(
    _ slot: Int, on base: RegisterState, at ballot: Ballot
  ) -> (state: RegisterState, wrote: Bool) {
    if core.rounds[slot].isReserved { return runOnMembers(slot, on: base, at: ballot) }
    return folds[slot].run(on: base, at: ballot, within: core.settings)
  }

  @inlinable
  mutating func accept(_ slot: Int, _ ballot: Ballot, _ state: RegisterState) {
    for index in folds[slot].results.indices where folds[slot].results[index].wrote {
      folds[slot].folded[index].mayHaveWritten = true
    }
    core.startAccept(slot, ballot: ballot, state: state)
  }

  /// The voters differ, or too few answered in time: a prepare takes over.
  @inlinable
  mutating func fallBack(_ slot: Int) {
    core.statistics.readFallbacks += 1
    core.startPrepare(slot)
  }

  /// A read found a settled state: it answers everything that does not write.
  @inlinable
  mutating func observe(_ slot: Int) {
    let base = core.rounds[slot].base
    let name = core.rounds[slot].ballot
    let (_, wrote) = run(slot, on: base, at: name)
    if wrote { core.startPrepare(slot) } else { finish(slot) }
  }

  /// The attempt is chosen, or was answered from a settled state: everyone is told.
  @inlinable
  mutating func finish(_ slot: Int) {
    if folds[slot].isBurial { return bury(slot) }
    core.statistics.changes += UInt64(folds[slot].folded.count)
    // The results are moved out, not copied: from the end of the reversed list.
    if folds[slot].results.count > 1 { folds[slot].results.reverse() }
    for index in folds[slot].folded.indices {
      let result = folds[slot].results.removeLast()
      if folds[slot].folded[index].isAbandoned { continue }
      switch folds[slot].folded[index].origin {
      case .client(let id):
        completed.append(Completion(proposal: id, result: result.outcome))
        open -= 1
      case .task(let id):
        core.taskEnded(id, core.settledState(slot))
        openTasks -= 1
      }
    }
    if core.rounds[slot].isReserved { core.decided(slot) }
    startOver(slot)
  }

  /// Goes on with what waits, or frees the slot.
  @inlinable
  mutating func startOver(_ slot: Int) {
    folds[slot].folded.removeAll(keepingCapacity: true)
    folds[slot].results.removeAll(keepingCapacity: true)
    if !folds[slot].earlier.isEmpty { folds[slot].earlier.removeAll() }
    folds[slot].isBurial = false
    core.setDeadline(slot, folds[slot].deadline)
    begin(slot)
  }

  /// A state is chosen above all the earlier attempts: what is not part of it is dead. Its changes
  /// are as if never tried; but where it cannot tell, they end with that, and only now: what a
  /// minority accepted before might have been taken up until here (rule 23).
  @usableFromInline
  mutating func bury(_ slot: Int) {
    if folds[slot].mayHaveForgotten(core.rounds[slot].base) {
      abandon(slot, because: .forgotten) { $0.mayHaveWritten }
    }
    folds[slot].isBurial = false
    folds[slot].earlier.removeAll()
    for index in folds[slot].folded.indices { folds[slot].folded[index].mayHaveWritten = false }
    if core.rounds[slot].isReserved { core.decided(slot) }
    core.retry(slot)
  }

  /// An accept failed. Where it may have been accepted by anyone, its results are kept until it is
  /// known whether it is in.
  @usableFromInline
  mutating func keepAttempt(_ slot: Int) {
    let ballot = core.rounds[slot].ballot
    let results = folds[slot].results
    let isNew = !folds[slot].isBurial && core.rounds[slot].base.version.ballot == ballot
    folds[slot].isBurial = false
    if isNew { folds[slot].earlier.append(Fold.Attempt(ballot: ballot, results: results)) }
    core.backOff(slot)
  }

  /// The next attempt of a round that failed.
  @usableFromInline
  mutating func resume(_ slot: Int) {
    guard folds[slot].earlier.isEmpty else { return core.startPrepare(slot) }
    folds[slot].folded.removeAll(where: \.isAbandoned)
    begin(slot)
  }
}
