import Synod
import Testing

@testable import CASPaxos

/// Watches among machines whose messages are delivered by hand.
@Suite struct WatchTests {
  /// What a node was told of since the last call; it takes all of it.
  private func told(_ voter: UInt32, _ world: inout MembersWorld) -> [Observation] {
    var all: [Observation] = []
    while true {
      var some: [Observation] = []
      for case .observed(let seen) in world.nodes[VoterID(voter)]!.effects { some.append(seen) }
      world.nodes[VoterID(voter)]!.effects = []
      if some.isEmpty { return all }
      all += some
      for one in some { world.finish(one.id, at: voter) }
    }
  }

  /// The kinds of what is delivered, and how often, while time passes.
  private func sent(
    _ kind: Message.Kind, _ ticks: UInt64, _ world: inout MembersWorld,
    where matches: (MembersWorld.Letter) -> Bool = { _ in true }
  ) -> Int {
    var count = 0
    for _ in 0..<(ticks / 10) {
      world.pass(10)
      world.deliverAll { letter in
        if letter.message.kind == kind && matches(letter) { count += 1 }
        return true
      }
    }
    return count
  }

  /// Three voters and a node without a vote, the fourth.
  private func world(
    _ role: Member.Role = .proposer, adjust: @escaping (inout Settings) -> Void = { _ in }
  ) -> MembersWorld {
    var world = MembersWorld(adjust: adjust)
    _ = world.result(.changeMembership(.add(address: "p", role: role)), at: 1)
    world.start(4)
    world.run(1500)
    return world
  }

  @Test(arguments: [Member.Role.proposer, .observer])
  func aDeletionThatWasCollectedWhileTheWatcherWasCutOffIsTold(_ role: Member.Role) {
    var world = world(role) {
      $0.watchLease = 300
      $0.collectAfter = 64
    }
    _ = world.result(.change(.add(3)), at: 1)
    world.propose(.watch(.register(after: nil)), at: 4)
    world.run(50)
    #expect(told(4, &world).map(\.register.number) == [3])
    world.propose(.change(.delete), at: 1)
    world.run(6000, among: [1, 2, 3])
    #expect(world[1].acceptorState(of: "k") == nil && world[2].acceptorState(of: "k") == nil)
    world.lose()
    world.run(1000)
    let end = told(4, &world)
    #expect(end.count == 1 && end.first?.register == Register(value: nil))
    #expect(end.first?.skipped == true)
    // Once: what is gone is not asked for again and again.
    #expect(sent(.read, 1000, &world) == 0)
    #expect(told(4, &world).isEmpty)
    // It is heard of when it is written again, too.
    _ = world.result(.change(.add(5)), at: 2)
    world.run(500)
    #expect(told(4, &world).map(\.register.number) == [5])
  }

  /// It was told of the deletion before its connection broke: that this is collected is no news.
  @Test(arguments: [Member.Role.proposer, .observer])
  func aWatchThatGoesOnBehindADeletionIsNotToldOfItAgain(_ role: Member.Role) {
    var world = world(role) {
      $0.watchLease = 300
      $0.collectAfter = 64
    }
    _ = world.result(.change(.add(3)), at: 1)
    let first = world.propose(.watch(.register(after: nil)), at: 4)
    world.run(50)
    _ = told(4, &world)
    world.propose(.change(.delete), at: 1)
    world.run(50)
    let deletion = told(4, &world).last?.register
    #expect(deletion?.value == nil && deletion.map { $0.version > .zero } == true)
    world.cancel(first, at: 4)
    world.propose(.watch(.register(after: deletion?.version)), at: 4)
    world.run(50)
    #expect(told(4, &world).isEmpty)
    world.run(6000)
    #expect(world[1].acceptorState(of: "k") == nil)
    #expect(told(4, &world).isEmpty)
    _ = world.result(.change(.add(5)), at: 2)
    world.run(500)
    #expect(told(4, &world).map(\.register.number) == [5])
  }

