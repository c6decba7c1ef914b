import Synod
import Testing

@testable import CASPaxos

/// Who goes on with a change of the voters, and when.
@Suite struct TakeOverTests {
  @Test func aVoterThatComesBackLeavesTheDriverItsTime() throws {
    var world = MembersWorld()
    world.run(10_000, step: 1_000)
    world.propose(.changeMembership(.remove(VoterID(3))), at: 1)
    let kinds: [Message.Kind] = [.prepare, .promise, .accept, .accepted, .configuration]
    // Until the change is decided: nothing is listed yet.
    world.deliverAll { kinds.contains($0.message.kind) }
    #expect(world[2].configuration.isJoint)
    try world.restart(2)
    #expect(world[2].core.members.transfer == nil)
    world.stop(1)
    world.pass(world[2].settings.takeOverAfter)
    world.pass(world[2].settings.takeOverAfter)
    #expect(world[2].core.members.transfer != nil)
  }
}
