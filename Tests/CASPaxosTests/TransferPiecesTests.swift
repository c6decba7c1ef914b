import Synod
import Testing

@testable import CASPaxos

/// A transfer to other voters goes piece by piece, tells how far it is, and goes on where it was.
@Suite struct TransferPiecesTests {
  /// Ten registers and the members' own, in pieces of three.
  private func world(adjust: @escaping (inout Settings) -> Void = { _ in }) -> MembersWorld {
    var world = MembersWorld {
      $0.transferPiece = 3
      adjust(&$0)
    }
    for key in 0..<10 { _ = world.result(.change(.add(key + 1)), key: Bytes("k\(key)"), at: 1) }
    return world
  }

  /// Until the voters are to change, and no further.
  private func begin(_ world: inout MembersWorld) {
    world.propose(.changeMembership(.remove(VoterID(3))), at: 1)
    for _ in 0..<100 where (1...2).contains(where: { !world[$0].configuration.isJoint }) {
      world.pass(1)
      world.deliverAll { $0.message.kind != .list && $0.message.kind != .page }
    }
    #expect((1...2).allSatisfy { world[$0].configuration.isJoint })
  }

  /// The ends of the pieces that are known to be done.
  private func ends(_ world: MembersWorld) -> [UInt64] {
    world.nodes[VoterID(1)]!.durable.compactMap { record in
      if case .transferred(_, _, let through, _) = record { through } else { nil }
    }
  }

  @Test func itGoesPieceByPieceAndTellsEverybodyHowFarItIs() {
    var world = world()
    begin(&world)
    var figures: [UInt32: [Double]] = [1: [], 2: []]
    while world[1].configuration.isJoint {
      // The others are told four times in the time after which one of them would take over.
      world.pass(world.nodes[VoterID(1)]!.settings.takeOverAfter / 4)
      while let letter = world.letters.first {
        world.letters.removeFirst()
        world.receive(letter.message, at: letter.to.rawValue, from: letter.from.rawValue)
        for voter: UInt32 in 1...2 {
          guard let figure = world[voter].transferProgress else { continue }
          if figures[voter]!.last != figure { figures[voter]!.append(figure) }
        }
      }
    }
    let ends = ends(world)
    #expect(ends.count == 4 && ends == ends.sorted() && ends.last == .max)
    // Nothing, three pieces, and all of it.
    for voter: UInt32 in 1...2 {
      let told = figures[voter]!
      #expect(told.count == 5 && told == told.sorted(), "\(told)")
      #expect(told[0] < 0.001 && told[1] > 0.001 && told.last == 1, "\(told)")
    }
    for key in 0..<10 { #expect(world.number(Bytes("k\(key)"), at: 2) == key + 1) }
  }

  @Test func noMoreRoundsThanItMayAreUnderWayAtOnce() {
    var world = MembersWorld()
    let keys = (0..<2 * Transfer.maxRounds).map { Bytes("key\($0)") }
    for key in keys { _ = world.result(.change(.add(7)), key: key, at: 1) }
    world.propose(.changeMembership(.remove(VoterID(3))), at: 1)
    var most = 0
    for _ in 0..<100 where world[1].configuration.epoch < Epoch(2) {
      world.pass(1)
      while let letter = world.letters.first {
        world.letters.removeFirst()
        world.receive(letter.message, at: letter.to.rawValue, from: letter.from.rawValue)
        most = max(most, world[1].core.members.transfer?.begun.count ?? 0)
      }
    }
    #expect(most == Transfer.maxRounds && world[1].configuration.epoch == Epoch(2))
    for key in keys { #expect(world.number(key, at: 2) == 7) }
  }

  @Test func itGoesOnBehindThePiecesThatWereDoneBeforeItsDriverCrashed() throws {
    // Nobody takes over.
    var world = world { $0.takeOverAfter = 1 << 30 }
    begin(&world)
    for _ in 0..<200 where ends(world).isEmpty {
      world.pass(1)
      world.deliverAll()
    }
    let done = try #require(world[1].core.members.resumeAt)
    #expect(done < .max && ends(world) == [done] && world[1].configuration.isJoint)
    world.lose()
    try world.restart(1)
    #expect(world[1].core.members.resumeAt == done)
    var asked: [UInt64?] = []
    for _ in 0..<3000 where world[1].configuration.epoch < Epoch(2) {
      world.pass(1)
      world.deliverAll { letter in
        if letter.message.kind == .list, let request = letter.message.state.value {
          asked.append(KeyPage.Request(encoded: request)?.first)
        }
        return true
      }
    }
    #expect(world[1].configuration.epoch == Epoch(2))
    #expect(!asked.isEmpty && asked.allSatisfy { $0.map { $0 > done } ?? false }, "\(asked)")
    #expect(Set(ends(world)).count == 4)
    for key in 0..<10 { #expect(world.number(Bytes("k\(key)"), at: 2) == key + 1) }
  }
}
