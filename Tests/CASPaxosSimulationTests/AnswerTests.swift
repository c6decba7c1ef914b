import Synod
import SynodSimulation
import Testing

@testable import CASPaxos
@testable import CASPaxosSimulation

/// What clients are told of a state that there was not.
@Suite struct AnswerTests {
  typealias World = SmallWorld<KeyValueWorkload>
  typealias Operation = CASPaxos.Operation<KeyValueChange>

  let key = Bytes("k0")

  /// Three voters that lose nothing, with room for folds.
  private func world() -> World {
    var plan = RunPlan(seed: 4)
    plan.voters = 3
    plan.keys = 1
    plan.isTiny = false
    return World(plan)
  }

  private func ask(_ changes: [KeyValueChange], at node: Int, of world: inout World) {
    for change in changes {
      world.propose(Proposal(key: key, operation: .change(change)), at: node)
    }
    world.settle()
  }

  @Test func nothingIsNotSeenWhereNothingWasDeleted() {
    var world = world()
    ask([.set(1)], at: 0, of: &world)
    world.answer(.read, of: key, at: 1, with: .read(Register())) { world in
      ask([.set(2), .set(3), .set(4)], at: 0, of: &world)
      #expect(world.violation == nil)
    }
    #expect(world.violation?.contains("was told of version") == true)
  }

  @Test func nothingIsNotSeenElsewhereThanInTheRoundThatDeleted() {
    var world = world()
    ask([.set(1)], at: 0, of: &world)
    world.answer(.read, of: key, at: 1, with: .read(Register())) { world in
      ask([.set(2), .delete, .set(4)], at: 0, of: &world)
      #expect(world.violation == nil)
    }
    #expect(world.violation?.contains("was told of version") == true)
  }

  @Test func nothingIsSeenInTheRoundThatDeleted() {
    var world = world()
    ask([.set(1)], at: 0, of: &world)
    world.answer(.read, of: key, at: 0, with: .read(Register())) { world in
      ask([.set(2), .delete, .set(4)], at: 0, of: &world)
    }
    #expect(world.violation == nil)
    #expect(world.subject.verdict(budget: 1_000_000) == .good)
  }

  /// A deletion is proposed, and nobody but its proposer accepts it.
  private func worldWithLostDeletion() -> World {
    var world = world()
    ask([.set(1)], at: 0, of: &world)
    world.loses = { $0.kind == .accept }
    ask([.delete], at: 0, of: &world)
    return world
  }

  @Test func aListLeavesOutNothingThatIsThere() {
    var world = worldWithLostDeletion()
    let list = KeyList(keys: [], through: .max)
    let operation = Operation.list(after: nil, limit: 10)
    world.answer(operation, of: Bytes(), at: 1, with: .listed(list)) { _ in }
    #expect(world.violation?.contains("leaves out") == true)
  }

  @Test func whatAListToldOfStays() throws {
    var world = world()
    ask([.set(1)], at: 0, of: &world)
    let number = try #require(world.subject.ledger.numbers[key])
    let version = world.subject.ledger.newest(of: number)
    // It takes effect, and its client is told nothing.
    var isProposed = false
    world.loses = { message in
      if message.kind == .accept { isProposed = true }
      return message.kind == .accepted || isProposed && message.kind == .promise
    }
    ask([.delete], at: 0, of: &world)
    let list = KeyList(keys: [], through: .max)
    let operation = Operation.list(after: nil, limit: 10)
    world.answer(operation, of: Bytes(), at: 1, with: .listed(list)) { _ in }
    #expect(world.violation == nil)
    let old = KeyValueChange.set(1).apply(to: Register())
    guard case .write(let value, _) = old else { return }
    let register = Register(value: value, version: version)
    world.answer(.read, of: key, at: 2, with: .read(register)) { _ in }
    #expect(world.violation?.contains("was told of before it began") == true)
  }

  @Test func nobodyTellsOfMembersThatAreNotDecided() {
    var world = world()
    var members = world.nodes[0].machine.membership
    world.note(world.subject.heard(.membership(members), of: VoterID(2)))
    #expect(world.violation == nil)
    members.revision += 1
    world.note(world.subject.heard(.membership(members), of: VoterID(2)))
    #expect(world.violation?.contains("voter 2 tells of") == true)
  }
}
