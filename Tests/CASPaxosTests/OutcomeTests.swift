import Synod
import Testing

@testable import CASPaxos

/// Rules 14 and 21 to 23, and the three outcomes: applied, not applied, unknown.
@Suite struct OutcomeTests {
  /// Where a proposal is when it is given up.
  enum Stage: CaseIterable {
    case starved, reading, preparing, backingOffFromPrepare, behindAnother
    case accepting, backingOffFromAccept, preparingAgain

    /// Whether an accept that may live was emitted.
    var isAmbiguous: Bool {
      switch self {
      case .starved, .reading, .preparing, .backingOffFromPrepare, .behindAnother: false
      case .accepting, .backingOffFromAccept, .preparingAgain: true
      }
    }
  }

  /// A machine with one addition (or a read) that has come as far as `stage`. The deadline is 500.
  static func bench(at stage: Stage) -> (Bench, ProposalID) {
    var bench = Bench(started: stage != .starved) {
      $0.backoff = 8
      $0.retransmitAfter = 10_000
    }
    var id = ProposalID(1)
    func refuse() {
      let request = bench.request
      bench.persist()
      bench.conflict(request, from: 2, promised: b(request.ballot.counter + 1, 2))
      bench.conflict(request, from: 3, promised: b(request.ballot.counter + 1, 2))
    }
    switch stage {
    case .starved, .preparing: id = bench.propose(.change(.add(1)), deadline: 500)
    case .reading: id = bench.propose(.read, deadline: 500)
    case .backingOffFromPrepare:
      id = bench.propose(.change(.add(1)), deadline: 500)
      refuse()
      refuse()
      #expect(bench.messages.isEmpty && bench.machine.nextDeadline != nil)
    case .behindAnother:
      _ = bench.leadToAccept()
      id = bench.propose(.change(.add(1)), deadline: 500)
      #expect(bench.messages.isEmpty)
    case .accepting: _ = bench.leadToAccept(deadline: 500)
    case .backingOffFromAccept:
      id = bench.propose(.change(.add(1)), deadline: 500)
      refuse()
      bench.promiseOwnAndOthers()
      #expect(bench.request.kind == .accept)
      refuse()
      #expect(bench.messages.isEmpty)
    case .preparingAgain:
      _ = bench.leadToAccept(deadline: 500)
      refuse()
      #expect(bench.request.kind == .prepare)
    }
    #expect(bench.completed.isEmpty)
    return (bench, id)
  }

