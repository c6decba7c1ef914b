import Synod
import Testing

@testable import CASPaxos

/// The voters change while clients write, through loss, duplication, reordering, slow stores, crashes
/// and checkpoints; all that clients were told is judged as in worlds that stay as they are.
@Suite struct GrowAndShrinkTests {
  static let keys: [Bytes] = ["a", "b", "c", "d"]
  static let seeds =
    RandomWorld.seeds
    .lowerBound..<max(
      RandomWorld.seeds.lowerBound + 1,
      RandomWorld.seeds.count == 40 ? 8 : RandomWorld.seeds.upperBound)

  static func world(_ seed: UInt64, voters: Int) -> RandomWorld {
    var shape = RandomWorld.Shape(seed: seed, voters: voters)
    var random = SplitMix(seed: seed ^ 0x9e)
    func one<T>(of choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
    shape.changesMembers = true
    shape.piggybackAfter = one(of: [nil, 0, 1])
    shape.maxFold = one(of: [1, 3, 4096])
    shape.retransmitAfter = one(of: [40, 100])
    shape.faults.loss = one(of: [0, 5, 15])
    shape.faults.duplication = one(of: [0, 20, 40])
    shape.faults.crash = one(of: [0, 1, 2])
    shape.faults.slowStore = one(of: [20, 50, 80])
    shape.faults.checkpoint = one(of: [0, 5])
    return RandomWorld(shape)
  }

  static func voters(_ members: Membership) -> Int { members.configuration.voters.count }

  static func isJudgedSafe(_ world: inout RandomWorld) -> Bool {
    if world.violations.isEmpty { world.conclude(keys: keys) }
    guard !world.violations.isEmpty else { return true }
    let seed = world.shape.seed
    Issue.record(
      """
      \(world.violations.joined(separator: "\n"))
      in \(world.shape)
      again: SYNOD_SEEDS='\(seed)..<\(seed + 1)' swift test --filter GrowAndShrinkTests
      """)
    return false
  }

  /// Asks for changes at random, several at once.
  static func comeAndGo(_ world: inout RandomWorld, rounds: Int) {
    for _ in 0..<rounds where world.violations.isEmpty {
      for _ in 0...world.draw(3) {
        let members = world.newest
        let voters = members.configuration.voters
        switch world.draw(6) {
        case 0, 1: world.change(.add(address: "", role: .voter))
        case 2 where Self.voters(members) > 2:
          world.change(.remove(voters[world.draw(voters.count)]))
        case 3: world.change(.add(address: "", role: .proposer))
        default: world.change(.rollback(of: members.configuration.epoch))
        }
        for _ in 0..<world.draw(120) {
          world.startMembers()
          world.step()
        }
      }
      guard world.finishChange(writing: Self.keys) else { break }
    }
  }

  @Test(arguments: seeds)
  func fromOneVoterToSevenAndBack(_ seed: UInt64) {
    var world = Self.world(seed, voters: 1)
    for count in 2...7 {
      guard
        world.bring(
          "voter \(count)", writing: Self.keys, until: { Self.voters($0) >= count },
          by: { _ in .add(address: "", role: .voter) })
      else { break }
    }
    for count in (1...6).reversed() where world.violations.isEmpty {
      guard
        world.bring(
          "size \(count)", writing: Self.keys, until: { Self.voters($0) <= count },
          by: { world in
            let voters = world.newest.configuration.voters
            return .remove(voters[world.draw(voters.count)])
          })
      else { break }
    }
    guard Self.isJudgedSafe(&world) else { return }
    #expect(Self.voters(world.newest) == 1)
    #expect(world.newest.configuration.epoch >= Epoch(24))
  }

  @Test(arguments: seeds)
  func lostStoresAreReplacedByNewVoters(_ seed: UInt64) {
    var world = Self.world(seed, voters: seed % 2 == 0 ? 3 : 5)
    for _ in 0..<4 where world.violations.isEmpty {
      guard world.finishChange(writing: Self.keys) else { break }
      let voters = world.newest.configuration.voters
      let lost = voters[world.draw(voters.count)]
      world.lose(Int(lost.rawValue) - 1)
      guard
        world.bring(
          "a voter for \(lost)", writing: Self.keys,
          until: { $0.configuration.place(of: lost) == nil },
          by: { _ in .replace(lost, address: "") })
      else { break }
    }
    _ = Self.isJudgedSafe(&world)
  }

  @Test(arguments: seeds)
  func changesThatMeetAndAreRolledBack(_ seed: UInt64) {
    var world = Self.world(seed, voters: 3)
    Self.comeAndGo(&world, rounds: 8)
    _ = Self.isJudgedSafe(&world)
  }
}
