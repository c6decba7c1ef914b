import EPaxos
import Synod
import SynodSimulation
import Testing

/// The contract of every machine (`ConsensusMachine`), on clusters of several sizes.
@Suite struct ContractTests {
  struct Cluster: CustomTestStringConvertible, Sendable {
    var voters: Int
    var adjust: @Sendable (inout Settings) -> Void = { _ in }
    var name: String

    var testDescription: String { name }

    func suite(seed: UInt64, steps: Int, proposals: Int) -> ContractSuite<ShelfWitness> {
      let settings = (1...UInt32(voters)).map { voter in
        var settings = Settings.test(voter, of: voters, seed: seed)
        // Messages are slow here: who is slow is not dead.
        settings.retransmitAfter = 120
        settings.askAfter = 120
        settings.recoverAfter = 500
        settings.recoverSpread = 100
        settings.attemptLasts = 500
        adjust(&settings)
        return settings
      }
      return ContractSuite(ShelfWitness(settings), steps: steps, proposals: proposals)
    }
  }

  static let clusters: [Cluster] = [
    Cluster(voters: 1, name: "one voter"),
    Cluster(
      voters: 2, adjust: { $0.numberBlock = 2 }, name: "two voters, numbers reserved by twos"),
    Cluster(voters: 3, name: "three voters"),
    Cluster(
      voters: 3,
      adjust: {
        $0.barrierEvery = 4
        $0.maxPieceBytes = 16
      }, name: "three voters that forget early"),
    Cluster(
      voters: 3,
      adjust: {
        $0.maxOpenInstances = 1
        $0.maxBatch = 2
        $0.isThrifty = true
      }, name: "three thrifty voters, one instance at a time"),
    Cluster(
      voters: 5,
      adjust: {
        $0.barrierEvery = 8
        $0.retransmitAfter = 500
        $0.askAfter = 500
        $0.recoverAfter = 2000
        $0.recoverSpread = 300
        $0.attemptLasts = 2000
        $0.maxExecuted = 1
        $0.maxMessageBytes = 64
      }, name: "five voters, small messages"),
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
      #expect(report.completions == 43)
    }
  }

  @Test(arguments: clusters)
  func everyPersistBoundaryMayBeTheLast(_ cluster: Cluster) throws {
    for seed in 1...2 as ClosedRange<UInt64> {
      let report = try cluster.suite(seed: seed, steps: 250, proposals: 25).crashTolerant(
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