  func expect(_ bench: Bench, _ stage: Stage, _ id: ProposalID, _ reason: Abandoned) {
    #expect(bench.completed.map(\.proposal) == [id])
    #expect(
      bench.results
        == [stage.isAmbiguous ? .unknown(reason) : .notApplied(.abandoned(reason))])
  }

  @Test(arguments: Stage.allCases)
  func aDeadlineEndsAProposalWithWhatIsKnown(_ stage: Stage) {
    var (bench, id) = Self.bench(at: stage)
    bench.tick(to: 499)
    #expect(bench.completed.isEmpty)
    // Backing off may be over by then; only what was accepted counts.
    #expect(bench.machine.nextDeadline.map { $0 <= Ticks(500) } == true)
    bench.tick(to: 500)
    expect(bench, stage, id, .deadline)
    bench.cancel(id)
    #expect(bench.completed.isEmpty)
  }

  @Test(arguments: Stage.allCases)
  func aDeadlineIsNotMissedWhereTheMachineHasOtherThingsToDoByThen(_ stage: Stage) {
    var (bench, id) = Self.bench(at: stage)
    bench.tick(to: 20_000)
    expect(bench, stage, id, .deadline)
  }

  @Test(arguments: Stage.allCases)
  func aCancelledProposalEndsAtOnceWithWhatIsKnown(_ stage: Stage) {
    var (bench, id) = Self.bench(at: stage)
    bench.cancel(ProposalID(999))
    #expect(bench.completed.isEmpty)
    bench.cancel(id)
    expect(bench, stage, id, .cancelled)
    bench.cancel(id)
    #expect(bench.completed.isEmpty)
  }

  @Test(arguments: Stage.allCases)
  func thoseThatAreCancelledTogetherEndAndTheOthersGoOn(_ stage: Stage) {
    var (bench, id) = Self.bench(at: stage)
    // Some more wait behind it, on this register and on another.
    let others = (0..<4).map { number in
      bench.propose(.change(.add(1)), key: number == 3 ? "other" : "k")
    }
    let open = bench.machine.openProposals
    let cancelled = [id] + others.dropFirst()
    bench.cancel(cancelled + [ProposalID(999)])
    #expect(Set(bench.completed.map(\.proposal)) == Set(cancelled))
    #expect(bench.machine.openProposals == open - cancelled.count)
    for completion in bench.completed {
      let isAmbiguous = completion.proposal == id && stage.isAmbiguous
      #expect(
        completion.result
          == (isAmbiguous ? .unknown(.cancelled) : .notApplied(.abandoned(.cancelled))))
    }
  }

  @Test(arguments: Stage.allCases)
  func aFailedStoreEndsEverythingWithWhatIsKnown(_ stage: Stage) {
    var (bench, id) = Self.bench(at: stage)
    let open = bench.machine.openProposals
    bench.storageFailed()
    #expect(bench.completed.count == open && bench.machine.openProposals == 0)
    for completion in bench.completed {
      // The one before it had sent its accept.
      let ambiguous = completion.proposal == id ? stage.isAmbiguous : true
      #expect(
        completion.result
          == (ambiguous ? .unknown(.storageFailed) : .notApplied(.abandoned(.storageFailed))))
    }
    #expect(bench.messages.isEmpty && bench.records.isEmpty)
    #expect(bench.machine.stopped == .storageFailed && bench.machine.nextDeadline == nil)
  }

  @Test func afterItsStoreFailedAMachineVotesNoMore() {
    var bench = Bench()
    bench.prepare(b(5, 2))
    bench.storageFailed()
    bench.persist()
    #expect(bench.messages.isEmpty, "the promise may not be durable")
    bench.prepare(b(9, 3))
    bench.accept(b(9, 3), state(1, at: b(9, 3)))
    bench.read(b(10, 3))
    bench.tick(to: 1_000_000)
    bench.storageFailed()
    #expect(bench.messages.isEmpty && bench.records.isEmpty)
    bench.propose(.change(.add(1)))
    #expect(bench.results == [.notApplied(.abandoned(.storageFailed))])
  }

  @Test func acknowledgingABatchNeverIssuedStopsTheMachine() {
    var bench = Bench()
    _ = bench.leadToAccept()
    bench.machine.persisted(through: PersistBatch(bench.batches.last!.number.rawValue + 1))
    bench.tick(to: 2)
    #expect(bench.results == [.unknown(.machineStopped)])
    #expect(bench.machine.stopped == .machineStopped)
  }

  @Test func aDeadlineThatHasPassedIsAnsweredAtOnce() {
    var bench = Bench()
    bench.tick(to: 50)
    bench.propose(.change(.add(1)), deadline: 50)
    #expect(bench.results == [.notApplied(.abandoned(.deadline))])
    #expect(bench.messages.isEmpty)
  }

  @Test func tooMuchAndTooLargeAreRefusedBeforeAnythingIsSent() {
    var bench = Bench {
      $0.maxOpenProposals = 2
      $0.maxKey = 3
    }
    bench.propose(.change(.add(1)), key: "four")
    #expect(bench.results == [.notApplied(.tooLarge(size: 4, limit: 3))])
    bench.propose(.change(.add(1)))
    bench.propose(.change(.add(1)))
    bench.propose(.change(.add(1)))
    #expect(bench.results == [.notApplied(.overloaded)] && bench.messages.isEmpty)
    #expect(bench.machine.openProposals == 2)
  }

  @Test func aValueThatIsTooLargeIsNotWritten() {
    var bench = Bench { $0.maxValue = 2 }
    bench.propose(.change(.add(100)))
    bench.promiseOwnAndOthers()
    #expect(bench.results == [.notApplied(.tooLarge(size: 3, limit: 2))])
    #expect(bench.messages.isEmpty)
  }

  /// An accept of this machine that its own acceptor refuses: a third voter's prepare was faster.
  func refusedByItself(_ quorums: (prepare: Int, accept: Int) = (2, 2)) -> Bench {
    var bench = Bench(quorums: quorums)
    bench.propose(.change(.add(1)))
    bench.persist()
    bench.prepare(b(9, 3))
    bench.promise(bench.request, from: 2)
    if quorums.prepare == 3 { bench.promise(bench.request, from: 3) }
    #expect(bench.request.kind == .accept)
    bench.persist()
    return bench
  }

  /// For one that all refused it could be shown that it is dead; for one that was accepted and then
  /// covered by a newer acceptance or a floor it could not. It is "unknown" for all of them.
  @Test(arguments: [(Ballot.zero, Ballot.zero), (b(9, 3), .zero), (.zero, b(9, 3))])
  func refusalsOfEveryAcceptorLeaveAnEmittedAcceptUnknown(_ accepted: Ballot, _ floor: Ballot) {
    var bench = refusedByItself((3, 1))
    let accept = bench.request
    bench.conflict(accept, from: 2, promised: b(9, 3))
    bench.conflict(accept, from: 3, promised: b(9, 3), accepted: accepted, floor: floor)
    bench.cancel(ProposalID(1))
    #expect(bench.results == [.unknown(.cancelled)])
  }

  @Test func aMajorityOfConflictsIsNotEnoughToSayNotApplied() {
    var bench = Bench()
    let accept = bench.leadToAccept()
    bench.persist()
    bench.conflict(accept, from: 2, promised: b(9, 2))
    bench.conflict(accept, from: 3, promised: b(9, 2))
    bench.cancel(ProposalID(1))
    #expect(bench.results == [.unknown(.cancelled)], "its own acceptor holds it")
  }

  /// Rule 21's trace: all accept, the acknowledgements are lost, someone writes on top, and the
  /// repeated accept is refused by everyone.
  func overwritten() -> Bench {
    var bench = Bench()
    let accept = bench.leadToAccept()
    bench.persist()
    let newer = state(5, at: b(9, 2), lineage: [accept.ballot])
    bench.accept(b(9, 2), newer)
    bench.persist()
    bench.conflict(accept, from: 2, promised: b(9, 2), accepted: b(9, 2))
    bench.conflict(accept, from: 3, promised: b(9, 2), accepted: b(9, 2))
    #expect(bench.completed.isEmpty)
    return bench
  }

  @Test func aChangeThatAllRefuseAfterOthersWroteOnTopIsNotCalledNotApplied() {
    var bench = overwritten()
    bench.cancel(ProposalID(1))
    #expect(bench.results == [.unknown(.cancelled)])
  }

  @Test func aLostAcceptThatOthersBuiltOnIsFoundAndNotAppliedAgain() {
    var bench = overwritten()
    let prepare = bench.request
    #expect(prepare.kind == .prepare && prepare.ballot == b(10, 1))
    bench.persist()
    bench.promise(
      prepare, from: 2, accepted: b(9, 2), state(5, at: b(9, 2), lineage: [b(1, 1)]))
    // Two of three hold it: it is settled, and nothing needs to be written.
    let register = Register(value: "1", version: Version(ballot: b(1, 1), step: 1))
    #expect(bench.results == [.applied(1, register)])
    #expect(bench.messages.isEmpty)
  }

  @Test func aLostAcceptThatIsFoundUnsettledIsWrittenBackFirst() {
    var bench = Bench()
    let accept = bench.leadToAccept()
    bench.persist()
    bench.conflict(accept, from: 2, promised: b(9, 2))
    bench.conflict(accept, from: 3, promised: b(9, 2))
    let prepare = bench.request
    bench.persist()
    bench.promise(prepare, from: 2)
    #expect(bench.last.kind == .accept && bench.last.ballot == b(10, 1))
    #expect(bench.last.state == accept.state)
    bench.persist()
    bench.accepted(bench.request, from: 3)
    let register = Register(value: "1", version: Version(ballot: b(1, 1), step: 1))
    #expect(bench.results == [.applied(1, register)])
  }

  @Test func aLostAcceptThatIsDeadIsAppliedOnceMoreOnWhatIsFound() {
    var bench = refusedByItself()
    let accept = bench.request
    bench.conflict(accept, from: 2, promised: b(9, 3))
    bench.tick(to: 100)
    let prepare = bench.request
    #expect(prepare.kind == .prepare && prepare.ballot == b(10, 1))
    bench.persist()
    bench.promise(prepare, from: 3, accepted: b(9, 3), state(40, at: b(9, 3)))
    #expect(bench.last.kind == .accept && bench.last.state.register.number == 41)
    bench.persist()
    bench.accepted(bench.request, from: 3)
    #expect(bench.completed.count == 1)
    if case .applied(let output, _) = bench.results[0] { #expect(output == 41) }
  }

  @Test func aReadThatIsWrittenBackInALostAcceptTellsNothing() {
    var bench = Bench()
    bench.propose(.barrierRead, deadline: 50)
    bench.promiseOwnAndOthers()
    #expect(bench.request.kind == .accept)
    bench.tick(to: 50)
    #expect(bench.results == [.notApplied(.abandoned(.deadline))])
  }

  @Test func givingUpOneOfManyLeavesTheOthers() {
    var bench = Bench()
    bench.propose(.change(.add(1)))
    let second = bench.propose(.change(.add(10)))
    bench.promiseOwnAndOthers()
    let accept = bench.request
    bench.cancel(second)
    #expect(bench.results == [.unknown(.cancelled)])
    bench.persist()
    bench.accepted(accept, from: 2)
    #expect(bench.completed.map(\.proposal) == [ProposalID(1)])
  }
}
