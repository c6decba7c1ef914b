import Synod
import Testing

@testable import CASPaxos

/// Rules 25 to 29: reads, and refusals that are observations.
@Suite struct ReadTests {
  @Test func aReadChangesNothingAtAnAcceptor() {
    var bench = Bench()
    bench.read(b(3, 2))
    #expect(bench.last == Message(.readReply, slot: 0, ballot: b(3, 2)))
    #expect(bench.records.isEmpty && bench.machine.registerCount == 0)
  }

  @Test func aReadIsAnsweredFromDurableStateAlone() {
    var bench = Bench()
    bench.accept(b(5, 3), state(7, at: b(5, 3)))
    bench.read(b(3, 2))
    #expect(bench.messages.isEmpty)
    bench.persist()
    #expect(bench.last.kind == .readReply)
    #expect(bench.last.accepted == b(5, 3) && bench.last.state == state(7, at: b(5, 3)))
  }

  @Test func equalAnswersSettleAReadInOneRoundTrip() {
    var bench = Bench()
    bench.propose(.read)
    #expect(bench.messages.map(\.to) == [.peers] && bench.last.kind == .read)
    bench.answer(bench.request, from: 2)
    #expect(bench.results == [.read(Register())])
    #expect(bench.records.isEmpty && bench.machine.statistics.fastReads == 1)
  }

  @Test func dissentingLowerAnswersDoNotMatter() {
    var bench = Bench()
    bench.propose(.read)
    let read = bench.request
    bench.answer(read, from: 2, accepted: b(3, 2), state(4, at: b(3, 2)))
    #expect(bench.completed.isEmpty)
    bench.answer(read, from: 3, accepted: b(3, 2), state(4, at: b(3, 2)))
    let register = Register(value: "4", version: Version(ballot: b(3, 2), step: 1))
    #expect(bench.results == [.read(register)])
  }

  @Test func anOutstandingPromiseDoesNotHinderARead() {
    var bench = Bench()
    bench.prepare(b(9, 3))
    bench.persist()
    bench.propose(.read)
    bench.answer(bench.request, from: 2)
    #expect(bench.results == [.read(Register())])
  }

  @Test func voterAndNameOfTheAnswerCount() {
    var bench = Bench(of: 5)
    bench.propose(.read)
    let read = bench.request
    var old = read
    old.ballot = b(read.ballot.counter + 1, 1)
    for sender in 2...5 as ClosedRange<UInt32> { bench.answer(old, from: sender) }
    for _ in 0..<5 { bench.answer(read, from: 2) }
    #expect(bench.completed.isEmpty)
    bench.answer(read, from: 3)
    #expect(bench.completed.count == 1)
  }

  @Test func aReadIsNamedAnewInEveryLife() {
    var bench = Bench { $0.counterBlock = 2 }
    bench.propose(.read)
    let first = bench.request
    var again = Bench(restoring: bench.batches.flatMap(\.records), bench.settings)
    again.persist()
    again.propose(.read)
    #expect(again.request.ballot != first.ballot && again.request.slot == first.slot)
    again.answer(first, from: 2)
    again.answer(first, from: 3)
    #expect(again.completed.isEmpty)
  }

  @Test func aPrepareQuorumThatAgreesProvesNothingWhereFewerAnswersMakeOne() {
    var bench = Bench(of: 4, quorums: (2, 3))
    bench.propose(.read)
    let read = bench.request
    let held = state(4, at: b(3, 2))
    bench.answer(read, from: 2, accepted: b(3, 2), held)
    bench.answer(read, from: 3, accepted: b(3, 2), held)
    #expect(bench.completed.isEmpty, "two of the three that choose")
    bench.answer(read, from: 4, accepted: b(3, 2), held)
    #expect(bench.completed.count == 1)
  }