  /// Its client knows what was written since that read began.
  @Test func aWatchThatGoesOnIsNotToldWhatWasReadForAnotherBeforeItBegan() {
    var world = world()
    let first = world.propose(.watch(.register(after: nil)), at: 4)
    // What the read finds is late, and nobody tells the watcher of what comes.
    world.deliverAll { $0.message.kind == .read }
    let late = world.letters.filter { $0.message.kind == .readReply }
    #expect(late.count == 3)
    world.lose()
    let write = world.propose(.change(.add(3)), at: 1)
    world.run(20, among: [1, 2, 3])
    guard case .applied(3, let written)? = world.ended[write] else {
      Issue.record("not written: \(String(describing: world.ended[write]))")
      return
    }
    world.lose()
    let second = world.propose(.watch(.register(after: written.version)), at: 4)
    world.lose()
    for letter in late { world.receive(letter.message, at: 4, from: letter.from.rawValue) }
    let seen = told(4, &world)
    #expect(seen.filter { $0.watch == first }.map(\.register) == [Register(value: nil)])
    #expect(seen.filter { $0.watch == second }.isEmpty)
    // What is read next is as new as both.
    world.run(3000)
    let next = told(4, &world)
    #expect(next.filter { $0.watch == first }.map(\.register) == [written])
    #expect(next.filter { $0.watch == second }.isEmpty)
  }

  /// Something newer came while it was read, and was deleted and collected before it was.
  @Test func aDeletionThatWasCollectedDuringAReadIsTold() {
    var world = world {
      $0.watchLease = 300
      $0.collectAfter = 64
    }
    _ = world.result(.change(.add(3)), at: 1)
    world.propose(.watch(.register(after: nil)), at: 4)
    world.run(50)
    _ = told(4, &world)
    // A lone acceptance, of a write that the watcher hears no more of: it reads.
    world.propose(.change(.add(1)), at: 1)
    var kept: [MembersWorld.Letter] = []
    func hold(_ world: inout MembersWorld) {
      kept += world.letters.filter { $0.message.kind == .observed }
      world.letters.removeAll { $0.message.kind == .observed }
    }
    for _ in 0..<200 {
      guard let place = world.letters.firstIndex(where: { $0.to != VoterID(4) }) else { break }
      let letter = world.letters.remove(at: place)
      world.receive(letter.message, at: letter.to.rawValue, from: letter.from.rawValue)
      hold(&world)
    }
    #expect(kept.count == 3)
    world.receive(kept[0].message, at: 4, from: kept[0].from.rawValue)
    for _ in 0..<100 where !world.letters.contains(where: { $0.message.kind == .read }) {
      world.pass(10)
      world.lose { $0.message.kind == .watch }
    }
    let reads = world.letters.filter { $0.message.kind == .read }
    #expect(reads.count == 3)
    world.lose()
    // Now the rest of what is told of the write; and the deletion, of which it hears nothing.
    for letter in kept { world.receive(letter.message, at: 4, from: letter.from.rawValue) }
    #expect(told(4, &world).map(\.register.number) == [4])
    world.propose(.change(.delete), at: 1)
    world.run(6000, among: [1, 2, 3])
    #expect(world[1].acceptorState(of: "k") == nil)
    world.lose()
    world.letters = reads
    world.deliverAll { $0.message.kind == .read || $0.message.kind == .readReply }
    world.run(1000)
    #expect(told(4, &world).map(\.register.value) == [nil])
  }

  /// What the voters told of the register's earlier life comes late.
  @Test func aWatchDoesNotGoBackBehindAnErasure() {
    var world = world {
      $0.watchLease = 3_000
      $0.collectAfter = 64
    }
    _ = world.result(.change(.add(3)), at: 1)
    world.propose(.watch(.register(after: nil)), at: 4)
    world.run(50)
    _ = told(4, &world)
    world.propose(.change(.add(1)), at: 1)
    world.deliver(among: 1, 2, 3)
    let late = world.letters.filter { $0.message.kind == .observed }
    #expect(late.count == 3)
    world.lose()
    world.propose(.change(.delete), at: 1)
    world.run(6000, among: [1, 2, 3])
    world.lose()
    world.run(4000)
    #expect(told(4, &world).map(\.register.value) == [nil])
    for letter in late { world.receive(letter.message, at: 4, from: letter.from.rawValue) }
    world.run(1000)
    #expect(told(4, &world).isEmpty)
  }

