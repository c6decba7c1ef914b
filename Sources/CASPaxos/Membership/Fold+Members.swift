internal import Synod

/// The round of the reserved register.
extension Fold {
  /// Runs what is asked about the members, in order. One round of epoch e writes memberships of e, or
  /// one of e+1 behind which nothing more is changed (rule 42, the guard).
  /// - Parameter blank: what a register that was never written stands for; nil where it was written.
  mutating func runOnMembers(
    on base: RegisterState, at ballot: Ballot, blank: Membership?
  ) -> (state: RegisterState, wrote: Bool) {
    results.removeAll(keepingCapacity: true)
    var state = base
    var step: UInt32 = 0
    var members = base.value.flatMap { try? Membership($0) } ?? blank
    for pending in folded {
      results.append(
        Self.run(pending, on: &members, &state, at: ballot, step: &step))
    }
    return (state, step > 0)
  }

  private static func run(
    _ pending: Pending, on members: inout Membership?, _ state: inout RegisterState,
    at ballot: Ballot, step: inout UInt32
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
        guard next != before else { return Result(.membership(before)) }
        step += 1
        state = state.written(next.bytes, at: ballot, step: step)
        members = next
        return Result(.membership(next), wrote: true)
      } catch {
        return Result(.notApplied(.refused(error)))
      }
    }
  }
}