  @Test func anAcceptQuorumThatAgreesMayBeStaleWhereFewerAcceptancesMakeOne() {
    var bench = Bench(of: 3, quorums: (3, 1))
    bench.propose(.read)
    let read = bench.request
    bench.answer(read, from: 2)
    #expect(bench.completed.isEmpty, "the third may hold a newer state that is chosen")
    bench.answer(read, from: 3, accepted: b(3, 2), state(4, at: b(3, 2)))
    #expect(bench.completed.count == 1)
    if case .read(let register) = bench.results[0] { #expect(register.number == 4) }
  }

  @Test func aReadThatFindsNoAgreementWritesTheStateBackBeforeItTellsIt() {
    var bench = Bench()
    bench.raise(to: 5)
    bench.propose(.read)
    let read = bench.request
    bench.answer(read, from: 2, accepted: b(3, 2), state(4, at: b(3, 2)))
    bench.answer(read, from: 3, accepted: b(2, 3), state(9, at: b(2, 3)))
    let prepare = bench.request
    #expect(prepare.kind == .prepare)
    bench.persist()
    bench.promise(prepare, from: 2, accepted: b(3, 2), state(4, at: b(3, 2)))
    #expect(bench.completed.isEmpty)
    let accept = bench.request
    #expect(accept.kind == .accept && accept.state == state(4, at: b(3, 2)))
    bench.persist()
    bench.accepted(accept, from: 2)
    let register = Register(value: "4", version: Version(ballot: b(3, 2), step: 1))
    #expect(bench.results == [.read(register)], "the version is that of the write")
  }

  @Test func aReadThatCannotSettleLosesPatience() {
    var bench = Bench { $0.patience = 5 }
    bench.propose(.read)
    bench.answer(bench.request, from: 2, accepted: b(3, 2), state(4, at: b(3, 2)))
    bench.tick(to: 6)
    #expect(bench.last.kind == .prepare)
  }

  @Test func aBarrierReadWritesEvenWhereAllAgree() {
    var bench = Bench()
    bench.propose(.barrierRead)
    #expect(bench.last.kind == .prepare)
    bench.promiseOwnAndOthers()
    let accept = bench.request
    #expect(accept.kind == .accept && accept.state == .blank)
    bench.persist()
    #expect(bench.completed.isEmpty)
    bench.accepted(accept, from: 3)
    #expect(bench.results == [.read(Register())])
  }

  @Test func aBarrierReadUsesAnArmedPromise() {
    var bench = Bench { $0.piggybackAfter = 0 }
    bench.add(3)
    bench.propose(.barrierRead)
    #expect(bench.last.kind == .accept && bench.last.state == state(3, at: b(1, 1)))
  }

  @Test func aRefusalOnASettledStateIsToldWithoutAWrite() {
    var bench = Bench()
    bench.propose(.change(.swap(5, for: 6)))
    bench.promiseOwnAndOthers()
    #expect(bench.results == [.notApplied(.rejected(.found(0), Register()))])
    #expect(bench.messages.isEmpty)
  }

  @Test func aRefusalOnAnUnsettledStateIsToldAfterThatIsWrittenBack() {
    var bench = Bench()
    bench.raise(to: 5)
    bench.propose(.change(.swap(5, for: 6)))
    bench.persist()
    bench.promise(bench.request, from: 2, accepted: b(3, 2), state(4, at: b(3, 2)))
    #expect(bench.completed.isEmpty)
    let accept = bench.request
    #expect(accept.kind == .accept && accept.state == state(4, at: b(3, 2)))
    bench.persist()
    bench.accepted(accept, from: 2)
    let register = Register(value: "4", version: Version(ballot: b(3, 2), step: 1))
    #expect(bench.results == [.notApplied(.rejected(.found(4), register))])
  }

  @Test func aRefusalWhoseStateIsNeverSettledTellsNothing() {
    var bench = Bench()
    bench.raise(to: 5)
    bench.propose(.change(.swap(5, for: 6)), deadline: 50)
    bench.persist()
    bench.promise(bench.request, from: 2, accepted: b(3, 2), state(4, at: b(3, 2)))
    bench.tick(to: 50)
    #expect(bench.results == [.notApplied(.abandoned(.deadline))])
  }

  /// Rule 29's trace: 1 is armed with its own write; 2 writes and is acknowledged; a compare at 1
  /// must not be answered from what 1 holds.
  @Test func anArmedStateDoesNotAnswerARefusal() {
    var bench = Bench { $0.piggybackAfter = 0 }
    bench.add(1)
    bench.propose(.change(.swap(5, for: 6)))
    #expect(bench.completed.isEmpty)
    let read = bench.request
    #expect(read.kind == .read)
    let newer = state(2, at: b(9, 2), lineage: [b(1, 1)])
    bench.answer(read, from: 2, accepted: b(9, 2), newer)
    #expect(bench.completed.isEmpty)
    bench.answer(read, from: 3, accepted: b(9, 2), newer)
    let register = Register(value: "2", version: Version(ballot: b(9, 2), step: 1))
    #expect(bench.results == [.notApplied(.rejected(.found(2), register))])
  }

  @Test func anArmedStateThatTheReadFindsChangedIsPreparedAnew() {
    var bench = Bench { $0.piggybackAfter = 0 }
    bench.add(1)
    bench.propose(.change(.swap(2, for: 6)))
    let read = bench.request
    let newer = state(2, at: b(9, 2), lineage: [b(1, 1)])
    bench.answer(read, from: 2, accepted: b(9, 2), newer)
    bench.answer(read, from: 3, accepted: b(9, 2), newer)
    #expect(bench.completed.isEmpty && bench.last.kind == .prepare)
  }

  @Test func promisesFromBeforeARequestDoNotAnswerIt() {
    var bench = Bench()
    let first = bench.propose(.change(.swap(5, for: 6)))
    bench.propose(.change(.swap(5, for: 7)))
    bench.promiseOwnAndOthers()
    #expect(bench.completed.map(\.proposal) == [first])
    #expect(bench.last.kind == .prepare, "the second asks for itself")
  }

  @Test func readsAndChangesThatOnlyLookShareOneRead() {
    var bench = Bench()
    bench.add(3)
    bench.propose(.read)
    let read = bench.request
    bench.propose(.change(.get))
    bench.propose(.read)
    #expect(bench.messages.isEmpty)
    bench.answer(read, from: 2, accepted: b(1, 1), state(3, at: b(1, 1)))
    #expect(bench.completed.count == 1 && bench.last.kind == .read)
    bench.answer(bench.request, from: 3, accepted: b(1, 1), state(3, at: b(1, 1)))
    let register = Register(value: "3", version: Version(ballot: b(1, 1), step: 1))
    #expect(bench.results == [.applied(3, register), .read(register)])
  }

  @Test func aRegisterThatIsOnlyReadLeavesNothingBehind() {
    var bench = Bench()
    for number in 0..<20 {
      bench.propose(.read, key: Bytes("\(number)"))
      bench.answer(bench.request, from: 2)
      #expect(bench.completed.count == 1)
    }
    #expect(bench.machine.registerCount == 0)
  }
}
