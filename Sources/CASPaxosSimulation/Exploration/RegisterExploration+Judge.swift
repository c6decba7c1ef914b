internal import CASPaxos
internal import Synod
public import SynodSimulation

/// Whether what was chosen stays, takes effect once, and is what clients were told.
extension RegisterExploration {
  /// What is wrong with all that happened.
  public func judge(_ ledger: ExploredLedger<Self>) -> String? {
    let decided = decided(ledger.history)
    if let wrong = decided.violation { return wrong }
    if changesMembers {
      if let wrong = transferViolation(ledger.history, decided) { return wrong }
      if let wrong = toldViolation(ledger, decided) { return wrong }
    }
    for key in dataKeys {
      if let wrong = effectViolation(ledger, decided, on: key) { return wrong }
    }
    return isLinearizable(ledger) ? nil : "what clients were told is not linearizable"
  }

  /// Whether each change of a register takes effect once, as was told, and stays.
  private func effectViolation(
    _ ledger: ExploredLedger<Self>, _ decided: Decided, on key: Bytes
  ) -> String? {
    let proposed = ledger.history.proposed.filter { $0.key == key }
    let chosen = proposed.filter { ledger.history.isChosen($0, decided.configurations) }
    let isDeleted = isDeleted(key)
    for (index, step) in ledger.steps.enumerated() where steps[index].key == key {
      // What a deletion takes away is not lost.
      guard !isDeleted, case .change(.add(let amount)) = steps[index].operation else { continue }
      let name = "step \(index)"
      let digits = chosen.map { Self.digit($0.state, amount) }
      if digits.contains(where: { $0 > 1 }) { return "\(name) took effect twice" }
      if let first = chosen.indices.first(where: { digits[$0] == 1 }) {
        let later = proposed.filter { chosen[first].ballot.isBelow($0.ballot) }
        if let lost = later.first(where: { Self.digit($0.state, amount) != 1 }) {
          return "\(name) took effect at \(chosen[first].ballot) and was lost at \(lost.ballot)"
        }
      }
      switch step.completion?.result {
      case .applied where digits.last != 1: return "\(name) was applied and is not there"
      case .notApplied where digits.contains(1): return "\(name) was said not to apply"
      case .applied, .notApplied, .unknown, .read, .listed, nil, .membership: break
      }
    }
    for state in chosen {
      let later = proposed.filter { state.ballot.isBelow($0.ballot) }
      if let stray = later.first(where: {
        $0.state.forgotten.isBelow(state.ballot) && !$0.state.contains(state.state)
      }) {
        return "what \(state.ballot) wrote is chosen, and \(stray.ballot) does not descend from it"
      }
    }
    return nil
  }

  private func isDeleted(_ key: Bytes) -> Bool {
    steps.contains {
      if case .change(.delete) = $0.operation { $0.key == key } else { false }
    }
  }

  private static func digit(_ state: RegisterState, _ power: Int) -> Int {
    state.register.number / power % 10
  }

  /// Whether some order of the steps explains what clients were told and respects which ended before
  /// which began.
  func isLinearizable(_ ledger: ExploredLedger<Self>) -> Bool {
    var certain: UInt32 = 0
    var possible: UInt32 = 0
    for (index, step) in ledger.steps.enumerated() {
      switch step.completion?.result {
      case .applied, .read, .membership, .notApplied(.rejected): certain |= 1 << UInt32(index)
      case .unknown: possible |= 1 << UInt32(index)
      case nil: if step.isStarted { possible |= 1 << UInt32(index) }
      case .notApplied, .listed: break
      }
    }
    return canOrder(ledger, certain, possible, dataKeys.map { _ in 0 })
  }

  /// - Parameters:
  ///   - numbers: by register.
  ///   - fenced: steps that were given up before a barrier read of their register that is ordered
  ///     already.
  private func canOrder(
    _ ledger: ExploredLedger<Self>, _ certain: UInt32, _ possible: UInt32, _ numbers: [Int],
    fenced: UInt32 = 0
  ) -> Bool {
    if certain == 0 { return true }
    for index in ledger.steps.indices {
      let bit: UInt32 = 1 << UInt32(index)
      guard (certain | possible) & ~fenced & bit != 0, ledger.steps[index].after & certain == 0,
        let next = effect(of: index, ledger, on: numbers)
      else { continue }
      let isExplained = canOrder(
        ledger, certain & ~bit, possible & ~bit, next, fenced: fenced | fence(by: index, ledger))
      if isExplained { return true }
    }
    return false
  }

  /// The steps that may take effect no more behind this one.
  private func fence(by index: Int, _ ledger: ExploredLedger<Self>) -> UInt32 {
    guard isFence(index) else { return 0 }
    return steps.indices.reduce(0) {
      steps[$1].key == steps[index].key ? $0 | 1 << UInt32($1) : $0
    } & ledger.steps[index].after
  }

  /// The numbers after a step; nil where the step was told something that contradicts them.
  private func effect(
    of index: Int, _ ledger: ExploredLedger<Self>, on numbers: [Int]
  ) -> [Int]? {
    guard let place = dataKeys.firstIndex(of: steps[index].key) else { return numbers }
    guard let next = effect(of: index, ledger, on: numbers[place]) else { return nil }
    var after = numbers
    after[place] = next
    return after
  }

  /// The same of the step's register.
  private func effect(of index: Int, _ ledger: ExploredLedger<Self>, on number: Int) -> Int? {
    let result = ledger.steps[index].completion?.result
    let seen: Int? =
      switch result {
      case .applied(_, let register), .read(let register): register.number
      case .notApplied(.rejected(_, let register)): register.number
      case .notApplied, .unknown, .listed, nil, .membership: nil
      }
    var next = number
    switch steps[index].operation {
    case .read, .barrierRead, .forget, .watch, .change(.get), .list, .membership,
      .changeMembership:
      break
    case .change(.add(let amount)): next = number + amount
    case .change(.swap(let old, let new)):
      if case .notApplied(.rejected)? = result {
        if number == old { return nil }
      } else if number == old {
        next = new
      } else if case .applied? = result {
        return nil
      }
    case .change(.delete): next = 0
    }
    if let seen, seen != next { return nil }
    return next
  }
}

extension RegisterState {
  /// Whether it descends from all that the other does: of every voter, its last write or a later one.
  fileprivate func contains(_ other: RegisterState) -> Bool {
    let (mine, others) = (lineage + [version.ballot], other.lineage + [other.version.ballot])
    return others.allSatisfy { write in
      write.isZero || mine.contains { $0.voter == write.voter && !$0.isBelow(write) }
    }
  }
}