  @Test func howManyWatchOneKeyDoesNotMatterToTheVoters() {
    var world = world { $0.watchLease = 300 }
    _ = world.result(.change(.add(3)), at: 1)
    world.run(1000)
    for _ in 0..<50 { world.propose(.watch(.register(after: nil)), at: 4) }
    // Each voter is asked once, and tells once what there is.
    var asked = 0
    world.deliverAll { letter in
      if letter.message.kind == .watch { asked += 1 }
      return true
    }
    #expect(asked == 3)
    world.run(50)
    #expect(told(4, &world).count == 50)
    // A lease is asked for again every hundred ticks.
    #expect(sent(.watch, 1000, &world) <= 3 * 10)
    #expect(sent(.observed, 1000, &world) == 0)
  }

  /// Its ballot rises, its version does not.
  @Test func aStateThatIsWrittenBackIsToldToNobodyAndSentOnce() {
    var world = world { $0.watchLease = 300 }
    _ = world.result(.change(.add(3)), at: 1)
    world.propose(.watch(.register(after: nil)), at: 4)
    world.run(50)
    _ = told(4, &world)
    _ = world.result(.barrierRead, at: 2)
    world.run(500)
    #expect(told(4, &world).isEmpty)
    #expect(sent(.observed, 1000, &world) == 0)
    #expect(sent(.read, 1000, &world) == 0)
    _ = world.result(.change(.add(1)), at: 2)
    world.run(50)
    #expect(told(4, &world).map(\.skipped) == [false])
  }

  @Test func watchesThatHoldMuchTogetherHaveOneStateAtATime() {
    for limit in [1, 1 << 20] {
      var world = world { $0.maxObservedBytesInAll = limit }
      for number in 0..<20 {
        _ = world.result(.change(.add(1)), key: Bytes("k\(number)"), at: 1)
      }
      for _ in 0..<3 { world.propose(.watch(.prefix), key: "k", at: 4) }
      world.run(500)
      // None is finished. The first may take what it likes until there is too much.
      let seen = world.nodes[VoterID(4)]!.effects.count {
        if case .observed = $0 { true } else { false }
      }
      #expect(limit == 1 ? seen <= 3 : seen == 3 * 16)
      // All are heard of in the end.
      var keys: [ProposalID: Set<Bytes>] = [:]
      for _ in 0..<200 {
        for one in told(4, &world) { keys[one.watch, default: []].insert(one.key) }
        world.run(10)
      }
      #expect(keys.count == 3 && keys.values.allSatisfy { $0.count == 20 })
    }
  }

  /// The memory of a frame, as long as anybody has a part of it.
  private struct Frame {
    weak var owner: AnyObject?
  }

  /// The message as it comes in a frame with much else.
  private func framed(_ message: Message) throws -> (message: Message, frame: Frame) {
    var writer = ByteWriter()
    message.encode(into: &writer)
    let bytes = Bytes(writer.finish().array + [UInt8](repeating: 0, count: 4096))
    var reader = ByteReader(bytes)
    return (try Message(from: &reader), Frame(owner: bytes.unsafeOwner))
  }

  /// Of what it has no room for it keeps the keys, and not the frames in which they came.
  @Test func aWatchThatIsBehindKeepsNoFrames() throws {
    var world = world { $0.watchLease = 1 << 20 }
    world.propose(.watch(.prefix), key: "k", at: 4)
    world.run(200)
    var frames: [Frame] = []
    for _ in 0..<2 {
      for number in 0..<40 { world.propose(.change(.add(1)), key: Bytes("k\(number)"), at: 1) }
      world.deliverAll { $0.message.kind != .observed }
      let told = world.letters
      world.lose()
      for letter in told {
        let (message, frame) = try framed(letter.message)
        frames.append(frame)
        world.receive(message, at: letter.to.rawValue, from: letter.from.rawValue)
      }
    }
    world.run(500)
    #expect(frames.count == 2 * 40 * 3)
    #expect(frames.count { $0.owner != nil } == 0)
    var keys: Set<Bytes> = []
    for _ in 0..<50 {
      keys.formUnion(told(4, &world).map(\.key))
      world.run(10)
    }
    #expect(keys.count == 40)
  }

