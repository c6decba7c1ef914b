import ArgumentParser
import Testing

@testable import SynodServer

private func sample(_ moment: UInt64, _ fields: String...) -> TopTable.Sample {
  .init(moment: moment, info: fields.joined(separator: "\r\n"))
}

@Test func aNodeIsShownWithItsRates() {
  let earlier = sample(1_000_000, "total_commands_processed:100", "total_net_input_bytes:0")
  let newest = sample(
    3_000_000, "# Server", "node_id:2", "state:ok", "role:master", "consensus_role:leader",
    "connected_clients:7", "total_commands_processed:50100", "total_net_input_bytes:5000",
    "open_proposals:3", "sync_median_us:800", "sync_p99_us:12345", "connected_peers:2",
    "peer1:addr=a:1,state=connected,queued=0,rtt_us=150", "peer3:addr=b:1,rtt_us=2500",
    "peer4:addr=c:1,state=down (no, really),rtt_us=-", "keys:1234567", "applied_slot:90",
    "chosen_slot:91")
  let lines = TopTable.lines([
    .init(address: "h:1", newest: newest, earlier: earlier),
    .init(address: "h:2", failure: "connect to h:2: refused"),
  ])
  #expect(lines.count == 4)
  let cells = lines[1].split(separator: "  ").map { $0.trimmingPrefix(" ") }
  #expect(
    cells == [
      "2", "h:1", "ok", "leader", "7", "25k", "2500", "-", "3", "800 µs", "12 ms", "2",
      "150 µs … 2.5 ms", "1234567", "1",
    ])
  #expect(lines[2].hasPrefix("-") && lines[2].contains("h:2") && lines[2].contains("down"))
  #expect(lines[3] == "h:2: connect to h:2: refused")
}

@Test func aNodeThatWasStartedAnewHasNoRate() {
  let lines = TopTable.lines([
    .init(
      address: "h:1", newest: sample(2_000_000, "total_commands_processed:5"),
      earlier: sample(1_000_000, "total_commands_processed:100"))
  ])
  #expect(!lines[1].contains("5"))
}

@Test(
  arguments: [
    (0, "0", "0 µs"), (999, "999", "999 µs"), (1000, "1000", "1.0 ms"), (9999, "9999", "9.9 ms"),
    (10_000, "10k", "10 ms"), (12_345_678, "12M", "12 s"), (99_999_999_999, "99G", "99999 s"),
  ] as [(UInt64, String, String)])
func figuresAreShort(_ number: UInt64, _ count: String, _ time: String) {
  #expect(TopTable.short(number) == count && TopTable.time(number) == time)
}

@Test func aClusterIsWatched() throws {
  let cluster = try TestCluster(2)
  let nodes = cluster.ports.map { "127.0.0.1:\($0)" }.joined(separator: ",")
  try TopCommand.parse(["--nodes", nodes + ",127.0.0.1:1", "--count", "1"]).run()
}
