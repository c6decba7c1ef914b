import MultiPaxos
import Synod
import SynodSimulation
import Testing

/// The contract of every machine (`ConsensusMachine`), on logs of several sizes and windows.
@Suite struct ContractTests {
  struct Cluster: CustomTestStringConvertible, Sendable {
    var voters: Int
    var prepare: Int
    var accept: Int
    var adjust: @Sendable (inout Settings) -> Void = { _ in }
    var name: String

    var testDescription: String { name }

    func suite(seed: UInt64, steps: Int, proposals: Int) -> ContractSuite<LogWitness> {
      let quorums = try! QuorumSystem(voters: voters, prepare: prepare, accept: accept)
      let settings = (1...UInt32(voters)).map { voter in
        var settings = Settings.test(voter, of: voters, seed: seed, quorums: quorums)
        settings.heartbeatEvery = 20
        settings.electionTimeout = 60
        settings.retransmitAfter = 25
        adjust(&settings)
        return settings
      }
      return ContractSuite(LogWitness(settings), steps: steps, proposals: proposals)
    }
  }

  static let clusters: [Cluster] = [
    Cluster(voters: 1, prepare: 1, accept: 1, name: "one voter"),
    Cluster(
      voters: 2, prepare: 2, accept: 2, adjust: { $0.counterBlock = 2 },
      name: "two voters, counters reserved by twos"),
    Cluster(voters: 3, prepare: 2, accept: 2, name: "three voters, a window of three"),
    Cluster(
      voters: 3, prepare: 2, accept: 2,
      adjust: {
        $0.window = 1
        $0.maxRetained = 0
      }, name: "three voters, a window of one, nothing retained"),
    Cluster(
      voters: 3, prepare: 3, accept: 1,
      adjust: {
        $0.window = 16
        $0.decorations.asksBeforeStanding = false
      },
      name: "three voters, one acceptance, never asked before standing"),
    Cluster(
      voters: 5, prepare: 3, accept: 3,
      adjust: {
        $0.maxRetained = 4
        $0.maxApplied = 1
        $0.heartbeatEvery = 100
        $0.electionTimeout = 400
        $0.retransmitAfter = 120
        $0.maxMessageBytes = 64
      },
      name: "five voters, small messages"),
  ]

  @Test(arguments: clusters)
  func readysMayBeHandledInAnyOrder(_ cluster: Cluster) throws {
    let report = try cluster.suite(seed: 1, steps: 300, proposals: 20).orderFree(seed: 1)
    #expect(report.forks > 0 && report.completions > 20)
  }

  @Test(arguments: clusters)
  func batchesArePipelined(_ cluster: Cluster) throws {
    for seed in 1...2 as ClosedRange<UInt64> {
      let report = try cluster.suite(seed: seed, steps: 400, proposals: 30).pipelined(seed: seed)
      #expect(report.mostInFlight >= 2)
    }
  }

  @Test(arguments: clusters)
  func messagesMayBeLostRepeatedDelayedAndReordered(_ cluster: Cluster) throws {
    for seed in 1...6 as ClosedRange<UInt64> {
      let report = try cluster.suite(seed: seed, steps: 800, proposals: 40).lossTolerant(seed: seed)
      #expect(report.completions == 42)
    }
  }

  @Test(arguments: clusters)
  func everyPersistBoundaryMayBeTheLast(_ cluster: Cluster) throws {
    for seed in 1...2 as ClosedRange<UInt64> {
      let report = try cluster.suite(seed: seed, steps: 320, proposals: 25).crashTolerant(
        seed: seed)
      #expect(report.crashes > 50)
      #expect(report.checkpoints > 2)
    }
  }

  @Test(arguments: clusters)
  func machinesAreValues(_ cluster: Cluster) throws {
    let suite = cluster.suite(seed: 1, steps: 200, proposals: 20)
    let once = try suite.isValue(seed: 1).hash
    #expect(try suite.isValue(seed: 1).hash == once)
    #expect(try suite.isValue(seed: 2).hash != once)
  }
}
