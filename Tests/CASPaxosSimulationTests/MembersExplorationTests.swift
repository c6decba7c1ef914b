import CASPaxos
import Synod
import SynodSimulation
import Testing

@testable import CASPaxosSimulation

/// Every run of small worlds in which the voters change.
@Suite struct MembersExplorationTests {
  /// Walks a world to its end.
  private static func walk(_ name: String) throws -> ExplorationReport {
    let report = try #require(ExploredWorld.named(name)).explore()
    #expect(report.isExhaustive, "\(name): \(report.violation ?? "")")
    return report
  }

  @Test(arguments: ["members-1-2", "members-2-1", "members-replace"])
  func aChangeComesToItsEnd(_ name: String) throws {
    let report = try Self.walk(name)
    #expect(report.sights.contains { $0.hasPrefix("decided 2 ") })
    #expect(report.sights.contains("0 members") && report.sights.contains("1 applied"))
  }

  @Test func aDelayedAcceptOfAnOldEpochOutranksNothing() throws {
    let report = try Self.walk("members-old-epoch")
    // What it was to write came to nothing, or was written in the new epoch.
    #expect(report.sights.contains("2 applied"))
  }

  @Test func aChangeWhoseNewcomerDiedIsRolledBack() throws {
    let report = try Self.walk("members-dead-newcomer")
    // Nothing can be written in the epoch of both, as the newcomer is half of the new voters.
    #expect(report.sights.contains("1 members") && report.sights.contains("2 applied"))
    #expect(report.sights.contains { $0.hasPrefix("decided 2 voters [1] ") })
  }

  @Test func aChangeIsRolledBackWhileItGoesOn() throws {
    let report = try Self.walk("members-1-2-rollback")
    #expect(report.sights.contains { $0.hasPrefix("decided 2 voters [1] ") })
    #expect(report.sights.contains { $0.hasPrefix("decided 2 voters [1, 2] ") })
  }

  @Test func whatIsLeftOutOfAChangeShowsNothingNew() throws {
    let subject = try #require(ExploredWorld.named("members-1-2")).subject
    let reduced = ExplorationTests.walk(subject)
    let pruned = ExplorationTests.walk(subject, reduces: false)
    let whole = ExplorationTests.walk(subject, prunes: false, reduces: false)
    #expect(reduced.report.states < pruned.report.states)
    #expect(pruned.report.states < whole.report.states)
    #expect(reduced.histories == pruned.histories && pruned.histories == whole.histories)
  }
}
