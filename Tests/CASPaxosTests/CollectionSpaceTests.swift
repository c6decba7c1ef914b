import CASPaxos
import Glibc
import Synod
import Testing

/// What deletion gives back.
@Suite struct CollectionSpaceTests {
  /// Three machines; messages arrive at once or are lost, and a node is now and then away.
  private struct Cluster {
    var machines: [CounterMachine]
    /// By node, what it wrote since its last checkpoint.
    var logs: [[Record]] = [[], [], []]
    var random = SplitMix(seed: 7)
    var now: UInt64 = 1
    var ended = 0
    var away: Int?
    private var ready = Ready<CounterMachine>()

    init() {
      machines = (1...3 as ClosedRange<UInt32>).map { voter in
        var settings = Settings.test(voter)
        settings.shards = 64
        settings.counterBlock = 1 << 20
        settings.collectAfter = 640
        return CounterMachine(settings)
      }
    }

    mutating func run() {
      var network: [(from: Int, to: Int, message: Message)] = []
      repeat {
        for item in network {
          if item.to == away || item.from == away || random.next() % 50 == 0 { continue }
          machines[item.to].receive(item.message, from: VoterID(UInt32(item.from + 1)))
        }
        network.removeAll()
        for node in machines.indices {
          while machines[node].hasReady {
            machines[node].drain(into: &ready)
            logs[node] += ready.persist
            ended += ready.completed.count
            for envelope in ready.messages {
              for other in machines.indices where other != node {
                if case .voter(let voter) = envelope.to, Int(voter.rawValue) != other + 1 {
                  continue
                }
                network.append((node, other, envelope.message))
              }
            }
            if !ready.persist.isEmpty { machines[node].persisted(through: ready.batch) }
          }
        }
      } while !network.isEmpty
    }

    mutating func wait(_ ticks: UInt64) {
      now += ticks
      for node in machines.indices { machines[node].tick(to: Ticks(now)) }
      run()
    }

    /// What its store takes once it has taken a checkpoint, in records.
    mutating func checkpoint(_ node: Int) -> Int {
      var pieces: [Record] = []
      _ = machines[node].restate(after: nil, limit: .max, into: &pieces)
      logs[node] = pieces
      return pieces.count
    }
  }

  /// `SYNOD_KEYS` asks for another number of keys.
  static let keys = getenv("SYNOD_KEYS").flatMap { Int(String(cString: $0)) } ?? 2000

  @Test func whatIsDeletedUnderLossAndAbsenceIsForgottenByTablesLogsAndCheckpoints() throws {
    var cluster = Cluster()
    cluster.wait(1)
    var proposed = 0
    func propose(_ change: Counter, _ number: Int, _ cluster: inout Cluster) {
      proposed += 1
      let node = number % 2 + (proposed % 3 == 0 ? 1 : 0)
      cluster.machines[node].propose(
        Proposal(key: Bytes("key\(number)"), operation: .change(change)),
        as: ProposalID(UInt64(proposed)))
    }
    for change in [.add(1), .delete] as [Counter] {
      // One voter misses some of what is written, and some of what is deleted.
      for number in 0..<Self.keys {
        propose(change, number, &cluster)
        cluster.away = number / 16 % 4 == 3 ? 2 : nil
        if number % 16 == 15 { cluster.wait(2) }
      }
      cluster.away = nil
      for _ in 0..<3000 where cluster.ended < proposed { cluster.wait(20) }
      try #require(cluster.ended == proposed)
    }
    let full = cluster.logs.map(\.count)
    #expect(cluster.machines.allSatisfy { $0.registerCount > Self.keys / 2 })
    for _ in 0..<20_000 where cluster.machines.contains(where: { $0.registerCount > 0 }) {
      cluster.wait(10)
    }
    for node in 0..<3 {
      #expect(cluster.machines[node].registerCount == 0)
      #expect(cluster.machines[node].statistics.erased >= Self.keys / 2)
      #expect(cluster.checkpoint(node) == 3 && full[node] > Self.keys)
      let again = try cluster.logs[node].reduce(
        into: CounterMachine(cluster.machines[node].settings)
      ) { try $0.restore($1) }
      #expect(again.floor == cluster.machines[node].floor && again.registerCount == 0)
    }
  }
}
