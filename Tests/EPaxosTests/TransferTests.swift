@testable import EPaxos
import Synod
import Testing

/// Snapshots that are long under way.
@Suite struct TransferTests {
  static let barrier = Batch([Entry(.barrier)])

  /// One in which a piece holds next to nothing, and nobody proposes barriers.
  static func world() -> World {
    World.directed(3) {
      $0.barrierEvery = nil
      $0.maxPieceBytes = 1
    }
  }

  static func decision(_ id: InstanceID, _ batch: Batch, _ dep: InstanceID...) -> Message {
    var all = Dependencies()
    for id in dep { all.insert(id) }
    return .commit([.init(id, Value(batch, all))])
  }

  /// It would take the effects with it of what came later and is forgotten here.
  @Test func aSnapshotThatIsOlderThanWhatIsForgottenHereIsNotInstalled() {
    var world = Self.world()
    let x = Self.decision(at(3, 1), World.command(1))
    world.learn(x, at: 2, 3)
    world.learn(Self.decision(at(3, 2), Self.barrier, at(3, 1)), at: 2, 3)
    // Void, and known to 2 alone.
    world.learn(Self.decision(at(3, 9), .nop), at: 2)
    world.network.removeAll()
    // 1 lacks the command; 2 freezes a snapshot for it.
    world.with(VoterID(1)) {
      $0.core.catchUp = .init(source: VoterID(2))
      $0.core.askForPiece()
    }
    world.hand(1, 2, "fetchPiece")
    // What 1 lacks comes after all, and more, which 1 and 3 forget.
    world.learn(x, at: 1)
    world.learn(Self.decision(at(3, 2), Self.barrier, at(3, 1)), at: 1)
    world.learn(Self.decision(at(2, 1), World.command(2), at(3, 2)), at: 1, 3)
    world.learn(Self.decision(at(3, 3), Self.barrier, at(3, 2), at(2, 1)), at: 1, 3)
    world.mingle(1, 3)
    #expect(world[1].isForgotten(at(2, 1)))
    #expect(world.numbers(1) == [1, 2])
    // 2 knows nothing of that, and its snapshot comes to its end.
    world.network.removeAll { $0.message.kind != "piece" && $0.message.kind != "fetchPiece" }
    world.mingle(1, 2)
    #expect(world.numbers(1) == [1, 2])
    world.restart(VoterID(1))
    #expect(world.numbers(1) == [1, 2])
    world.settle()
    #expect(world.numbers(2) == [1, 2])
    world.expectAgreement()
  }

  /// The state would have its effects, and this node would not know it.
  @Test func aSnapshotThatNamesRowsOfNobodyIsNotInstalled() {
    let world = Self.world()
    let alien = InstanceID(row: Row(epoch: Epoch(7), owner: VoterID(1)), number: 1)
    for (dep, isTaken) in [(deps(at(3, 1)), true), (deps(alien), false)] {
      let one = Message.Committed(at(2, 1), Value(World.command(1), dep))
      #expect(world[1].core.isBehind(world.membership, Dependencies(), [one]) == isTaken)
    }
  }

  /// It is as long as the state, and nobody goes on with it.
  @Test func aSnapshotThatCameToNothingIsNotKept() {
    var world = Self.world()
    world.learn(Self.decision(at(3, 1), World.command(1)), at: 2)
    world.with(VoterID(1)) {
      $0.core.catchUp = .init(source: VoterID(2))
      $0.core.askForPiece()
    }
    world.hand(1, 2, "fetchPiece")
    world.hand(2, 1, "piece")
    #expect(world[1].incoming != nil)
    world.crash(2)
    for _ in 0..<100 { world.pass(20) }
    #expect(world[1].incoming == nil)
    world.compact(VoterID(1))
    let begun = world.nodes[VoterID(1)]!.disk.count {
      if case .stateBegins = $0 { true } else { false }
    }
    #expect(begun == 1)
    #expect(world.problems == [])
  }

  /// The source forgets between two requests, and executes nothing meanwhile: what was executed in
  /// between would be missing in a list that begins behind it.
  @Test func piecesOfTwoSnapshotsOfOneSourceAreNotPutTogether() {
    var world = Self.world()
    let first = Self.decision(at(2, 1), World.command(1))
    let second = Self.decision(at(2, 2), World.command(2, [1]))
    let barrier = Self.decision(at(2, 3), Self.barrier, at(2, 2))
    for message in [first, second, barrier] { world.learn(message, at: 1, 2) }
    for message in [second, barrier] { world.learn(message, at: 3) }
    #expect(world.numbers(3, 1) == [2] && world.numbers(3) == [])
    world.with(VoterID(3)) {
      $0.core.catchUp = .init(source: VoterID(2))
      $0.core.askForPiece()
      $0.core.askForPiece()
    }
    world.hand(3, 2, "fetchPiece")
    #expect(!world[2].isForgotten(at(2, 1)))
    world.hand(1, 2, "executed")
    #expect(world[2].isForgotten(at(2, 1)))
    world.hand(3, 2, "fetchPiece")
    world.network.removeAll { $0.message.kind != "piece" && $0.message.kind != "fetchPiece" }
    world.mingle(2, 3)
    #expect(world[3].statistics.installed == 1)
    #expect(world.numbers(3, 1) == [2])
    #expect(world.numbers(3) == [1])
    world.settle()
    world.expectAgreement()
  }

  /// It is cut off from here in one direction, and asks as often as it may.
  @Test func whoAsksForTheSameAgainAndAgainKeepsNobodyElseFromASnapshot() {
    var world = World.directed(3) {
      $0.barrierEvery = nil
      $0.maxPieceBytes = 1
      $0.maxTransfers = 1
    }
    world.learn(Self.decision(at(3, 1), World.command(1)), at: 1)
    func ask(_ voter: UInt32) { world.with(VoterID(1)) { $0.givePiece(0, 0, to: VoterID(voter)) } }
    ask(3)
    ask(2)
    #expect(world[1].transfers.map(\.to) == [VoterID(3)])
    var turns = 0
    while world[1].transfers.map(\.to) == [VoterID(3)], turns < 1_000 {
      world.pass(20)
      ask(3)
      ask(2)
      turns += 1
    }
    #expect(world[1].transfers.map(\.to) == [VoterID(2)])
    let patience = 32 * world[1].settings.retransmitAfter
    #expect(turns * 20 >= patience && turns * 20 < 2 * patience)
  }
}

extension World {
  /// Has these hear from another what was decided.
  mutating func learn(_ decision: Message, at voters: UInt32...) {
    for voter in voters { tell(decision, from: voter % 3 + 1, to: voter) }
  }
}