  /// Whoever sets a time to never, or a number to any.
  @Test func settingsWithoutBoundsAreBounded() {
    var world = world {
      $0.retransmitAfter = .max
      $0.patience = .max
      $0.takeOverAfter = .max
      $0.backoff = .max
      $0.maxBackoff = .max
      $0.watchLease = .max
      $0.watchSweep = .max
      $0.collectAfter = .max
      $0.counterBlock = .max
      $0.maxFold = .max
      $0.maxFoldBytes = .max
      $0.maxObservations = .max
      $0.maxObservedBytes = .max
    }
    world.propose(.watch(.prefix), key: "k", at: 4)
    _ = world.result(.change(.add(3)), at: 1)
    world.run(100)
    #expect(told(4, &world).map(\.register.number) == [3])
    _ = world.result(.change(.delete), at: 2)
    let change = world.propose(.changeMembership(.add(address: "q", role: .voter)), at: 1)
    world.start(5)
    world.run(5000)
    #expect(world.ended[change] != nil)
  }

  @Test func allPrefixesOfANodeAreLookedForInOneWalkThroughTheKeys() {
    var world = world { $0.watchSweep = 1 << 30 }
    for number in 0..<64 {
      world.propose(.change(.add(1)), key: Bytes("k\(number)"), at: 1)
    }
    world.run(500)
    for number in 0..<32 { world.propose(.watch(.prefix), key: Bytes("k\(number)"), at: 4) }
    world.propose(.watch(.prefix), key: "", at: 4)
    // One walk, and another for those that came while it was under way.
    #expect(sent(.list, 300, &world) <= 2 * 3)
    var count = 0
    for _ in 0..<50 {
      count += told(4, &world).count
      world.run(10)
    }
    #expect(count == 150)
  }

  @Test func walksForWatchesTakeNoRoomOfTheClients() {
    var world = world { $0.maxListings = 1 }
    world.propose(.watch(.prefix), key: "k", at: 4)
    let list = world.propose(.list(after: nil, limit: 10), at: 4)
    #expect(world.ended[list] == nil)
    world.run(100)
    #expect(world.ended[list] == .listed(KeyList(keys: [], through: .max)))
  }

  @Test func aDeletionThatWasErasedBetweenTwoStatesIsASkip() {
    var world = world {
      $0.watchLease = 1 << 20
      $0.collectAfter = 64
    }
    _ = world.result(.change(.add(3)), at: 1)
    world.propose(.watch(.register(after: nil)), at: 4)
    world.run(50)
    _ = told(4, &world)
    world.propose(.change(.delete), at: 1)
    world.run(4000, among: [1, 2, 3])
    #expect(world[1].acceptorState(of: "k") == nil)
    // Whether it asks again or not: it was never told of the deletion.
    world.lose()
    let write = world.propose(.change(.add(5)), at: 1)
    world.deliverAll()
    #expect(world.ended[write] != nil)
    world.run(500)
    let end = told(4, &world)
    #expect(end.map(\.register.number) == [5] && end.map(\.skipped) == [true])
  }

  /// From then on nobody would tell it anything.
  @Test func theWatchesOfANodeThatIsRemovedEnd() {
    var world = world()
    let watch = world.propose(.watch(.register(after: nil)), at: 4)
    world.run(50)
    _ = told(4, &world)
    _ = world.result(.changeMembership(.remove(VoterID(4))), at: 1)
    world.run(2000)
    #expect(world.ended[watch] == .notApplied(.abandoned(.notAMember)))
  }

  @Test func whatIsKnownToBeAbsentIsNoNews() {
    var world = world()
    world.propose(.watch(.register(after: .zero)), at: 4)
    world.run(500)
    #expect(told(4, &world).isEmpty)
    _ = world.result(.change(.add(5)), at: 2)
    world.run(50)
    #expect(told(4, &world).map(\.register.number) == [5])
  }

