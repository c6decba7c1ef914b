import CASPaxos
import CASPaxosSimulation
import Synod
import SynodSimulation
import Testing

/// Clients that put where nothing is, take it away, and try again under the same number: what one of
/// them wrote is to another what it found there.
struct ClaimWorkload: RegisterWorkload {
  typealias C = KeyValueChange

  init(random: inout SplitMix) {}

  mutating func operation(
    number: UInt64, on key: Int, random: inout SplitMix
  ) -> CASPaxos.Operation<KeyValueChange> {
    switch random.next() % 10 {
    case 0..<5: .change(.claim(1 + random.next() % 2))
    case 5..<8: .change(.delete)
    case 8: .change(.get)
    case _: .read
    }
  }
}

@Suite struct ClaimTests {
  @Test(arguments: 0..<30)
  func whatMayBeTriedAgainIsNoViolation(_ seed: UInt64) {
    var plan = RunPlan(seed: seed)
    plan.keys = min(plan.keys, 3)
    var world = World<RegisterSubject<ClaimWorkload>>(plan)
    #expect(world.run().outcome == .passed, "seed \(seed)")
  }
}
