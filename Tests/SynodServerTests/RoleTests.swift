import Glibc
import Testing

@testable import SynodServer

/// Nodes without a vote, as `synod serve --role` starts them, among three voters.
@Suite struct RoleTests {
  private func cluster(with role: String) throws -> (TestCluster, BlockingClient) {
    let cluster = try TestCluster()
    #expect(try cluster.client(1).ask("SET", "old", "1") == .text("OK"))
    try cluster.join(as: role, at: "127.0.0.1:7104")
    let client = try cluster.client(4)
    // It has to be told first that it is a member.
    for _ in 0..<2000 {
      if try client.ask("GET", "old") == .text("1") { break }
      usleep(1_000)
    }
    let report = try #require(MembersReport(try client.ask("SYNOD.MEMBERS")))
    #expect(report.members.map(\.role) == ["voter", "voter", "voter", role])
    #expect(report[report.node]?.role == role && report.voters.count == 3)
    return (cluster, client)
  }

  /// What it was told of next by a watch; nil where it is something else.
  private func value(_ client: BlockingClient) throws -> String? {
    try WatchServerTests.seen(client.reply())?.value
  }

  @Test func aGatewayTakesAllCommandsAndKeepsNoKeys() throws {
    let (cluster, client) = try cluster(with: "proposer")
    cluster.cutOff(3)
    #expect(try client.ask("SET", "k", "v") == .text("OK"))
    #expect(try client.ask("GET", "k") == .text("v"))
    #expect(try client.ask("CAS", "k", "v", "w") == .integer(1))
    #expect(try client.ask("INCR", "n") == .integer(1))
    #expect(try client.ask("SYNOD.ONCE", "me", "1", "INCR", "n") == .integer(2))
    #expect(try client.ask("SYNOD.ONCE", "me", "1", "RETRY", "INCR", "n") == .integer(2))
    #expect(try client.ask("SYNOD.SETTLE", "n") == .text("2"))
    #expect(try client.ask("DBSIZE") == .integer(3))
    guard case .array(let page) = try client.ask("SCAN", "0"), page.count == 2,
      case .array(let keys) = page[1]
    else {
      Issue.record("no list")
      return
    }
    let names = keys.compactMap { if case .text(let name) = $0 { name } else { nil } }
    #expect(page[0] == .text("0") && names.sorted() == ["k", "n", "old"])
    let watcher = try cluster.client(4)
    #expect(try watcher.ask("SYNOD.WATCH", "k") == .text("OK"))
    #expect(try value(watcher) == "w")
    #expect(try cluster.client(2).ask("SET", "k", "x") == .text("OK"))
    #expect(try value(watcher) == "x")
    #expect(try client.ask("DEL", "old") == .integer(1))
    guard case .text(let info) = try client.ask("INFO") else {
      Issue.record("no figures")
      return
    }
    #expect(info.contains("\r\nregisters:0\r\n"), "\(info)")
  }

  @Test func anObserverReadsAndWatchesAndTakesNoWrites() throws {
    let (cluster, client) = try cluster(with: "observer")
    cluster.cutOff(3)
    let refusal = BlockingClient.Reply.error(
      "READONLY this node only watches; send writes to another")
    for line in [["SET", "k", "v"], ["INCR", "k"], ["DEL", "old"]] {
      #expect(try client.ask(line) == refusal)
    }
    #expect(try client.ask("GET", "old") == .text("1"))
    #expect(try client.ask("DBSIZE") == .integer(1))
    let watcher = try cluster.client(4)
    #expect(try watcher.ask("SYNOD.WATCH", "PREFIX", "o") == .text("OK"))
    #expect(try value(watcher) == "1")
    #expect(try cluster.client(1).ask("SET", "old", "2") == .text("OK"))
    #expect(try value(watcher) == "2")
    #expect(try client.ask("GET", "old") == .text("2"))
  }
}
