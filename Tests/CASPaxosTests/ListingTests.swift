import Synod
import Testing

@testable import CASPaxos

/// Lists of the registers, put together from the voters' pages.
@Suite struct ListingTests {
  private let high = b(9, 2)

  private func list(after: UInt64? = nil, limit: Int = 100) -> CASPaxos.Operation<Counter> {
    .list(after: after, limit: limit)
  }

  private func hash(_ key: Bytes) -> UInt64 { Settings.test(1).hash(of: key) }

  private func ordered(_ keys: [Bytes]) -> [Bytes] { keys.sorted { hash($0) < hash($1) } }

  @Test func anEmptyClusterListsNothing() {
    var bench = Bench()
    bench.propose(list())
    #expect(bench.messages.map(\.to) == [.peers] && bench.request.kind == .list)
    bench.page(bench.request, from: 2, [])
    #expect(bench.results == [.listed(KeyList(keys: [], through: .max))])
    #expect(bench.machine.openProposals == 0 && bench.machine.core.listings.isEmpty)
  }

  @Test func whatTheVotersAgreeOnIsListedInOneRoundTripInTheOrderOfHashes() {
    var bench = Bench()
    for key in ["a", "b", "c", "d"] as [Bytes] {
      bench.accept(b(3, 2), state(1, at: b(3, 2)), key: key)
    }
    bench.accept(high, RegisterState(version: Version(ballot: high, step: 1)), key: "gone")
    bench.persist()
    bench.propose(list())
    let all = ordered(["a", "b", "c", "d", "gone"])
    bench.page(
      bench.request, from: 3, all.map { ($0, $0 == "gone" ? high : b(3, 2), $0 != "gone") })
    let keys = all.filter { $0 != "gone" }
    #expect(bench.results == [.listed(KeyList(keys: keys, through: .max))])
    #expect(bench.machine.statistics.listings == 1)
    #expect(bench.machine.statistics.listedByReading == 0)
  }

  @Test func aPageShowsDurableStateAlone() {
    var bench = Bench()
    bench.accept(high, state(1, at: high), key: "a")
    bench.list(b(3, 2))
    #expect(bench.messages.isEmpty)
    bench.persist()
    #expect(bench.last.kind == .page)
    #expect(bench.shown.map(\.key) == ["a"] && bench.shown[0].accepted == high)
  }

  @Test func aPromiseIsNotListed() {
    var bench = Bench()
    bench.prepare(high, key: "promised")
    bench.persist()
    bench.list(b(3, 2))
    #expect(bench.last.kind == .page && bench.shown.isEmpty)
  }

  /// Only an accept quorum of those who answered makes it known; what one of two holds may be chosen or
  /// not, and a read finds out.
  @Test func whatTheVotersDoNotAgreeOnIsRead() {
    var bench = Bench()
    bench.accept(b(3, 2), state(1, at: b(3, 2)))
    bench.persist()
    bench.propose(list())
    let request = bench.request
    bench.page(request, from: 2, [("k", high, true)])
    #expect(bench.completed.isEmpty && bench.requests.count == 1)
    bench.page(request, from: 3, [("k", b(3, 2), true)])
    #expect(bench.request.kind == .read && bench.request.key == "k")
    bench.answer(bench.request, from: 2, accepted: high, state(2, at: high))
    bench.answer(bench.request, from: 3, accepted: high, state(2, at: high))
    #expect(bench.results == [.listed(KeyList(keys: ["k"], through: .max))])
    #expect(bench.machine.statistics.listedByReading == 1)
  }

  @Test func aReadThatFindsNothingTakesTheKeyOffTheList() {
    var bench = Bench()
    bench.propose(list())
    bench.page(bench.request, from: 2, [("k", b(3, 2), true)])
    bench.tick(to: bench.now + bench.settings.patience)
    #expect(bench.request.kind == .read)
    let deleted = RegisterState(version: Version(ballot: high, step: 1))
    bench.answer(bench.request, from: 2, accepted: high, deleted)
    bench.answer(bench.request, from: 3, accepted: high, deleted)
    #expect(bench.results == [.listed(KeyList(keys: [], through: .max))])
  }

  @Test func whoHasNotAnsweredMaySettleTheOthersPages() {
    var bench = Bench()
    bench.propose(list())
    bench.page(bench.request, from: 2, [("k", high, true)])
    #expect(bench.completed.isEmpty)
    bench.page(bench.request, from: 3, [("k", high, true)])
    #expect(bench.results == [.listed(KeyList(keys: ["k"], through: .max))])
    #expect(bench.requests.count == 1)
  }

