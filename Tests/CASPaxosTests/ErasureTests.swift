import Synod
import Testing

@testable import CASPaxos

/// Rules 33 to 35: what an acceptor erases, and what it remembers in its place.
@Suite struct ErasureTests {
  static let tombstone = RegisterState(version: Version(ballot: b(5, 2), step: 1))

  /// A machine that holds a tombstone, durably.
  static func bench(at ballot: Ballot = b(5, 2)) -> Bench {
    var bench = Bench()
    bench.accept(ballot, tombstone)
    bench.persist()
    return bench
  }

  private func expectRefused(_ bench: Bench, _ ballot: Ballot, floor: Ballot) {
    #expect(bench.records.isEmpty)
    #expect(bench.last == Message(.conflict, slot: 0, ballot: ballot, floor: floor))
  }

  @Test func anErasedRegisterIsGoneAndItsFloorStands() {
    var bench = Self.bench()
    bench.erase(b(5, 2))
    #expect(bench.records == [.erase(key: "k", ballot: b(5, 2), floor: b(5, 2))])
    #expect(bench.machine.acceptorState(of: "k") == nil && bench.machine.registerCount == 0)
    #expect(bench.machine.floor == b(5, 2))
    bench.erase(b(5, 2))
    #expect(bench.records.isEmpty)
  }

  @Test func onlyTheBallotOfTheTombstoneErasesItNotItsValue() {
    var bench = Self.bench()
    bench.accept(b(7, 3), Self.tombstone)
    for ballot in [b(4, 2), b(5, 2), b(6, 2), b(8, 2)] {
      bench.erase(ballot)
      #expect(bench.records.isEmpty)
    }
    #expect(bench.machine.acceptorState(of: "k")?.accepted == b(7, 3))
    #expect(bench.machine.floor.isZero)
  }

  @Test func aValueIsNeverErased() {
    var bench = Bench()
    bench.accept(b(5, 2), state(1, at: b(5, 2)))
    bench.erase(b(5, 2))
    #expect(bench.records.isEmpty && bench.machine.acceptorState(of: "k") != nil)
  }

  @Test func whatIsAtOrBelowTheFloorIsRefusedAndToldWhy() {
    var bench = Self.bench()
    bench.erase(b(5, 2))
    bench.accept(b(4, 3), state(1, at: b(4, 3)))
    #expect(bench.messages.isEmpty)
    bench.persist()
    expectRefused(bench, b(4, 3), floor: b(5, 2))
    bench.prepare(b(4, 3))
    expectRefused(bench, b(4, 3), floor: b(5, 2))
    bench.accept(b(5, 2), Self.tombstone)
    expectRefused(bench, b(5, 2), floor: b(5, 2))
    #expect(bench.machine.registerCount == 0)
  }

  @Test func aRegisterThatIsThereIsNotBoundByTheFloor() {
    var bench = Self.bench()
    bench.prepare(b(3, 3), key: "other")
    bench.erase(b(5, 2))
    bench.accept(b(3, 3), state(1, at: b(3, 3)), key: "other")
    #expect(bench.machine.acceptorState(of: "other")?.accepted == b(3, 3))
  }

  @Test func aPromiseAboveTheTombstoneStaysForTheRoundThatHasIt() {
    var bench = Self.bench()
    bench.prepare(b(9, 3))
    bench.erase(b(5, 2))
    #expect(bench.machine.acceptorState(of: "k")?.promised == b(9, 3))
    bench.prepare(b(8, 2))
    bench.accept(b(8, 2), Self.tombstone)
    #expect(bench.machine.acceptorState(of: "k")?.accepted == .zero)
    bench.accept(b(9, 3), state(1, at: b(9, 3)))
    #expect(bench.machine.acceptorState(of: "k")?.accepted == b(9, 3))
  }

  @Test func aPromiseTellsTheFloor() {
    var bench = Self.bench()
    bench.erase(b(5, 2))
    bench.prepare(b(6, 3))
    bench.persist()
    #expect(bench.last == Message(.promise, slot: 0, ballot: b(6, 3), floor: b(5, 2)))
  }

  @Test func thatThereIsNothingIsToldOnceItIsDurable() {
    var bench = Self.bench()
    bench.erase(b(5, 2))
    bench.read(b(6, 3))
    #expect(bench.messages.isEmpty)
    bench.persist()
    #expect(bench.last == Message(.readReply, slot: 0, ballot: b(6, 3)))
  }

  @Test func theFloorOutlivesTheProcessByLogAndByCheckpoint() {
    var bench = Self.bench()
    bench.erase(b(5, 2))
    bench.persist()
    var pieces: [Record] = []
    _ = bench.machine.restate(after: nil, limit: .max, into: &pieces)
    for records in [bench.batches.flatMap(\.records), pieces] {
      var again = Bench(restoring: records, bench.settings)
      again.persist()
      #expect(again.machine.floor == b(5, 2) && again.machine.registerCount == 0)
      again.accept(b(4, 3), state(1, at: b(4, 3)))
      expectRefused(again, b(4, 3), floor: b(5, 2))
    }
  }

  /// A piece of a checkpoint is taken after the records that are replayed over it.
  @Test func anErasureReplayedOverANewerPieceLeavesWhatIsNewer() {
    var bench = Self.bench()
    var log = bench.batches.flatMap(\.records)
    bench.erase(b(5, 2))
    log += bench.records
    bench.accept(b(9, 3), state(1, at: b(9, 3)))
    var pieces: [Record] = []
    _ = bench.machine.restate(after: nil, limit: .max, into: &pieces)
    let held = bench.machine.acceptorState(of: "k").map { "\($0)" }
    for replayed in [log, log + bench.records] {
      let again = Bench(restoring: pieces + replayed, bench.settings)
      #expect(again.machine.acceptorState(of: "k").map { "\($0)" } == held)
    }
  }

  @Test func anErasureReplayedOverAPieceTakenBeforeOrAfterItErases() {
    var bench = Self.bench()
    let accepted = bench.batches.flatMap(\.records)
    var before: [Record] = []
    _ = bench.machine.restate(after: nil, limit: .max, into: &before)
    bench.erase(b(5, 2))
    let erased = bench.records
    var after: [Record] = []
    _ = bench.machine.restate(after: nil, limit: .max, into: &after)
    for records in [before + erased, after + accepted + erased, after + erased] {
      let again = Bench(restoring: records, bench.settings)
      #expect(again.machine.registerCount == 0 && again.machine.floor == b(5, 2))
    }
  }

  @Test func anErasureOfAnotherEpochOrOfAStrangerDoesNothing() {
    var bench = Self.bench()
    bench.receive(Message(.erase, slot: 0, ballot: b(5, 2), key: "k"), from: 3)
    bench.receive(
      Message(
        .erase, slot: 0, ballot: Ballot(epoch: Epoch(1), counter: 5, voter: VoterID(2)), key: "k"),
      from: 2)
    #expect(bench.records.isEmpty && bench.machine.floor.isZero)
    #expect(bench.machine.acceptorState(of: "k")?.accepted == b(5, 2))
  }

  @Test func aLineageIsBoundedAndWhatItDropsIsForgotten() {
    var now = RegisterState.blank
    for voter in 1...20 as ClosedRange<UInt32> {
      now = now.written("x", at: b(UInt64(voter), voter), step: 1)
    }
    #expect(now.lineage.count == RegisterState.maxLineage)
    for voter in 1...20 as ClosedRange<UInt32> {
      let ballot = b(UInt64(voter), voter)
      #expect(now.descends(from: ballot) != (ballot <= now.forgotten))
    }
  }
}
