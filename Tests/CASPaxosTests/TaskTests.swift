import Synod
import Testing

@testable import CASPaxos

/// Rounds that no client asked for.
@Suite struct TaskTests {
  private func id(_ number: UInt32 = 1, group: UInt32 = 0) -> TaskID {
    TaskID(.outside, group: group, number)
  }

  @Test func aReadTaskTakesOneRoundTripAndTellsStateAndBallot() {
    var bench = Bench()
    bench.want(.read, as: id())
    #expect(bench.request.kind == .read)
    bench.answer(bench.request, from: 2, accepted: b(3, 2), state(4, at: b(3, 2)))
    bench.answer(bench.request, from: 3, accepted: b(3, 2), state(4, at: b(3, 2)))
    #expect(bench.outcome(id()) == .settled(state(4, at: b(3, 2)), b(3, 2)))
    #expect(bench.machine.openTasks == 0 && bench.completed.isEmpty)
  }

  @Test func aSettlingTaskWritesTheStateBackWhereAllAgree() {
    var bench = Bench()
    let written = state(4, at: b(3, 2))
    bench.want(.settle, as: id())
    #expect(bench.request.kind == .prepare)
    bench.accept(b(3, 2), written)
    bench.raise(to: 3)
    bench.wait()
    bench.persist()
    bench.promise(bench.request, from: 2, accepted: b(3, 2), written)
    let accept = bench.request
    #expect(accept.kind == .accept && accept.state == written)
    #expect(bench.outcome(id()) == nil)
    bench.persist()
    bench.accepted(accept, from: 3)
    #expect(bench.outcome(id()) == .settled(written, accept.ballot))
  }

  @Test func aTaskSharesTheRoundOfAClient() {
    var bench = Bench()
    bench.propose(.change(.add(1)))
    bench.want(.read, as: id())
    bench.want(.settle, as: id(2))
    #expect(bench.requests.count == 1)
    bench.promiseOwnAndOthers()
    let accept = bench.request
    bench.persist()
    bench.accepted(accept, from: 2)
    #expect(bench.completed.count == 1)
    #expect(bench.outcome(id()) == .settled(accept.state, accept.ballot))
    #expect(bench.outcome(id(2)) == .settled(accept.state, accept.ballot))
    #expect(bench.machine.openTasks == 0 && bench.machine.openProposals == 0)
  }

  @Test func aTaskTakesNoRoomFromClients() {
    var bench = Bench { $0.maxOpenProposals = 1 }
    bench.want(.read, as: id(), key: "other")
    bench.propose(.read)
    #expect(bench.completed.isEmpty && bench.request.key == "k")
  }

  @Test func aTaskEndsAtItsDeadlineAndLeavesTheRoundToOthers() {
    var bench = Bench()
    bench.want(.settle, as: id(), deadline: 50)
    bench.propose(.change(.add(1)))
    bench.tick(to: 50)
    #expect(bench.outcome(id()) == .failed(.deadline) && bench.completed.isEmpty)
    bench.want(.settle, as: id(2), deadline: 50)
    #expect(bench.outcome(id(2)) == .failed(.deadline))
    #expect(bench.machine.openProposals == 1 && bench.machine.openTasks == 0)
  }

  @Test func tasksAreGivenUpByTheirGroup() {
    var bench = Bench()
    bench.want(.read, as: id(1, group: 7), key: "a")
    bench.want(.settle, as: id(2, group: 7), key: "b")
    bench.want(.settle, as: id(3, group: 8), key: "b")
    bench.machine.core.tasks.giveUp(TaskID.Group(owner: .outside, number: 7))
    bench.tick(to: bench.now)
    #expect(bench.outcome(id(1, group: 7)) == .failed(.cancelled))
    #expect(bench.outcome(id(2, group: 7)) == .failed(.cancelled))
    #expect(bench.outcome(id(3, group: 8)) == nil && bench.machine.openTasks == 1)
  }

  @Test func tasksEndWithTheMachine() {
    var bench = Bench()
    bench.want(.read, as: id())
    bench.storageFailed()
    #expect(bench.outcome(id()) == .failed(.storageFailed) && bench.machine.openTasks == 0)
    bench.want(.read, as: id(2))
    #expect(bench.messages.isEmpty)
  }

  /// Where an earlier attempt of the same round turns out to be chosen, the changes are answered; but
  /// a write that somebody else gave up may have a ballot above that one, and a fence is to end it.
  @Test func aFenceIsWrittenWhereAnEarlierAttemptIsFoundToBeIn() {
    var bench = Bench()
    bench.propose(.change(.add(1)))
    bench.propose(.barrierRead)
    bench.promiseOwnAndOthers()
    let lost = bench.request
    bench.conflict(lost, from: 2, promised: b(9, 2))
    bench.conflict(lost, from: 3, promised: b(9, 2))
    while bench.request.kind != .prepare { bench.wait() }
    let prepare = bench.request
    bench.persist()
    bench.promise(prepare, from: 3, accepted: lost.ballot, lost.state)
    #expect(bench.completed.isEmpty)
    #expect(bench.request.kind == .accept && bench.request.ballot == prepare.ballot)
    #expect(bench.request.state == lost.state)
  }

  /// The end of a watch gives up hundreds of reads: what is open is looked through once for them all.
  @Test func whatIsGivenUpTogetherIsLookedForOnce() {
    var tasks = Tasks()
    for number in 0..<3 as Range<UInt32> {
      tasks.giveUp(TaskID.Group(owner: .watch, number: number))
    }
    #expect(tasks.take() != nil && tasks.take() == nil)
    // What was begun between two of them is not passed over.
    tasks.giveUp(TaskID.Group(owner: .watch, number: 3))
    tasks.want(Task(id: TaskID(.watch, group: 4, 4), key: "k", errand: .read))
    tasks.giveUp(TaskID.Group(owner: .watch, number: 4))
    #expect(tasks.take() != nil && tasks.take() != nil && tasks.take() != nil)
    #expect(tasks.take() == nil && tasks.isEmpty)
  }
}

extension Bench {
  fileprivate mutating func want(
    _ errand: Errand, as id: TaskID, key: Bytes = "k", deadline: UInt64? = nil
  ) {
    machine.core.tasks.want(
      Task(id: id, key: key, errand: errand, deadline: deadline.map { Ticks($0) }))
    tick(to: now)
  }

  fileprivate func outcome(_ id: TaskID) -> TaskOutcome? { machine.core.tasks.endedOutside[id] }
}