  /// Where a prepare quorum is small, it may hold what was never chosen; where an accept quorum is, its
  /// members may all be stale.
  @Test func bothQuorumsCount() {
    var bench = Bench(of: 3, quorums: (prepare: 3, accept: 1))
    bench.propose(list())
    bench.page(bench.request, from: 2, [("k", high, true)])
    #expect(bench.completed.isEmpty && bench.requests.count == 1)
    var other = Bench(of: 3, quorums: (prepare: 1, accept: 3))
    other.accept(high, state(1, at: high))
    other.persist()
    other.propose(list())
    #expect(other.completed.isEmpty)
    other.page(other.request, from: 2, [("k", high, true)])
    #expect(other.completed.isEmpty)
    other.page(other.request, from: 3, [("k", high, true)])
    #expect(other.results == [.listed(KeyList(keys: ["k"], through: .max))])
  }

  @Test func theListEndsWhereTheShortestPageDoes() {
    let keys = ordered((0..<6).map { Bytes("key\($0)") })
    var bench = Bench()
    for key in keys { bench.accept(high, state(1, at: high), key: key) }
    bench.persist()
    bench.propose(list(limit: 4))
    let short = keys[..<2].map { ($0, high, true) }
    bench.page(bench.request, from: 2, short, through: hash(keys[1]))
    #expect(bench.results == [.listed(KeyList(keys: Array(keys[..<2]), through: hash(keys[1])))])
    bench.propose(list(after: hash(keys[1]), limit: 4))
    bench.page(bench.request, from: 2, keys[2...].map { ($0, high, true) })
    #expect(bench.results == [.listed(KeyList(keys: Array(keys[2..<6]), through: .max))])
    bench.propose(list(after: .max))
    #expect(bench.results == [.listed(KeyList(keys: [], through: .max))])
  }

