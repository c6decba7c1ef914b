internal import Synod

/// The round of the reserved register.
extension Fold {
  /// Runs what is asked about the members, in order. One round of epoch e writes memberships of e, or
  /// one of e+1 behind which nothing more is changed (rule 42, the guard).
  /// - Parameters:
  ///   - blank: what a register that was never written stands for; nil where it was written.
  ///   - answering: the voters that answered the round; nil where that does not matter yet.
  mutating func runOnMembers(
    on base: RegisterState, at ballot: Ballot, blank: Membership?, answering: [VoterID]?
  ) -> (state: RegisterState, wrote: Bool) {
    results.removeAll(keepingCapacity: true)
    var state = base
    var step: UInt32 = 0
    // What cannot be read is not taken for what was never written.
    var members = base.value == nil ? blank : base.value.flatMap { try? Membership($0) }
    for pending in folded {
      results.append(
        Self.run(pending, on: &members, &state, at: ballot, step: &step, answering: answering))
    }
    return (state, step > 0)
  }

  /// Whether a change was refused because too few of the voters after it answer.
  var lacksAnswers: Bool {
    results.contains {
      if case .notApplied(.refused(.noQuorumAfter)) = $0.outcome { true } else { false }
    }
  }

  private static func run(
    _ pending: Pending, on members: inout Membership?, _ state: inout RegisterState,
    at ballot: Ballot, step: inout UInt32, answering: [VoterID]?
  ) -> Result {
    if pending.isAbandoned { return Result(.unknown(.cancelled)) }
    guard case .errand(let errand) = pending.work else { return Result(.notApplied(.reserved)) }
    switch errand {
    case .read, .settle, .collect: return Result(.read(state.register))
    case .forget: return Result(.notApplied(.reserved))
    case .members:
      return members.map { Result(.membership($0)) }
        ?? Result(.notApplied(.refused(.overtaken(ballot.epoch))))
    case .reconfigure(let change):
      guard let before = members, before.configuration.epoch == ballot.epoch else {
        let epoch = members?.configuration.epoch ?? ballot.epoch
        return Result(.notApplied(.refused(.overtaken(epoch))))
      }
      do {
        let next = try before.after(change)
        if let answering { try next.requireQuorum(of: answering, after: change, of: before) }
        guard next != before else { return Result(.membership(before)) }
        step += 1
        state = state.written(next.encoded, at: ballot, step: step)
        members = next
        return Result(.membership(next), wrote: true)
      } catch {
        return Result(.notApplied(.refused(error)))
      }
    }
  }
}
