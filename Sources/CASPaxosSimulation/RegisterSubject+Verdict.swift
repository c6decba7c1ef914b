internal import CASPaxos
internal import Synod
public import SynodSimulation

extension RegisterSubject {
  typealias Check = WitnessCheck<ValueModel<C>, Version>

  /// Judges the history of every register: by its versions, and by a search for an order where those
  /// leave a doubt, or where the history is short.
  /// - Parameter budget: steps of one search.
  public mutating func verdict(budget: Int) -> HistoryVerdict {
    var histories = [[Int]](repeating: [], count: ledger.keys.count)
    for place in calls.indices where isOfConsequence(calls[place]) {
      histories[calls[place].key].append(place)
    }
    var undecided: String?
    for key in histories.indices {
      switch verdict(of: key, histories[key], budget: budget) {
      case .good: break
      case .violation(let what): return .violation(what)
      case .unknown(let what): undecided = undecided ?? what
      }
    }
    return undecided.map { .unknown($0) } ?? .good
  }

  /// Whether it was told of a state, or may have written one.
  private func isOfConsequence(_ call: Call) -> Bool {
    switch call.outcome {
    case .applied, .read, .notApplied(.rejected): true
    case .notApplied: false
    case .unknown, nil: call.mayWrite
    }
  }

  private func verdict(of key: Int, _ places: [Int], budget: Int) -> HistoryVerdict {
    let name = Bytes(RegisterWords.name(ledger.keys[key].name))
    for place in places {
      if let wrong = stepViolation(calls[place]) { return .violation("\(name): \(wrong)") }
    }
    var hidden = HiddenWrites<C>(
      places.compactMap { seed($0) }, sights: places.compactMap { calls[$0].outcome?.register })
    let writes = ledger.history(of: key) { hidden.pick($0) }
    if let wrong = hidden.find(in: writes) { return .violation("\(name): \(wrong)") }
    let history = places.compactMap { witnessed(calls[$0], hidden.found[$0]) }
    switch Check(ValueModel(), initial: .zero).check(history) {
    case .violation where hidden.isAmbiguous:
      // It may be the guess that is wrong. The search makes none.
      let told = places.compactMap { witnessed(calls[$0], nil) }
      return search(told, budget: budget, of: name, isNeeded: true)
    case .violation(let violation):
      return .violation("\(name): \(words(for: violation, places))")
    case .doubtful: return search(history, budget: budget, of: name, isNeeded: true)
    case .good:
      let isShort = history.count <= 40 && history.count { $0.timed.returned == nil } <= 4
      return isShort ? search(history, budget: budget, of: name, isNeeded: false) : .good
    }
  }

  private func search(
    _ history: [Check.Witnessed], budget: Int, of name: Bytes, isNeeded: Bool
  ) -> HistoryVerdict {
    // The search is told no more than the clients were.
    let timed = history.map { one in
      guard one.timed.returned == nil, case .wrote(let change, _, _, _) = one.timed.operation else {
        return one.timed
      }
      var timed = one.timed
      timed.operation = .open(change)
      return timed
    }
    switch LinearizabilitySearch(RegisterModel<C>(), budget: budget).check(timed) {
    case .good: return .good
    case .unknown:
      // Where the versions have proved an order already, the search only checks the checker.
      return isNeeded ? .unknown("\(name): no order found in \(budget) steps") : .good
    case .violation(let part):
      let lines = part.operations.map { "\($0.invoked)-\($0.returned ?? 0) \($0.operation)" }
      return .violation(
        "\(name): nothing explains the last of \(lines.joined(separator: "; ")) on \(part.states)")
    }
  }

  private func words(for violation: Check.Violation, _ places: [Int]) -> String {
    func id(_ number: Int) -> ProposalID { calls[places[number]].id }
    return switch violation {
    case .twoStates(let a, let b): "proposals \(id(a)) and \(id(b)) saw two values of one version"
    case .twoWrites(let a, let b): "proposals \(id(a)) and \(id(b)) both wrote one version"
    case .nobodyWrote(let a): "proposal \(id(a)) saw what nobody wrote"
    case .contradiction(let a): "what proposal \(id(a)) came to contradicts the state before"
    case .inversion(let a, let b): "proposal \(id(b)) began after \(id(a)) and saw less"
    }
  }
}

/// One call at a time.
extension RegisterSubject {
  private func seed(_ place: Int) -> HiddenWrites<C>.Seed? {
    let call = calls[place]
    guard case .change(let change) = call.operation else { return nil }
    let end = call.returned ?? call.lost ?? .max
    switch call.outcome {
    case .applied(let output, let left):
      if change.keeps(left, with: output) { return nil }
      return HiddenWrites<C>.Seed(
        place: place, voter: call.voter, change: change,
        open: call.invoked...max(end, call.invoked),
        told: (output, left))
    case .unknown, nil:
      return HiddenWrites<C>.Seed(
        place: place, voter: call.voter, change: change,
        open: call.invoked...max(end, call.invoked),
        told: nil)
    case .read, .notApplied: return nil
    }
  }

  private func witnessed(
    _ call: Call, _ hidden: HiddenWrites<C>.Write?
  ) -> Check.Witnessed? {
    let step: RegisterStep<C>
    var sight: Check.Sight?
    switch (call.outcome, call.operation) {
    case (.applied(let output, let left), .change(let change)):
      let wrote = !change.keeps(left, with: output)
      let before = wrote ? ledger.versions(before: left.version) : []
      step = wrote ? .wrote(change, output, left, before: before) : .saw(left)
      sight = Check.Sight(version: left.version, state: left.value, wrote: wrote)
    case (.read(let register), _), (.notApplied(.rejected(_, let register)), _):
      step = .saw(register)
      sight = Check.Sight(version: register.version, state: register.value, wrote: false)
    case (.unknown, .change(let change)), (nil, .change(let change)):
      guard let hidden else {
        step = .open(change)
        break
      }
      step = .wrote(change, hidden.output, hidden.left, before: [hidden.before])
      sight = Check.Sight(version: hidden.left.version, state: hidden.left.value, wrote: true)
    case (.applied, _), (.notApplied, _), (.unknown, _), (nil, _): return nil
    }
    return Check.Witnessed(
      TimedOperation(
        client: call.client, operation: step, invoked: call.invoked,
        returned: hidden != nil || sight == nil ? nil : call.returned), sight)
  }

  /// A change that was the first of its round, run on what the round began from, gives what its client
  /// was told: also where nobody was told of that.
  private func stepViolation(_ call: Call) -> String? {
    guard case .applied(let output, let left) = call.outcome,
      case .change(let change) = call.operation, left.version.step == 1,
      !change.keeps(left, with: output)
    else { return nil }
    let wanted = ComparableDecision<C.Output, C.Rejection>.write(left.value, output)
    let bases = ledger.bases(of: left.version.ballot)
    if bases.contains(where: { change.decision(on: $0) == wanted }) { return nil }
    return "proposal \(call.id) does not give \(left.version) on what was before it"
  }
}