  @Test func aRetransmissionGoesToThoseWhoHaveNotAnswered() {
    var bench = Bench(of: 5)
    bench.propose(list())
    bench.page(bench.request, from: 4, [])
    bench.tick(to: bench.now + bench.settings.retransmitAfter)
    #expect(
      bench.messages.map(\.to) == [.voter(VoterID(2)), .voter(VoterID(3)), .voter(VoterID(5))])
    #expect(bench.messages.allSatisfy { $0.message == bench.request })
    bench.page(bench.request, from: 4, [])
    #expect(bench.completed.isEmpty)
    bench.page(bench.request, from: 5, [])
    #expect(bench.completed.count == 1)
  }

  @Test func pagesThatCannotBeTrueAreNotCounted() {
    let keys = ordered((0..<3).map { Bytes("key\($0)") })
    let all = keys.map { ($0, high, true) }
    var bench = Bench()
    bench.propose(list(after: hash(keys[0])))
    let request = bench.request
    bench.page(request, from: 2, all)
    bench.page(request, from: 2, [all[2], all[1]])
    bench.page(request, from: 2, [all[1], all[1]])
    bench.page(request, from: 2, all[1...], through: hash(keys[1]))
    bench.page(request, from: 2, [], through: hash(keys[0]))
    bench.receive(Message(.page, slot: request.slot, ballot: request.ballot), from: 2)
    bench.receive(
      Message(
        .page, slot: request.slot, ballot: request.ballot,
        state: RegisterState(value: "no page at all")), from: 2)
    var other = request
    other.ballot = b(request.ballot.counter + 1, 1)
    bench.page(other, from: 2, [])
    bench.page(request, from: 9, [])
    #expect(bench.completed.isEmpty && bench.machine.core.listings.open[0].votes.count == 1)
    bench.page(request, from: 2, [])
    #expect(bench.completed.count == 1)
  }

  @Test func aListEndsAtItsDeadlineOrWhenItIsCancelledAndItsReadsWithIt() {
    var bench = Bench()
    bench.propose(list(), deadline: 50)
    bench.propose(list())
    for request in bench.requests.suffix(2) { bench.page(request, from: 2, [("k", high, true)]) }
    bench.tick(to: 10)
    #expect(bench.machine.openTasks == 2)
    bench.tick(to: 50)
    #expect(bench.results == [.notApplied(.abandoned(.deadline))])
    #expect(bench.machine.openTasks == 1)
    bench.cancel(ProposalID(2))
    #expect(bench.results == [.notApplied(.abandoned(.cancelled))])
    #expect(bench.machine.openTasks == 0 && bench.machine.openProposals == 0)
  }

  @Test func listsEndWithTheMachine() {
    var bench = Bench()
    bench.propose(list())
    bench.propose(list())
    bench.page(bench.request, from: 2, [("k", high, true)])
    bench.tick(to: 10)
    bench.storageFailed()
    #expect(bench.results == Array(repeating: .notApplied(.abandoned(.storageFailed)), count: 2))
    #expect(bench.machine.openProposals == 0 && bench.machine.openTasks == 0)
  }

  @Test func listsBeyondTheirLimitAreRefused() {
    var bench = Bench { $0.maxListings = 1 }
    bench.propose(list())
    bench.propose(list())
    #expect(bench.results == [.notApplied(.overloaded)])
    #expect(bench.machine.openProposals == 1)
  }

  /// However many clients want a piece, no more is asked for at once than two large pages have.
  @Test func listsWaitForOthersWhereTheyAskForMuch() {
    var bench = Bench()
    for _ in 0..<5 { bench.propose(list(limit: KeyPage.maxEntries)) }
    #expect(bench.requests.count == 2)
    for number in 0..<5 {
      #expect(bench.requests.count == min(number + 2, 5))
      bench.page(bench.requests[number], from: 2, [])
      #expect(bench.completed.count == 1)
    }
    #expect(bench.machine.core.listings.isEmpty)
    for _ in 0..<20 { bench.propose(list(limit: 10)) }
    #expect(bench.requests.count == 25)
  }

  @Test func aListThatWaitsEndsAtItsDeadlineAndLetsNobodyWaitForIt() {
    var bench = Bench()
    for _ in 0..<2 { bench.propose(list(limit: KeyPage.maxEntries)) }
    let waiting = bench.propose(list(limit: KeyPage.maxEntries), deadline: bench.now + 50)
    bench.propose(list(limit: KeyPage.maxEntries))
    bench.tick(to: bench.now + 50)
    #expect(bench.completed.map(\.proposal) == [waiting])
    bench.page(bench.requests[0], from: 2, [])
    #expect(bench.requests.count == 3)
  }

  @Test func aListWaitsForADurableReservation() {
    var bench = Bench(started: false)
    bench.propose(list())
    #expect(bench.messages.isEmpty)
    bench.persist()
    #expect(bench.last.kind == .list)
  }

  @Test func readsOfAListAreBoundedAndAllAreMade() {
    let keys = ordered((0..<200).map { Bytes("key\($0)") })
    var bench = Bench()
    bench.propose(list(limit: 1000))
    bench.page(bench.request, from: 2, keys.map { ($0, high, true) })
    bench.tick(to: bench.now + bench.settings.patience)
    #expect(bench.machine.openTasks == Listing.maxReads)
    var answered = 1
    while answered < bench.requests.count {
      let read = bench.requests[answered]
      answered += 1
      bench.persist()
      for voter in 2...3 as ClosedRange<UInt32> {
        bench.answer(read, from: voter, accepted: high, state(1, at: high))
      }
      #expect(bench.machine.openTasks <= Listing.maxReads)
    }
    #expect(answered == 201)
    #expect(bench.results == [.listed(KeyList(keys: keys, through: .max))])
  }

  @Test func anotherConfigurationBeginsAListAnew() {
    var bench = Bench()
    bench.propose(list())
    let first = bench.request
    bench.page(first, from: 2, [("k", high, true)])
    bench.tick(to: 10)
    #expect(bench.machine.openTasks == 1)
    bench.machine.core.restartListings()
    bench.tick(to: 10)
    #expect(bench.machine.openTasks == 0 && bench.request.kind == .list)
    #expect(bench.request.ballot != first.ballot)
    bench.page(first, from: 2, [])
    #expect(bench.completed.isEmpty)
    bench.page(bench.request, from: 3, [])
    #expect(bench.results == [.listed(KeyList(keys: [], through: .max))])
  }

  /// Pages are large; a store that does not answer must not let them pile up.
  @Test func fewPagesWaitForTheStore() {
    var bench = Bench()
    bench.accept(high, state(1, at: high))
    for counter in 1...100 { bench.list(b(UInt64(counter), 2)) }
    #expect(bench.machine.heldReplies < 20)
    bench.persist()
    bench.list(b(200, 2))
    #expect(bench.last.kind == .page && bench.last.ballot == b(200, 2))
  }

  /// A voter that holds more registers than it looks at in one tick.
  private func manyRegisters() -> Bench {
    let records = (0..<PageQueue.costAtOnce + 1).map {
      Record.accept(
        key: Bytes("key \($0)"), ballot: high, promised: high, state: state(1, at: high))
    }
    var bench = Bench(restoring: records, Settings.test(1))
    bench.persist()
    return bench
  }

  /// However many nodes ask at once, the voter's other work goes on between their pages.
  @Test func pagesTakeABoundedPartOfATurnAndTheOthersFollow() {
    var bench = manyRegisters()
    bench.list(b(1, 2))
    #expect(bench.last.kind == .page)
    for _ in 0..<3 {
      // Asked for again while it waits, it is answered once.
      for voter in 2...3 as ClosedRange<UInt32> {
        bench.list(b(2, voter))
        #expect(bench.messages.isEmpty)
      }
    }
    bench.prepare(b(9, 2))
    bench.persist()
    #expect(bench.answer == .promise)
    #expect(bench.machine.nextDeadline == Ticks(bench.now + 1))
    var answered: [VoterID] = []
    for _ in 0..<5 {
      bench.tick(to: bench.now + 1)
      #expect(bench.messages.count <= 1)
      answered += bench.messages.map(\.message.ballot.voter)
    }
    #expect(answered == [VoterID(2), VoterID(3)])
  }

  @Test func aNodeThatAsksForManyPagesKeepsNobodyFromItsOwn() {
    var bench = manyRegisters()
    for counter in 1...200 { bench.list(b(UInt64(counter), 2)) }
    bench.list(b(1, 3))
    #expect(bench.machine.core.pages.waiting.count == PageQueue.limitOfOne + 1)
    var answered: [VoterID] = []
    for _ in 0...PageQueue.limitOfOne {
      bench.tick(to: bench.now + 1)
      answered += bench.messages.map(\.message.ballot.voter)
    }
    #expect(answered.count == PageQueue.limitOfOne + 1 && answered.last == VoterID(3))
    #expect(bench.machine.core.pages.isEmpty && bench.machine.nextDeadline != Ticks(bench.now + 1))
  }

  /// Small pages of a small table cost little: many fit into one turn.
  @Test func smallPagesAreMadeAtOnce() {
    let records = (0..<50).map {
      Record.accept(
        key: Bytes("key \($0)"), ballot: high, promised: high, state: state(1, at: high))
    }
    var bench = Bench(restoring: records, Settings.test(1))
    bench.persist()
    for counter in 1...64 {
      bench.list(b(UInt64(counter), 2), limit: 10)
      #expect(bench.messages.map(\.message.kind) == [.page])
    }
  }

  /// Of an older epoch by now, its page would say nothing.
  @Test func aListThatWaitsIsAnsweredInItsOwnEpochAlone() throws {
    var bench = manyRegisters()
    bench.list(b(1, 2))
    bench.list(b(2, 2))
    var members = bench.machine.membership
    members.revision += 1
    members.configuration = try Configuration(
      epoch: Epoch(1), voters: (1...3).map { VoterID($0) })
    var message = Message(
      .configuration, slot: 0,
      ballot: Ballot(epoch: Epoch(1), counter: members.revision + 1, voter: VoterID(2)))
    message.state.value = members.encoded
    bench.receive(message, from: 2)
    bench.persist()
    bench.tick(to: bench.now + 1)
    #expect(bench.messages.map(\.message.kind) == [.configuration])
  }
}

extension Bench {
  fileprivate mutating func page(
    _ request: Message, from sender: UInt32, _ entries: some Sequence<(Bytes, Ballot, Bool)>,
    through: UInt64 = .max
  ) {
    let page = KeyPage(
      entries: entries.map { .init(key: $0.0, accepted: $0.1, hasValue: $0.2) }, through: through)
    receive(
      Message(
        .page, slot: request.slot, ballot: request.ballot,
        state: RegisterState(value: page.encoded)), from: sender)
  }

  fileprivate mutating func list(_ name: Ballot, after: UInt64? = nil, limit: UInt32 = 100) {
    let request = KeyPage.Request(after: after, limit: limit)
    receive(
      Message(.list, slot: 0, ballot: name, state: RegisterState(value: request.encoded)),
      from: name.voter.rawValue)
  }

  /// What the last page shows.
  fileprivate var shown: [KeyPage.Entry] { KeyPage(encoded: last.state.value!)!.entries }
}
