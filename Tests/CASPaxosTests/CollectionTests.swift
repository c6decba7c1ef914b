import Synod
import Testing

@testable import CASPaxos

/// The sweep, collecting, and what is told of changes whose traces were collected.
@Suite struct CollectionTests {
  static let tombstone = ErasureTests.tombstone

  static func bench(voters: Int = 3, adjust: (inout Settings) -> Void = { _ in }) -> Bench {
    var bench = Bench(1, of: voters) {
      $0.collectAfter = 64
      adjust(&$0)
    }
    bench.accept(b(5, 2), tombstone)
    bench.raise(to: 9)
    return bench
  }

  /// Lets passes go by until a round is begun.
  static func sweep(_ bench: inout Bench, passes: Int = 8) {
    for _ in 0..<passes {
      bench.tick(to: bench.now + 64)
      if bench.messages.contains(where: { $0.message.kind == .prepare }) { return }
    }
  }

  /// - Returns: the accept of the tombstone.
  static func leadToAccept(_ bench: inout Bench) -> Message {
    sweep(&bench)
    let prepare = bench.request
    bench.persist()
    bench.promise(prepare, from: 2, accepted: b(5, 2), tombstone)
    return bench.request
  }

  @Test func aTombstoneIsCollectedOnceEveryVoterHasAcceptedIt() {
    var bench = Self.bench()
    let accept = Self.leadToAccept(&bench)
    #expect(accept.kind == .accept && accept.state == Self.tombstone && accept.promised.isZero)
    bench.persist()
    bench.accepted(accept, from: 2)
    #expect(bench.messages.isEmpty && bench.machine.floor.isZero)
    bench.accepted(accept, from: 3)
    #expect(
      bench.messages == [
        Envelope(to: .peers, message: Message(.erase, slot: 0, ballot: accept.ballot, key: "k"))
      ])
    #expect(
      bench.records == [.erase(key: "k", ballot: accept.ballot, floor: accept.ballot)])
    #expect(bench.machine.registerCount == 0 && bench.machine.statistics.collected == 1)
    #expect(bench.machine.openTasks == 0 && bench.completed.isEmpty)
  }

  @Test func aYoungTombstoneIsLeftAlone() {
    var bench = Self.bench()
    for _ in 0..<10 {
      bench.tick(to: bench.now + 64)
      #expect(bench.messages.isEmpty)
      bench.prepare(b(bench.now, 2))
      bench.persist()
    }
  }

  @Test func aValueIsNotCollected() {
    var bench = Self.bench()
    bench.accept(b(8, 2), state(1, at: b(8, 2)))
    Self.sweep(&bench)
    #expect(bench.messages.isEmpty)
  }

  @Test func whereAQuorumHoldsAValueTheTombstoneIsLeft() {
    var bench = Self.bench()
    Self.sweep(&bench)
    let prepare = bench.request
    bench.persist()
    bench.promise(prepare, from: 2, accepted: b(8, 2), state(1, at: b(8, 2)))
    #expect(bench.messages.isEmpty && bench.machine.openTasks == 0)
  }

  /// A voter that promised above the tombstone's ballot refuses it: its round may have seen an older
  /// state.
  @Test func aRefusalEndsACollection() {
    var bench = Self.bench()
    let accept = Self.leadToAccept(&bench)
    bench.persist()
    bench.accepted(accept, from: 2)
    bench.conflict(accept, from: 3, promised: b(accept.ballot.counter + 5, 3))
    #expect(bench.machine.openTasks == 0)
    bench.accepted(accept, from: 3)
    #expect(bench.messages.isEmpty && bench.machine.floor.isZero)
  }

  @Test func aCollectionGivesWayToAClient() {
    for votes in 0...2 {
      var bench = Self.bench()
      let accept = Self.leadToAccept(&bench)
      if votes > 0 { bench.persist() }
      if votes > 1 { bench.accepted(accept, from: 2) }
      bench.propose(.change(.add(1)))
      #expect(bench.machine.openTasks == 0)
      #expect(bench.request.kind == .prepare && bench.request.ballot > accept.ballot)
      // What comes late erases nothing.
      bench.accepted(accept, from: 2)
      bench.accepted(accept, from: 3)
      #expect(bench.machine.floor.isZero)
      let prepare = bench.request
      bench.persist()
      bench.promise(prepare, from: 3, accepted: accept.ballot, accept.state)
      #expect(bench.request.state.register.number == 1)
    }
  }

  static func tombstone(at ballot: Ballot, knowing sequence: UInt64) -> RegisterState {
    var state = RegisterState(version: Version(ballot: ballot, step: 1))
    state.remember(
      "told", of: Once(Identity128(high: 0, low: 1), sequence), limit: 16)
    return state
  }

  @Test func whatKnowsOfClientsIsCollectedByANodeThatSawHowLongItLay() {
    let known = Self.tombstone(at: b(5, 2), knowing: 1)
    var bench = Self.bench { $0.sessionsLast = 2 }
    bench.accept(b(6, 2), known)
    Self.sweep(&bench, passes: 20)
    let prepare = bench.request
    bench.persist()
    bench.promise(prepare, from: 2, accepted: b(6, 2), known)
    let accept = bench.request
    bench.persist()
    for voter in [2, 3] as [UInt32] { bench.accepted(accept, from: voter) }
    #expect(bench.machine.floor == accept.ballot)
  }

  /// It was away when the register was written last: what it holds is old, the register is not.
  @Test func aNodeThatWasAwayTakesOverWhatKnowsOfClientsAndCollectsItLater() {
    let newer = Self.tombstone(at: b(7, 2), knowing: 2)
    var bench = Self.bench { $0.sessionsLast = 2 }
    bench.accept(b(6, 2), Self.tombstone(at: b(5, 2), knowing: 1))
    Self.sweep(&bench, passes: 20)
    var prepare = bench.request
    bench.persist()
    bench.promise(prepare, from: 2, accepted: b(7, 2), newer)
    var accept = bench.request
    #expect(accept.kind == .accept && accept.state == newer)
    bench.persist()
    for voter in [2, 3] as [UInt32] { bench.accepted(accept, from: voter) }
    #expect(bench.machine.floor.isZero && bench.machine.openTasks == 0)
    #expect(bench.machine.acceptorState(of: "k")?.state == newer)
    Self.sweep(&bench, passes: 20)
    #expect(bench.request.ballot > accept.ballot)
    let written = accept.ballot
    prepare = bench.request
    bench.persist()
    bench.promise(prepare, from: 2, accepted: written, newer)
    accept = bench.request
    bench.persist()
    for voter in [2, 3] as [UInt32] { bench.accepted(accept, from: voter) }
    #expect(bench.machine.floor == accept.ballot)
  }

  @Test func whereAVoterIsSilentOneCollectionAtATimeIsTried() {
    var bench = Self.bench { $0.retransmitAfter = 4 }
    for number in 0..<200 {
      bench.accept(b(5, 2), Self.tombstone, key: Bytes("key\(number)"))
    }
    bench.persist()
    var most = 0
    for _ in 0..<2000 {
      bench.tick(to: bench.now + 1)
      most = max(most, bench.machine.openTasks)
      if bench.now > 1000 { #expect(bench.machine.openTasks <= 1) }
    }
    #expect(most == 64)
  }

  @Test func aRegisterThatWasOnlyPromisedIsFoldedIntoTheFloor() {
    var bench = Bench { $0.collectAfter = 64 }
    bench.prepare(b(5, 2), key: "a")
    bench.prepare(b(7, 3), key: "b")
    bench.persist()
    for _ in 0..<4 { bench.tick(to: bench.now + 64) }
    #expect(bench.machine.registerCount == 0 && bench.machine.floor == b(7, 3))
    bench.persist()
    bench.prepare(b(6, 2), key: "a")
    #expect(bench.last == Message(.conflict, slot: 0, ballot: b(6, 2), floor: b(7, 3)))
  }

  @Test func nothingIsCollectedWhereNobodyAsksForIt() {
    var bench = Self.bench { $0.collectAfter = nil }
    Self.sweep(&bench, passes: 20)
    #expect(bench.messages.isEmpty)
    // It asks for the members now and then, and nothing else is due.
    #expect(bench.machine.nextDeadline == bench.machine.core.members.askAt)
  }

  // MARK: Outcomes

  /// An addition whose accept nobody answered, and the prepare that looks for it.
  static func ambiguous(_ bench: inout Bench) -> (lost: Ballot, prepare: Message) {
    let accept = bench.leadToAccept()
    bench.conflict(accept, from: 2, promised: b(accept.ballot.counter + 1, 2))
    bench.conflict(accept, from: 3, promised: b(accept.ballot.counter + 1, 2))
    return (accept.ballot, bench.request)
  }

  /// Both others accept what was found, which is to be as it was.
  static func expectBurial(_ bench: inout Bench, of state: RegisterState) {
    #expect(bench.completed.isEmpty)
    let burial = bench.request
    #expect(burial.kind == .accept && burial.state == state)
    bench.accepted(burial, from: 2)
    #expect(bench.completed.isEmpty)
    bench.accepted(burial, from: 3)
  }

  /// It is told once nothing more can come of it.
  @Test func whereAFloorIsAsHighAsTheLostBallotItsOutcomeCannotBeTold() {
    for floor in [b(40, 3), b(1, 1)] {
      var bench = Bench()
      let (lost, prepare) = Self.ambiguous(&bench)
      bench.promise(prepare, from: 2, floor: max(floor, lost))
      bench.promise(prepare, from: 3)
      Self.expectBurial(
        &bench, of: RegisterState(extra: .init(forgotten: max(floor, lost), lostSessions: true)))
      #expect(bench.results == [.unknown(.forgotten)])
      #expect(bench.machine.openProposals == 0)
    }
  }

  @Test func whoeverHasNoTimeUntilThenIsNotToldThatNothingComesOfItAnyMore() {
    var bench = Bench()
    let accept = bench.leadToAccept(deadline: 50)
    for voter in [2, 3] as [UInt32] {
      bench.conflict(accept, from: voter, promised: b(accept.ballot.counter + 1, 2))
    }
    let prepare = bench.request
    for voter in [2, 3] as [UInt32] { bench.promise(prepare, from: voter, floor: b(40, 3)) }
    #expect(bench.request.kind == .accept)
    bench.tick(to: 50)
    #expect(bench.results == [.unknown(.deadline)])
  }

  @Test func whereEveryFloorIsLowerTheChangeIsAppliedAgain() {
    var bench = Bench()
    bench.raise(to: 9)
    let (lost, prepare) = Self.ambiguous(&bench)
    bench.promise(prepare, from: 2, floor: b(lost.counter - 1, 3))
    bench.promise(prepare, from: 3)
    #expect(bench.completed.isEmpty && bench.request.state.register.number == 1)
    #expect(bench.request.state.forgotten == b(lost.counter - 1, 3))
  }

  /// With a prepare quorum of one, the voter asked may have been told of the new register and hold no
  /// floor: the state itself says what it cannot tell.
  @Test func aRegisterBegunAnewSaysThatItForgot() {
    var bench = Bench(quorums: (1, 3))
    let accept = bench.leadToAccept()
    bench.conflict(accept, from: 2, promised: b(30, 2))
    let prepare = bench.request
    let anew = RegisterState(
      value: "7", version: Version(ballot: b(20, 2), step: 1),
      extra: .init(forgotten: accept.ballot))
    bench.promise(prepare, from: 3, accepted: b(20, 2), anew)
    let burial = bench.request
    #expect(bench.completed.isEmpty && burial.kind == .accept && burial.state == anew)
    bench.persist()
    for voter in [2, 3] as [UInt32] { bench.accepted(burial, from: voter) }
    #expect(bench.results == [.unknown(.forgotten)])
  }

  @Test func changesFoldedBesideALostOneThatDidNotWriteGoOn() {
    var bench = Bench()
    bench.propose(.change(.add(1)))
    bench.propose(.barrierRead)
    bench.promiseOwnAndOthers()
    let accept = bench.request
    for voter in [2, 3] as [UInt32] {
      bench.conflict(accept, from: voter, promised: b(accept.ballot.counter + 1, 2))
    }
    let prepare = bench.request
    for voter in [2, 3] as [UInt32] { bench.promise(prepare, from: voter, floor: b(40, 3)) }
    Self.expectBurial(
      &bench, of: RegisterState(extra: .init(forgotten: b(40, 3), lostSessions: true)))
    #expect(bench.results == [.unknown(.forgotten)])
    #expect(bench.machine.openProposals == 1)
    for _ in 0..<8 where bench.request.kind == .accept { bench.wait() }
    #expect(bench.request.kind == .prepare && bench.request.ballot > prepare.ballot)
  }

  /// A fence, too: with a prepare quorum of one, whoever holds it may have no floor.
  @Test func whateverIsBegunAnewKeepsTheFloorThatWasTold() {
    for operation in [.barrierRead, .change(.add(1))] as [CASPaxos.Operation<Counter>] {
      var bench = Bench()
      bench.raise(to: 50)
      bench.proposeAndRest(operation)
      let prepare = bench.request
      bench.promise(prepare, from: 2, floor: b(40, 3))
      bench.promise(prepare, from: 3, floor: b(30, 3))
      #expect(bench.request.kind == .accept && bench.request.state.forgotten == b(40, 3))
      #expect(bench.request.ballot > b(40, 3))
    }
  }

  /// Versions rise over a deletion that was collected.
  @Test func aNodeDrawsAboveItsFloor() {
    var bench = Bench { $0.collectAfter = 64 }
    bench.prepare(b(50, 2), key: "a")
    bench.persist()
    for _ in 0..<4 { bench.tick(to: bench.now + 64) }
    bench.persist()
    bench.propose(.change(.add(1)))
    #expect(bench.request.ballot > b(50, 2))
  }

  @Test func whatIsDeletedLooksAsIfItHadNeverBeen() {
    var bench = Bench()
    bench.propose(.read)
    let gone = RegisterState(version: Version(ballot: b(5, 2), step: 1), lineage: [b(4, 3)])
    for voter in [2, 3] as [UInt32] {
      bench.answer(bench.request, from: voter, accepted: b(5, 2), gone)
    }
    #expect(bench.results == [.read(Register())])
  }

  // MARK: While the voters change

  static func joint() -> Configuration {
    let one = (1...3 as ClosedRange<UInt32>).map { VoterID($0) }
    let two = [1, 2, 4].map { VoterID($0) }
    return try! Configuration(epoch: Epoch(0), voters: one).joint(with: two)
  }

  static func c(_ counter: UInt64, _ voter: UInt32) -> Ballot {
    Ballot(epoch: Epoch(1), counter: counter, voter: VoterID(voter))
  }

  @Test func everyVoterOfBothComponentsMustHoldWhatIsCollected() {
    for missing in [2, 3, 4] as [UInt32] {
      var settings = Settings.test(1)
      settings.configuration = Self.joint()
      settings.piggybackAfter = nil
      settings.collectAfter = 64
      var bench = Bench(restoring: [], settings)
      bench.persist()
      let gone = RegisterState(version: Version(ballot: Self.c(5, 2), step: 1))
      bench.accept(Self.c(5, 2), gone)
      bench.persist()
      Self.sweep(&bench, passes: 12)
      let prepare = bench.request
      #expect(prepare.kind == .prepare)
      bench.persist()
      for voter in [2, 3, 4] as [UInt32] {
        bench.promise(prepare, from: voter, accepted: Self.c(5, 2), gone)
      }
      let accept = bench.request
      bench.persist()
      for voter in [2, 3, 4] as [UInt32] where voter != missing {
        bench.accepted(accept, from: voter)
      }
      #expect(bench.machine.floor.isZero)
      bench.accepted(accept, from: missing)
      #expect(bench.machine.floor == accept.ballot)
    }
  }

  @Test func whileTheVotersChangeOnlyTheFloorsOfTheOldOnesCount() {
    var settings = Settings.test(1)
    settings.configuration = Self.joint()
    settings.piggybackAfter = nil
    for teller in [2, 4] as [UInt32] {
      var bench = Bench(restoring: [], settings)
      bench.persist()
      bench.propose(.change(.add(1)))
      let prepare = bench.request
      bench.persist()
      for voter in [2, 3, 4] as [UInt32] {
        bench.promise(prepare, from: voter, floor: voter == teller ? Self.c(1, 2) : .zero)
      }
      #expect(bench.request.kind == .accept)
      #expect(bench.request.state.forgotten == (teller == 2 ? Self.c(1, 2) : .zero))
    }
  }
}
