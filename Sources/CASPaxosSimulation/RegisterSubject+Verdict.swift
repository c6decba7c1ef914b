internal import CASPaxos
internal import Synod
public import SynodSimulation

extension RegisterSubject {
  typealias Check = WitnessCheck<ValueModel<C>, Version>

  /// Judges the history of every register: by its versions, and by a search for an order where those
  /// leave a doubt, or where the history is short.
  /// - Parameter budget: steps of one search.
  public mutating func verdict(budget: Int) -> HistoryVerdict {
    unplanted { judge(budget: budget) }
  }

  private mutating func judge(budget: Int) -> HistoryVerdict {
    var histories = [[Int]](repeating: [], count: ledger.keys.count)
    for place in calls.indices where calls[place].key >= 0 && isOfConsequence(calls[place]) {
      histories[calls[place].key].append(place)
    }
    var undecided: String?
    for key in histories.indices where ledger.keys[key].name != Membership.key {
      switch verdict(of: key, histories[key], budget: budget) {
      case .good: break
      case .violation(let what): return .violation(what)
      case .unknown(let what): undecided = undecided ?? what
      }
    }
    if let what = skipViolation() { return .violation(what) }
    return undecided.map { .unknown($0) } ?? .good
  }

  /// Whether it was told of a state, or may have written one.
  private func isOfConsequence(_ call: Call) -> Bool {
    if call.isDead { return false }
    return switch call.outcome {
    case .applied, .read, .notApplied(.rejected): true
    case .notApplied, .listed, .membership: false
    case .unknown, nil: call.mayWrite
    }
  }

  private func verdict(of key: Int, _ all: [Int], budget: Int) -> HistoryVerdict {
    let name = Bytes(RegisterWords.name(ledger.keys[key].name))
    // Which version those saw that found nothing, the versions do not say: the search finds out.
    let places = all.filter { !calls[$0].isVague }
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
      return search(all, budget: budget, of: name, isNeeded: true)
    case .violation(let violation):
      return .violation("\(name): \(words(for: violation, places))")
    case .doubtful: return search(all, budget: budget, of: name, isNeeded: true)
    case .good:
      let isShort = history.count <= 40 && history.count { $0.timed.returned == nil } <= 4
      return isShort ? search(all, budget: budget, of: name, isNeeded: false) : .good
    }
  }

  /// The search is told no more than the clients were.
  private func search(
    _ places: [Int], budget: Int, of name: Bytes, isNeeded: Bool
  ) -> HistoryVerdict {
    let timed = places.compactMap { told(calls[$0]) }
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
    let told: (output: C.Output, left: Register)?
    switch call.outcome {
    case .applied(let output, let left): told = (output, left)
    case .unknown, nil: told = nil
    case .read, .listed, .notApplied, .membership: return nil
    }
    let mayHaveKept =
      told.map { change.keeps($0.left, with: $0.output) && !isEffect(of: call, $0.left) } ?? false
    if mayHaveKept && change.isReadOnly { return nil }
    let exact = told == nil ? effect(of: call)?.version : nil
    let end = call.returned ?? call.lost ?? .max
    return HiddenWrites<C>.Seed(
      place: place, voter: call.voter, change: change,
      open: call.invoked...max(end, call.invoked), told: told, mayHaveKept: mayHaveKept,
      exact: exact)
  }

  /// What its client knows.
  private func told(_ call: Call) -> TimedOperation<RegisterStep<C>>? {
    let step: RegisterStep<C>
    switch (call.outcome, call.operation) {
    case _ where call.isVague: step = .saw(Register(value: nil, version: .untold))
    case (.applied(let output, let left), .change(let change)):
      step = .wrote(change, output, left, before: [])
    case (.read(let register), _), (.notApplied(.rejected(_, let register)), _):
      step = .saw(register)
    case (.unknown, .change(let change)), (nil, .change(let change)): step = .open(change)
    case (.applied, _), (.listed, _), (.notApplied, _), (.unknown, _), (.membership, _), (nil, _):
      return nil
    }
    let isTold = call.outcome?.register != nil
    return TimedOperation(
      client: call.client, operation: step, invoked: call.invoked,
      returned: isTold ? call.returned : nil)
  }

  /// - Parameter hidden: what it wrote, where its answer does not say so.
  private func witnessed(
    _ call: Call, _ hidden: HiddenWrites<C>.Write?
  ) -> Check.Witnessed? {
    guard var timed = told(call) else { return nil }
    guard case .change(let change) = call.operation else {
      return call.outcome?.register.map { Check.Witnessed(timed, sight(of: $0, wrote: false)) }
    }
    if let hidden {
      timed.operation = .wrote(change, hidden.output, hidden.left, before: [hidden.before])
      return Check.Witnessed(timed, sight(of: hidden.left, wrote: true))
    }
    switch call.outcome {
    case .applied(let output, let left):
      let wrote = !change.keeps(left, with: output) || isEffect(of: call, left)
      let before = wrote ? ledger.versions(before: left.version) : []
      timed.operation = wrote ? .wrote(change, output, left, before: before) : .saw(left)
      return Check.Witnessed(timed, sight(of: left, wrote: wrote))
    case .read, .listed, .notApplied, .unknown, .membership, nil:
      return Check.Witnessed(
        timed, call.outcome?.register.map { sight(of: $0, wrote: false) })
    }
  }

  private func sight(of register: Register, wrote: Bool) -> Check.Sight {
    Check.Sight(version: register.version, state: register.value, wrote: wrote)
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
