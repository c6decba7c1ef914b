import Synod
internal import SynodRuntime

extension TransportConformance {
  /// Nothing of a peer that has left the configuration is handed up; one that is back is heard; one
  /// without a vote gets what is sent to it, and no broadcast.
  public static func peersComeAndGo(_ makeWorld: MakeWorld) throws {
    let bench = try TransportBench(makeWorld, nodes: 3)
    try bench.startAll()
    try bench.meet()
    let (second, third) = (bench.voters[1], bench.voters[2])
    bench.follow(0, [TransportPeer(voter: second)])
    guard bench.transports[0].peers.map(\.voter) == [second] else {
      throw ConformanceViolation(
        "the peers are those of the configuration",
        seen: "\(bench.transports[0].peers.map(\.voter))")
    }
    let before = bench.count(at: 0, from: third)
    for i in 0..<20 {
      bench.send("of one that left", from: 2, to: 0)
      bench.send("to one that left", from: 0, to: 2)
      try bench.sendUntilReceived(
        payload(40, seed: UInt64(i)), from: 1, to: 0, "those that stay are heard")
    }
    guard bench.count(at: 0, from: third) == before else {
      throw ConformanceViolation(
        "nothing of a peer that has left is handed up",
        seen: "\(bench.count(at: 0, from: third) - before) payloads")
    }
    bench.follow(0, [TransportPeer(voter: third, hasVote: false), TransportPeer(voter: second)])
    try bench.sendUntilReceived("of one that is back", from: 2, to: 0, "a peer may come back")
    try bench.sendUntilReceived("to one that is back", from: 0, to: 2, "a peer may come back")
    let broadcast = payload(77, seed: 5)
    for i in 0..<20 {
      bench.call(0) {
        $0.broadcast(broadcast)
        $0.flush()
      }
      try bench.sendUntilReceived(
        payload(41, seed: UInt64(i)), from: 0, to: 2, "what is sent to it reaches a learner")
    }
    guard !bench.has(broadcast, at: 2, from: 0) else {
      throw ConformanceViolation(
        "a broadcast goes to those that have a vote", seen: "one that a learner got")
    }
    try bench.closeAll()
  }
}

extension TransportBench {
  fileprivate func follow(_ node: Int, _ peers: [TransportPeer]) {
    call(node) { $0.follow(peers, in: Epoch(2), revision: 1) }
  }

  fileprivate func count(at node: Int, from other: VoterID) -> Int {
    received[node].count { $0.sender == other }
  }
}
