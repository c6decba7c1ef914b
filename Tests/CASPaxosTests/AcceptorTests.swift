import Synod
import Testing

@testable import CASPaxos

/// Rules 1 to 9 and 42: what an acceptor promises, accepts and refuses.
@Suite struct AcceptorTests {
  @Test func aPromiseIsHeldUntilItIsDurable() {
    var bench = Bench()
    bench.prepare(b(5, 2), slot: 7)
    #expect(bench.records == [.promise(key: "k", ballot: b(5, 2))])
    #expect(bench.messages.isEmpty)
    bench.persist()
    #expect(bench.messages.map(\.to) == [.voter(VoterID(2))])
    #expect(bench.last == Message(.promise, slot: 7, ballot: b(5, 2)))
  }

  @Test func aPromiseIsNotGivenTwiceForOneBallot() {
    var bench = Bench()
    bench.prepare(b(5, 2))
    bench.accept(b(5, 2), state(1, at: b(5, 2)))
    bench.persist()
    bench.prepare(b(5, 2))
    #expect(bench.records.isEmpty)
    #expect(bench.last.kind == .conflict)
  }

  @Test func aRepeatedPrepareGetsTheSamePromiseAndNoNewRecord() {
    var bench = Bench()
    bench.prepare(b(5, 2))
    bench.prepare(b(5, 2))
    #expect(bench.records.isEmpty && bench.messages.isEmpty)
    bench.persist()
    #expect(bench.messages.map(\.message.kind) == [.promise, .promise])
    bench.prepare(b(5, 2))
    #expect(bench.messages.map(\.message.kind) == [.promise] && bench.records.isEmpty)
  }

  @Test func countersThatAreEqualAreToldApartByTheirVoters() {
    var bench = Bench()
    bench.prepare(b(5, 2))
    bench.prepare(b(5, 3))
    #expect(bench.records == [.promise(key: "k", ballot: b(5, 3))])
    bench.prepare(b(5, 2))
    bench.persist()
    #expect(bench.messages.map(\.message.kind) == [.promise, .promise, .conflict])
  }

  @Test func aPromiseTellsWhatWasAccepted() {
    var bench = Bench()
    bench.accept(b(5, 2), state(8, at: b(5, 2)))
    bench.prepare(b(6, 3))
    bench.persist()
    #expect(bench.last.kind == .promise)
    #expect(bench.last.accepted == b(5, 2) && bench.last.state == state(8, at: b(5, 2)))
  }

