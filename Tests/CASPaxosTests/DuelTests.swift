import CASPaxos
import Synod
import Testing

/// Proposers that meet on the same registers, in worlds drawn from seeds.
@Suite struct DuelTests {
  static let keys: [Bytes] = ["a", "b", "c"]

  /// Has the world judge all that was told in it. What it says is enough to see a failure again.
  /// - Returns: whether nothing was wrong.
  @discardableResult
  static func expectSafe(
    _ world: inout RandomWorld, keys: [Bytes] = ["a"],
    sourceLocation: SourceLocation = #_sourceLocation
  ) -> Bool {
    world.conclude(keys: keys)
    guard !world.violations.isEmpty else { return true }
    let seed = world.shape.seed
    Issue.record(
      """
      \(world.violations.joined(separator: "\n"))
      in \(world.shape)
      again: SYNOD_SEEDS='\(seed)..<\(seed + 1)' swift test --filter DuelTests
      """, sourceLocation: sourceLocation)
    return false
  }

  static func outcome(_ id: ProposalID, in world: RandomWorld) -> Outcome<Append>? {
    world.calls[id]?.outcome
  }

  @Test func everyAppendOfDuellingProposersIsAppliedOnce() {
    for seed in RandomWorld.seeds {
      var world = RandomWorld(.init(seed: seed))
      var appends: [ProposalID] = []
      for _ in 0..<60 {
        appends.append(world.propose(.change(.append(world.nextID)), at: world.draw(3)))
        for _ in 0..<world.draw(20) { world.step() }
      }
      guard Self.expectSafe(&world) else { return }
      for id in appends {
        guard case .applied? = Self.outcome(id, in: world) else {
          Issue.record("\(id) was not applied in \(world.shape)")
          continue
        }
      }
    }
  }

  @Test func appendsCountOnceThroughLossDuplicationCutsCrashesAndCheckpoints() {
    for seed in RandomWorld.seeds {
      var shape = RandomWorld.Shape(seed: seed, voters: [1, 3, 5][Int(seed % 3)])
      shape.faults = .init(loss: 10, duplication: 20, crash: 8, cut: 1, checkpoint: 5)
      var world = RandomWorld(shape)
      for _ in 0..<60 {
        world.propose(.change(.append(world.nextID)), at: world.draw(shape.voters))
        for _ in 0..<world.draw(30) { world.step() }
      }
      guard Self.expectSafe(&world) else { return }
    }
  }

  @Test func fiveNodesHammeringOneKeyAllMakeProgress() {
    var world = RandomWorld(.init(seed: 5, voters: 5))
    for _ in 0..<40 {
      for node in 0..<5 { world.propose(.change(.append(world.nextID)), at: node) }
      for _ in 0..<100 { world.step() }
    }
    for node in 0..<5 { #expect(world.nodes[node].machine.statistics.chosen > 0) }
    Self.expectSafe(&world)
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func readsRefusalsDeletesAndAppendsAreLinearizable(part: UInt64) {
    for seed in RandomWorld.seeds where seed % 4 == part {
      let shape = RandomWorld.Shape.drawn(from: seed)
      var world = RandomWorld(shape)
      for _ in 0..<60 {
        let key = Self.keys[world.draw(shape.keys)]
        Self.proposeAny(in: &world, key: key)
        for _ in 0..<world.draw(shape.gap) { world.step() }
        if world.draw(100) < world.faults.cancel {
          world.cancel(ProposalID(UInt64(1 + world.draw(world.calls.count))))
        }
      }
      for _ in 0..<200 { world.step() }
      guard Self.expectSafe(&world, keys: Array(Self.keys[..<shape.keys])) else { return }
    }
  }

  /// Anything that a client may ask for.
  static func proposeAny(in world: inout RandomWorld, key: Bytes) {
    var key = key
    let id = world.nextID
    let operation: CASPaxos.Operation<Append>
    switch world.draw(20) {
    case 0..<7: operation = .change(.append(id))
    case 7..<9: operation = .change(.appendIfOdd(id))
    case 9..<11:
      let held = world.nodes[world.draw(world.nodes.count)].machine.acceptorState(of: key)
      operation = .change(.appendAfter(last: held?.state.register.list.last ?? 0, id))
    case 11..<13: operation = .change(.count)
    case 13: operation = .change(.countReadOnly)
    case 14..<16: operation = .read
    case 16..<18: operation = .barrierRead
    case 18:
      // A register that nobody wrote: its cell comes and goes.
      key = Bytes("nobody's \(id)")
      operation = .read
    default:
      // Deleting ends what can be told of a register's history, so there is one for that.
      key = "deleted"
      operation = .change(world.draw(3) == 0 ? .delete : .append(id))
    }
    let hurries = world.draw(100) < world.faults.deadline
    let deadline = hurries ? world.now + 1 + UInt64(world.draw(60)) : nil
    world.propose(operation, at: world.draw(world.nodes.count), key: key, deadline: deadline)
  }
}
