internal import CASPaxos
internal import Synod
internal import SynodSimulation

/// Changes that are to be made once: what is asked for, and what must come of it (rules 23 and 24).
extension RegisterSubject {
  /// Now and then a client wants its change made once, asks again for one that it was told nothing of,
  /// has itself forgotten, or fences off what it was told nothing of; drawn apart, so that the other
  /// draws of a seed stay what they are.
  mutating func onceInstead(
    _ operation: CASPaxos.Operation<Workload.C>, on key: Bytes, of client: Int
  ) -> CASPaxos.Proposal<Workload.C>? {
    guard plan.oncePercent > 0, !cannotRemember else { return nil }
    let place = client % retriers.count
    guard let wish = retriers[place].wish else {
      return wishAnew(operation, on: key, at: place)
    }
    guard let attempt = retriers[place].attempt else { return nil }
    switch retries.next() % 20 {
    case 0..<14: return attempt
    // It loses interest.
    case 14 where !isClosing: retriers[place].wish = nil
    case 15: return Proposal(key: wish.key, operation: .barrierRead)
    case _: break
    }
    return nil
  }

  private mutating func wishAnew(
    _ operation: CASPaxos.Operation<Workload.C>, on key: Bytes, at place: Int
  ) -> CASPaxos.Proposal<Workload.C>? {
    guard retries.next() % 100 < UInt64(plan.oncePercent) else { return nil }
    let (identity, last) = (retriers[place].identity, retriers[place].sequence)
    if last > 0 && retries.next() % 20 == 0 {
      // That may come late, when it has gone on.
      return Proposal(key: key, operation: .forget(identity, through: last))
    }
    guard case .change(let change) = operation, !change.isReadOnly else { return nil }
    return Proposal(key: key, operation: operation, once: Once(identity, last + 1))
  }

  /// Whose it is.
  func place(of once: Once) -> Int { Int(once.client.low) - 1 }

  /// An attempt was made.
  mutating func begin(_ proposal: CASPaxos.Proposal<Workload.C>, as id: ProposalID) {
    guard let once = proposal.once, case .change(let change) = proposal.operation else { return }
    let place = place(of: once)
    ledger.reach(.onceAsked)
    if retriers[place].wish?.sequence != once.sequence {
      retriers[place].wish = Retrier.Wish(
        key: proposal.key, change: change, sequence: once.sequence)
      retriers[place].sequence = once.sequence
    }
    retriers[place].wish?.open = id
    retriers[place].wish?.calls.append(calls.count - 1)
  }

  /// It was answered, or its voter crashed: the client knows what came of it, or asks again.
  mutating func attemptEnded(_ call: Call) {
    guard let once = call.once else { return }
    let place = place(of: once)
    guard retriers[place].wish?.open == call.id else { return }
    retriers[place].wish?.open = nil
    switch call.outcome {
    case .unknown(.forgotten): retriers[place].wish = nil
    case .unknown, nil: retriers[place].wish?.mayBeIn = true
    case .notApplied(.abandoned), .notApplied(.overloaded): break
    case .notApplied(.cannotRemember): cannotRemember = true
    case .applied, .read, .listed, .membership, .notApplied: retriers[place].wish = nil
    }
    if cannotRemember { retriers[place].wish = nil }
  }

  // MARK: What it is told

  /// Which change that is to be made once a call asked for.
  func onceName(of call: Call) -> OnceName? {
    call.once.map { OnceName(key: call.key, client: $0.client, sequence: $0.sequence) }
  }

  /// What came of it, as far as that is settled.
  func effect(of call: Call) -> OnceEffect? {
    onceName(of: call).flatMap { ledger.effects[$0] }
  }

  /// Whether what it left is known to be its own.
  func isEffect(of call: Call, _ left: Register) -> Bool {
    effect(of: call)?.version == left.version
  }

  /// What a client was told of a change that was to be made once. Where an earlier attempt had made
  /// it, this one only saw what became of that.
  mutating func judgeOnce(_ place: Int, _ outcome: Outcome<Workload.C>) {
    let call = calls[place]
    guard let name = onceName(of: call), case .change(let change) = call.operation else { return }
    switch outcome {
    case .applied(let output, let left):
      guard let effect = ledger.effects[name] else {
        return toldWithoutEffect(place, change, output, left)
      }
      if change.recall(effect.result) != output {
        return ledger.violate(
          "proposal \(call.id) was told \(output), and what it had asked for once came to another "
            + "end at \(effect.version)")
      }
      if effect.version == left.version, !ledger.wasProposed(effect.version, before: call.invoked) {
        return setDead(except: place)
      }
      let voter = call.voter
      let seen = ledger.sight(of: left, on: call.key, floor: effect.version, by: voter) ?? left
      if !seen.version.ballot.isZero && seen.version < effect.version {
        ledger.violate(
          "proposal \(call.id) was told of \(seen.version), and its effect was \(effect.version)")
      }
      ledger.reach(.onceRecalled)
      calls[place].outcome = .read(left)
    case .notApplied(.rejected), .notApplied(.tooLarge):
      deny(name, place)
    case .notApplied, .unknown, .read, .listed, .membership: break
    }
  }

  /// It kept what it found; or wrote, and its name was crowded out of the same round.
  private mutating func toldWithoutEffect(
    _ place: Int, _ change: Workload.C, _ output: Workload.C.Output, _ left: Register
  ) {
    let call = calls[place]
    guard let name = onceName(of: call) else { return }
    if change.keeps(left, with: output) { return deny(name, place) }
    // Of a register that is gone nobody is told the version.
    let mayBeLost =
      left.version.ballot.isZero
      ? ledger.mayForgetSessions(of: call.key) : ledger.mayHaveLost(name, left.version)
    if !mayBeLost {
      ledger.violate("proposal \(call.id) was told \(output), and the register kept nothing of it")
    }
    if call.once?.isRetry == true && isOfAnother(call, change, output, left) {
      ledger.reach(.onceRecalled)
      calls[place].outcome = .read(left)
      return
    }
    setDead(except: place)
  }

  /// Whether what a retry was told of is not what it wrote: another call did, or it does not give that
  /// on what was before. Then the register told what came of an earlier attempt, and forgot it since.
  private func isOfAnother(
    _ call: Call, _ change: Workload.C, _ output: Workload.C.Output, _ left: Register
  ) -> Bool {
    let hasWriter = calls.contains { other in
      guard other.id != call.id, other.key == call.key,
        case .applied(let its, let register) = other.outcome,
        case .change(let change) = other.operation
      else { return false }
      return register.version == left.version && !change.keeps(register, with: its)
    }
    // Whoever writes leaves a version.
    if left.version.ballot.isZero { return true }
    if hasWriter || left.version.step != 1 { return hasWriter }
    let wanted = ComparableDecision<Workload.C.Output, Workload.C.Rejection>
      .write(left.value, output)
    return !ledger.bases(of: left.version.ballot).contains { change.decision(on: $0) == wanted }
  }

  /// It had no effect, and none of the earlier attempts.
  private mutating func deny(_ name: OnceName, _ place: Int) {
    if let effect = ledger.effects[name] {
      ledger.violate(
        "proposal \(calls[place].id) was told that it had no effect, and had one at "
          + "\(effect.version)")
    }
    ledger.denied[name] = calls[place].id
    setDead(except: place)
  }

  private mutating func setDead(except place: Int) {
    guard let once = calls[place].once else { return }
    let retrier = self.place(of: once)
    guard let wish = retriers[retrier].wish, wish.sequence == once.sequence else { return }
    for call in wish.calls where call != place { calls[call].isDead = true }
  }
}
