public import Synod

/// Rounds that collect a tombstone.
extension Machine {
  /// Whether the round is to collect: only where nobody wants anything else of the register.
  @usableFromInline
  mutating func sortOutCollection(_ slot: Int) {
    core.rounds[slot].isCollecting = false
    guard folds[slot].folded.contains(where: { !$0.isAbandoned && $0.collects }) else { return }
    if folds[slot].folded.allSatisfy(\.collects) {
      core.rounds[slot].isCollecting = true
    } else {
      abandon(slot, because: .cancelled) { $0.collects }
      folds[slot].folded.removeAll(where: \.isAbandoned)
    }
  }

  /// A prepare quorum promised: what it holds is written to every voter, if there is no value.
  @usableFromInline
  mutating func collect(_ slot: Int, _ base: RegisterState, at ballot: Ballot) {
    #if PlantedBugs
      let isAnything = PlantedBug.has(.collectedValue)
    #else
      let isAnything = false
    #endif
    guard isAnything || base.isCollectable else { return giveWay(slot) }
    // What clients may ask about is kept for a while after its last write, and this node has only seen
    // how long what it holds itself lay there: anything else it takes over, and looks again later.
    if !base.sessions.isEmpty && base != core.ownState(slot) {
      core.rounds[slot].isCollecting = false
    }
    _ = folds[slot].run(on: base, at: ballot, within: core.settings)
    core.startAccept(slot, ballot: ballot, state: base)
  }

  /// The register is wanted, or not all voters agree: a later pass tries again.
  @usableFromInline
  mutating func giveWay(_ slot: Int) {
    abandon(slot, because: .cancelled) { $0.collects }
    startOver(slot)
  }
}

extension Fold {
  /// Whether an earlier attempt, which left no trace in `base`, may have left it in a state that was
  /// collected: where nobody holds anything, `base` says what the floors tell.
  @usableFromInline
  func mayHaveForgotten(_ base: RegisterState) -> Bool {
    earlier.contains { $0.ballot <= base.forgotten }
  }
}

extension Fold.Pending {
  fileprivate var collects: Bool {
    if case .errand(.collect) = work { true } else { false }
  }
}

extension RegisterState {
  /// It is as if it had never been written, but for what it knows of clients that may come again: they
  /// are told that it forgot.
  var isCollectable: Bool { value == nil }
}
