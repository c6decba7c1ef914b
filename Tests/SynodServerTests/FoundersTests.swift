import Synod
import Testing

@testable import SynodServer

/// With whom the cluster of a log began, as a node that joins is told.
@Suite struct FoundersTests {
  @Test func theyAreReadAsTheyAreWritten() throws {
    let text = "1=10.0.0.1:7101,2=10.0.0.2:7101,7=h:1 3/1"
    let founders = try #require(Founders(text))
    #expect("\(founders)" == text)
    #expect(founders.members.voters == [VoterID(1), VoterID(2), VoterID(7)])
    #expect(founders.addresses[VoterID(7)] == (try Endpoint("h:1", what: "test")))
    let configuration = try #require(founders.configuration)
    #expect(configuration.epoch == Founders.epoch)
    #expect(configuration.component.quorums == (try QuorumSystem(voters: 3, prepare: 3, accept: 1)))
  }

  /// Majorities that are named are majorities, and the same cluster as where nobody named them.
  @Test func majoritiesMakeTheConfigurationOfAClusterThatNamesNone() throws {
    let founders = try #require(Founders("1=a:1,2=b:1,3=c:1 2/2"))
    let plain = try Configuration(
      epoch: Founders.epoch, voters: [VoterID(1), VoterID(2), VoterID(3)])
    #expect(founders.configuration == plain)
  }

  @Test(
    arguments: ["", "1=a:1", "1=a:1 1", "1=a:1 1/1/1", "1=a:1,2=b:1 1/1", "x=a:1 1/1", "1=a:1 2/1"])
  func whatIsSomethingElseIsRefused(_ text: String) {
    #expect(Founders(text) == nil)
  }
}
