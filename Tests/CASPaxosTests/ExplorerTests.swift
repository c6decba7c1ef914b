import CASPaxos
import Synod
import Testing

/// Every run of small worlds. In a test run each world is walked to a bounded number of states, which
/// the summary tells; set `SYNOD_EXPLORE` to a number of states to go on.
@Suite struct ExplorerTests {
  typealias Step = ExplorerWorld.Step

  static func settings(
    _ voters: Int = 3, prepare: Int? = nil, accept: Int? = nil, piggyback: UInt8? = nil
  ) -> [Settings] {
    let quorums =
      prepare.map { try! QuorumSystem(voters: voters, prepare: $0, accept: accept ?? $0) }
    return (1...UInt32(voters)).map { voter in
      var settings = Settings.test(voter, of: voters, quorums: quorums)
      settings.piggybackAfter = piggyback
      settings.backoff = 0
      return settings
    }
  }

  /// Writes 1 through node 1 and lets everyone hear of it, so that node 1 holds the next promise.
  static func warm(_ world: inout ExplorerWorld) {
    world.make(.start(0))
    var delivered: Set<ExplorerWorld.InFlight> = []
    while world.plan[0].outcome == nil || world.pending.contains(where: { !$0.isEmpty }) {
      if let node = world.pending.firstIndex(where: { !$0.isEmpty }) {
        world.make(.persist(node))
      } else if let item = world.network.messages.first(where: { !delivered.contains($0) }) {
        delivered.insert(item)
        world.make(.deliver(item))
      } else {
        break
      }
    }
    world.network.removeAll()
  }

  static func expectSafe(
    _ world: ExplorerWorld, sees expected: Set<String>, _ name: String
  ) {
    let all = Explorer.explore(world)
    let deep = Explorer.walk(world, walks: Explorer.budget / 25)
    print(
      "explored \(name): \(all.states) states, \(all.moves + deep.moves) moves, "
        + (all.isExhaustive ? "exhaustive" : "bounded"))
    for report in [all, deep] {
      if let violation = report.violation {
        Issue.record("\(name): \(violation)\n\(report.trace.joined(separator: "\n"))")
      }
    }
    let seen = all.seen.union(deep.seen)
    #expect(seen.isSuperset(of: expected), "\(name) only saw \(seen.sorted())")
  }

  @Test func twoProposersAddOnceEach() {
    let world = ExplorerWorld(
      settings: Self.settings(),
      plan: [
        Step(node: 0, operation: .change(.add(1))), Step(node: 1, operation: .change(.add(10))),
      ],
      isPrompt: true)
    Self.expectSafe(world, sees: ["0 applied", "1 applied"], "two proposers")
  }

  @Test func aPromiseAskedForAheadIsSafe() {
    for (voters, prepare, accept) in [(3, 2, 2), (4, 3, 2), (4, 2, 3), (3, 3, 1)] {
      var world = ExplorerWorld(
        settings: Self.settings(voters, prepare: prepare, accept: accept, piggyback: 0),
        plan: [
          Step(node: 0, operation: .change(.add(1))), Step(node: 0, operation: .change(.add(10))),
          Step(node: 1, operation: .change(.add(100))),
        ], isPrompt: true)
      Self.warm(&world)
      Self.expectSafe(
        world, sees: ["0 applied", "1 applied"], "one round trip \(voters)/\(prepare)/\(accept)")
    }
  }

  @Test func aReadOfOneRoundTripIsNeitherStaleNorEarly() {
    for (voters, prepare, accept) in [(3, 2, 2), (4, 3, 2), (4, 2, 3), (3, 3, 1)] {
      let world = ExplorerWorld(
        settings: Self.settings(voters, prepare: prepare, accept: accept),
        plan: [
          Step(node: 0, operation: .change(.add(1))), Step(node: 1, operation: .read),
          Step(node: 2, operation: .read),
        ], isPrompt: true)
      Self.expectSafe(world, sees: ["1 read", "2 read"], "reads \(voters)/\(prepare)/\(accept)")
    }
  }

  @Test func aRefusalIsToldOnlyFromASettledState() {
    var world = ExplorerWorld(
      settings: Self.settings(piggyback: 0),
      plan: [
        Step(node: 0, operation: .change(.add(1))), Step(node: 1, operation: .change(.add(10))),
        Step(node: 0, operation: .change(.swap(5, for: 6))),
      ], isPrompt: true)
    Self.warm(&world)
    Self.expectSafe(world, sees: ["2 not applied"], "refusals from what was kept")

    let cold = ExplorerWorld(
      settings: Self.settings(),
      plan: [
        Step(node: 0, operation: .change(.add(1))),
        Step(node: 1, operation: .change(.swap(5, for: 6))),
        Step(node: 2, operation: .change(.swap(5, for: 6))),
      ], isPrompt: true)
    Self.expectSafe(cold, sees: ["1 not applied", "2 not applied"], "refusals from promises")
  }

  @Test func nothingIsForgottenByACrash() {
    let world = ExplorerWorld(
      settings: Self.settings(),
      plan: [Step(node: 0, operation: .change(.add(1))), Step(node: 1, operation: .read)],
      crashes: 1)
    Self.expectSafe(world, sees: ["1 read"], "a crash")
  }

  @Test func aRestartedProposerNeverReusesABallot() {
    let world = ExplorerWorld(
      settings: Self.settings(),
      plan: [
        Step(node: 0, operation: .change(.add(1))), Step(node: 0, operation: .change(.add(10))),
      ],
      crashes: 1, isPrompt: true)
    Self.expectSafe(world, sees: ["0 applied", "1 applied"], "a restarted proposer")
  }

  @Test func aLostAcceptIsLookedIntoAndCountsOnce() {
    var world = ExplorerWorld(
      settings: Self.settings(piggyback: 0),
      plan: [
        Step(node: 0, operation: .change(.add(1))), Step(node: 0, operation: .change(.add(10))),
        Step(node: 1, operation: .change(.add(100))),
      ], timeOuts: 2, cancels: 1, isPrompt: true)
    Self.warm(&world)
    Self.expectSafe(world, sees: ["1 applied"], "lost accepts")
  }
}