  /// The voters tell a node of so many prefixes, and of no more: from the next one on nobody would
  /// say anything.
  @Test func aPrefixMoreThanTheVotersTellOfIsRefused() {
    var world = world()
    let most = Subscriptions.maxPrefixes
    var watches = (0..<most).map { world.propose(.watch(.prefix), key: Bytes("p\($0)"), at: 4) }
    let refusal = Outcome<Counter>.notApplied(.unwatchable(.tooManyPrefixes(limit: most)))
    let more = world.propose(.watch(.prefix), key: "more", at: 4)
    #expect(world.ended[more] == refusal)
    #expect(
      world[4].refusal(toWatch: "more", .prefix) == .unwatchable(.tooManyPrefixes(limit: most)))
    // One that is watched already, and a key, are something else.
    watches.append(world.propose(.watch(.prefix), key: "p0", at: 4))
    watches.append(world.propose(.watch(.register(after: nil)), key: "more", at: 4))
    #expect(watches.allSatisfy { world.ended[$0] == nil })
    world.run(100)
    _ = told(4, &world)
    _ = world.result(.change(.add(7)), key: "p127 too", at: 1)
    world.run(100)
    #expect(told(4, &world).map(\.key) == ["p1", "p12", "p127"].map { _ in "p127 too" })
    // Where one ends there is room.
    world.cancel(watches[5], at: 4)
    let next = world.propose(.watch(.prefix), key: "more", at: 4)
    #expect(world.ended[next] == nil)
  }

  /// It ends, and says why; the others go on.
  @Test func aPrefixOfMoreKeysThanAWatchMayKnowEndsSayingSo() {
    var world = world { $0.maxWatchedKeys = 4 }
    for number in 0..<5 { _ = world.result(.change(.add(1)), key: Bytes("a\(number)"), at: 1) }
    for number in 0..<4 { _ = world.result(.change(.add(1)), key: Bytes("b\(number)"), at: 1) }
    let large = world.propose(.watch(.prefix), key: "a", at: 4)
    let small = world.propose(.watch(.prefix), key: "b", at: 4)
    var seen: Set<Bytes> = []
    for _ in 0..<50 {
      world.run(10)
      seen.formUnion(told(4, &world).map(\.key))
    }
    #expect(world.ended[large] == .notApplied(.unwatchable(.tooManyKeys(limit: 4))))
    #expect(world.ended[small] == nil && seen.isSuperset(of: (0..<4).map { Bytes("b\($0)") }))
    // One key more ends the other, too.
    _ = world.result(.change(.add(1)), key: "b4", at: 2)
    world.run(500)
    #expect(world.ended[small] == .notApplied(.unwatchable(.tooManyKeys(limit: 4))))
  }

  /// All watches of a node together know no more than so many.
  @Test func aNodeWhoseWatchesKnowTooMuchEndsTheOneThatWantsMore() {
    var world = world { $0.maxWatchedKeysInAll = 3 }
    for number in 0..<3 { _ = world.result(.change(.add(1)), key: Bytes("a\(number)"), at: 1) }
    let first = world.propose(.watch(.prefix), key: "a", at: 4)
    world.run(500)
    _ = told(4, &world)
    let second = world.propose(.watch(.register(after: nil)), key: "b", at: 4)
    world.run(100)
    #expect(world.ended[second] == .notApplied(.unwatchable(.tooManyKeysInAll(limit: 3))))
    #expect(world.ended[first] == nil)
  }

  @Test func aWatchMoreThanANodeMayHaveIsRefused() {
    var world = world { $0.maxWatches = 2 }
    for key in ["a", "b"] as [Bytes] {
      world.propose(.watch(.register(after: nil)), key: key, at: 4)
    }
    let third = world.propose(.watch(.register(after: nil)), key: "a", at: 4)
    #expect(world.ended[third] == .notApplied(.unwatchable(.tooManyWatches(limit: 2))))
    // Nobody is told of more than the voters would.
    let most = Bench { $0.maxWatches = .max }.machine.core.settings.maxWatches
    #expect(most == Subscriptions.maxRegisters)
  }
}