  @Test func aConflictTellsPromiseAcceptanceAndFloorApart() {
    var bench = Bench()
    bench.accept(b(9, 3), state(1, at: b(9, 3)), next: b(12, 3))
    bench.persist()
    bench.prepare(b(4, 2), slot: 3)
    #expect(
      bench.last
        == Message(
          .conflict, slot: 3, ballot: b(4, 2), promised: b(12, 3), accepted: b(9, 3)))
    bench.accept(b(10, 2), state(1, at: b(10, 2)))
    #expect(bench.last.kind == .conflict && bench.last.accepted == b(9, 3))
    #expect(bench.records.isEmpty)
  }

  @Test func aConflictIsHeldUntilWhatItTellsOfIsDurable() {
    var bench = Bench()
    bench.prepare(b(9, 3))
    bench.prepare(b(4, 2))
    #expect(bench.messages.isEmpty)
    bench.persist()
    #expect(bench.messages.map(\.message.kind) == [.promise, .conflict])
  }

  @Test func anAcceptNeedsNoPromiseBefore() {
    var bench = Bench()
    bench.accept(b(5, 2), state(1, at: b(5, 2)))
    #expect(bench.messages.isEmpty)
    bench.persist()
    #expect(bench.last == Message(.accepted, slot: 0, ballot: b(5, 2), promised: b(5, 2)))
  }

  @Test func ballotStateAndPromiseOfAnAcceptanceAreOneRecord() {
    var bench = Bench()
    bench.accept(b(5, 2), state(1, at: b(5, 2)), next: b(6, 2))
    #expect(
      bench.records == [
        .accept(key: "k", ballot: b(5, 2), promised: b(6, 2), state: state(1, at: b(5, 2)))
      ])
    bench.persist()
    #expect(bench.last.promised == b(6, 2))
    bench.prepare(b(5, 3))
    #expect(bench.last.kind == .conflict)
  }

  @Test func anAcceptanceNeverLowersThePromise() {
    var bench = Bench()
    bench.prepare(b(7, 2))
    bench.accept(b(7, 2), state(1, at: b(7, 2)), next: b(9, 2))
    bench.prepare(b(12, 3))
    bench.accept(b(12, 3), state(2, at: b(12, 3)))
    #expect(bench.machine.acceptorState(of: "k")?.promised == b(12, 3))
  }

  @Test func anAcceptBelowThePromiseOrTheAcceptanceIsRefused() {
    var bench = Bench()
    bench.prepare(b(7, 2))
    bench.persist()
    bench.accept(b(6, 3), state(1, at: b(6, 3)))
    #expect(bench.last.kind == .conflict && bench.last.accepted.isZero)
    bench.accept(b(8, 3), state(1, at: b(8, 3)))
    bench.persist()
    bench.accept(b(7, 2), state(1, at: b(7, 2)))
    #expect(bench.last.kind == .conflict && bench.last.accepted == b(8, 3))
  }

  @Test func aRepeatedAcceptIsAcknowledgedEvenWhereThePromiseIsHigher() {
    var bench = Bench()
    bench.accept(b(5, 2), state(1, at: b(5, 2)))
    bench.prepare(b(8, 3))
    bench.persist()
    bench.accept(b(5, 2), state(1, at: b(5, 2)))
    #expect(bench.records.isEmpty)
    #expect(bench.last == Message(.accepted, slot: 0, ballot: b(5, 2), promised: b(8, 3)))
  }

  @Test func aRepeatedAcceptIsNotAcknowledgedBeforeTheFirstIsDurable() {
    var bench = Bench()
    bench.accept(b(5, 2), state(1, at: b(5, 2)))
    bench.accept(b(5, 2), state(1, at: b(5, 2)))
    #expect(bench.messages.isEmpty)
    bench.persist()
    #expect(bench.messages.map(\.message.kind) == [.accepted, .accepted])
  }

  @Test func twoStatesUnderOneBallotStopTheMachine() {
    var bench = Bench()
    bench.accept(b(5, 2), state(1, at: b(5, 2)))
    bench.accept(b(5, 2), state(2, at: b(5, 2)))
    #expect(bench.machine.stopped == .machineStopped)
    #expect(bench.messages.isEmpty)
    bench.prepare(b(9, 3))
    #expect(bench.messages.isEmpty && bench.records.isEmpty)
  }

  @Test func repliesOfOneBatchLeaveInTheOrderOfTheRequests() {
    var bench = Bench()
    bench.prepare(b(5, 2), key: "x")
    bench.prepare(b(6, 2), key: "y")
    bench.prepare(b(7, 2), key: "z")
    bench.persist(2)
    #expect(bench.messages.map(\.message.ballot) == [b(5, 2), b(6, 2)])
    bench.persist(1)
    #expect(bench.messages.map(\.message.ballot) == [b(7, 2)])
  }

  @Test func registersDoNotShareTheirPromises() {
    var bench = Bench()
    bench.prepare(b(9, 3), key: "x")
    bench.persist()
    bench.prepare(b(4, 2), key: "y")
    bench.persist()
    #expect(bench.last.kind == .promise)
  }

  @Test func aRoundOfAnOlderEpochIsNotVotedOnWhateverElseItIs() throws {
    let held = state(1, at: b(5, 2))
    var settings = Settings.test(1)
    settings.configuration = try Configuration(
      epoch: Epoch(1), voters: settings.configuration.voters)
    var bench = Bench(
      restoring: [.accept(key: "k", ballot: b(5, 2), promised: b(5, 2), state: held)], settings)
    bench.persist()
    bench.accept(b(5, 2), held)
    #expect(bench.messages.map(\.message.kind) == [.configuration])
    bench.prepare(b(1000, 3), key: "other")
    #expect(bench.messages.map(\.message.kind) == [.configuration])
    #expect(bench.records.isEmpty && bench.machine.registerCount == 1)
    // Each is told once in a while.
    bench.read(b(1001, 3))
    #expect(bench.messages.isEmpty)
  }

  @Test func aStoreOfANewerEpochKeepsItAndOneThatDisagreesIsRefused() throws {
    let old = Settings.test(1)
    let newer = try Configuration(epoch: Epoch(2), voters: [VoterID(1), VoterID(7)])
    var machine = CounterMachine(old)
    try machine.restore(.configuration(newer))
    #expect(machine.configuration == newer)
    let other = try Configuration(epoch: Epoch(0), voters: [VoterID(1), VoterID(2)])
    var fresh = CounterMachine(old)
    #expect(throws: RestoreError.self) { try fresh.restore(.configuration(other)) }
  }
}
