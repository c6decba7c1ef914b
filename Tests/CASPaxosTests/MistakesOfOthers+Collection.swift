import Synod
import Testing

@testable import CASPaxos

/// peterbourgon/caspaxos: deletion, and a change of the members that fails.
extension MistakesOfOthers {
  /// It collects whatever its read of all acceptors returned, also where that is a value that was
  /// written meanwhile.
  static func collectingAValue() {
    var world = collectingWorld()
    // Written again, and its own acceptor, which holds the tombstone still, does not hear of it.
    world.propose(.change(.add(7)), at: 2)
    world.deliver(among: 2, 3)
    world.lose()
    world.run(2000)
    #expect(world[1].statistics.collected == 0 && world[1].floor.isZero)
    for voter in 1...3 as ClosedRange<UInt32> { #expect(world.number(at: voter) == 7) }
  }

  /// Its acceptors erase what has the same bytes: also a later deletion, which a minority has not
  /// heard of.
  static func erasingByBytes() {
    var world = collectingWorld()
    world.deliverAll { $0.message.kind != .erase }
    for _ in 0..<200 where world[1].statistics.collected == 0 {
      world.pass(10)
      world.deliverAll { $0.message.kind != .erase }
    }
    let late = world.letters.filter { $0.message.kind == .erase && $0.to != VoterID(1) }
    #expect(late.map(\.to) == [VoterID(2), VoterID(3)])
    // Written by all, deleted again by two.
    #expect(world.result(.change(.add(1)), at: 2) != nil)
    let again = world.propose(.change(.delete), at: 2)
    world.deliver(among: 1, 2)
    #expect(world.ended[again] != nil)
    world.lose()
    for letter in late { world.receive(letter.message, at: letter.to.rawValue, from: 1) }
    // Whoever asks the one that holds the value finds the deletion beside it.
    let read = world.propose(.read, at: 3)
    world.run(1000, among: [2, 3])
    guard case .read(let register)? = world.ended[read] else {
      Issue.record("no answer")
      return
    }
    #expect(register.value == nil)
  }

  /// Its acceptors take a lower age in place of a higher: what they were told to refuse passes again.
  static func loweringAFloor() {
    var bench = Bench()
    bench.accept(b(9, 2), ErasureTests.tombstone, key: "a")
    bench.accept(b(5, 2), ErasureTests.tombstone, key: "b")
    bench.persist()
    bench.erase(b(9, 2), key: "a")
    bench.erase(b(5, 2), key: "b")
    bench.persist()
    #expect(bench.machine.floor == b(9, 2))
    // What is written last need not be the highest.
    let records = bench.batches.flatMap(\.records)
    for log in [records, records + [.floor(b(3, 2))]] {
      var again = Bench(restoring: log, bench.settings)
      again.persist()
      again.accept(b(8, 3), state(1, at: b(8, 3)), key: "a")
      #expect(again.answer == .conflict && again.machine.floor == b(9, 2))
    }
  }

  /// It undoes a growth that failed, and does not look whether that failed, too: proposers are left
  /// with quorums that need not meet. A rollback is decided like anything else, or not told as done.
  static func ignoringThatAnUndoFailed() {
    var world = MembersWorld()
    #expect(world.result(.change(.add(3)), at: 1) != nil)
    _ = world.result(.changeMembership(.add(address: "four", role: .voter)), at: 1)
    world.start(4)
    for _ in 0..<400 where !world[2].configuration.isJoint { world.run(10) }
    #expect(world[1].configuration.isJoint && world[2].configuration.isJoint)
    let joint = world[2].configuration.epoch
    // It is cut off while it asks for the rollback; the others end the change.
    let undo = world.propose(.changeMembership(.rollback(of: joint)), at: 2)
    world.lose { $0.from == VoterID(2) || $0.to == VoterID(2) }
    for _ in 0..<1000 where world[1].configuration.isJoint { world.run(10, among: [1, 3, 4]) }
    #expect(world.ended[undo] == nil && world[2].configuration.epoch == joint)
    #expect(world[1].configuration.voters.count == 4)
    world.run(3000)
    guard case .notApplied(.refused)? = world.ended[undo] else {
      Issue.record("\(String(describing: world.ended[undo]))")
      return
    }
    for voter in 1...4 as ClosedRange<UInt32> {
      #expect(world[voter].configuration == world[1].configuration)
      #expect(world.number(at: voter) == 3)
    }
  }

  /// Three voters of which the first collects; its register is deleted everywhere.
  private static func collectingWorld() -> MembersWorld {
    var world = MembersWorld { $0.collectAfter = $0.voter == VoterID(1) ? 64 : nil }
    #expect(world.result(.change(.add(5)), at: 1) != nil)
    #expect(world.result(.change(.delete), at: 1) != nil)
    world.deliverAll()
    return world
  }
}
