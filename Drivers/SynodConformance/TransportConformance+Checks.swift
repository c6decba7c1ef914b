import Synod
import SynodRuntime

extension TransportConformance {
  /// Bytes that depend on a seed, so that a changed one is seen.
  static func payload(_ count: Int, seed: UInt64) -> Bytes {
    var random = SplitMix(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
      withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) }
    }
    return Bytes(bytes.prefix(count))
  }

  /// A payload arrives as it was sent, of any size up to the limit, from who sent it.
  public static func payloadsArriveUnchanged(_ makeWorld: MakeWorld) throws {
    let rule = "a payload arrives as it was sent, from who sent it"
    let bench = try TransportBench(makeWorld, nodes: 3)
    try bench.startAll()
    var sent: [[[Bytes]]] = Array(
      repeating: Array(repeating: [], count: 3), count: 3)
    let limit = bench.transports[0].maxPayload
    for (i, size) in [1, 2, 23, 24, 25, 1_000, 4_096, 65_536, limit].enumerated()
    where size <= limit {
      for a in 0..<3 {
        let b = (a + 1 + i % 2) % 3
        let payload = payload(size, seed: UInt64(i * 3 + a))
        sent[a][b].append(payload)
        try bench.sendUntilReceived(payload, from: a, to: b, rule)
      }
    }
    for b in 0..<3 {
      for one in bench.received[b] {
        guard let a = bench.voters.firstIndex(of: one.sender), sent[a][b].contains(one.payload)
        else {
          throw ConformanceViolation(
            rule,
            seen: "voter \(bench.voters[b]) was given \(one.payload.count) bytes that voter "
              + "\(one.sender) did not send to it")
        }
      }
    }
    try bench.closeAll()
  }

  /// A broadcast reaches every peer and not its sender.
  public static func broadcastsReachEveryPeer(_ makeWorld: MakeWorld) throws {
    let bench = try TransportBench(makeWorld, nodes: 3)
    try bench.startAll()
    for a in 0..<3 {
      let payload = payload(777, seed: UInt64(a))
      var asked = 0
      let arrived = bench.world.run {
        if asked.isMultiple(of: 8) {
          bench.call(a) {
            $0.broadcast(payload)
            $0.flush()
          }
        }
        asked += 1
        return (0..<3).allSatisfy { $0 == a || bench.has(payload, at: $0, from: a) }
      }
      guard arrived else {
        throw ConformanceViolation(
          "a broadcast reaches every peer", seen: "one that some peer did not get")
      }
      if let back = bench.received[a].first(where: { $0.sender == bench.voters[a] }) {
        throw ConformanceViolation(
          "a broadcast does not come back", seen: "\(back.payload.count) bytes from itself")
      }
    }
    try bench.closeAll()
  }

  /// What was received stays as it was, however much arrives later.
  public static func receivedPayloadsStay(_ makeWorld: MakeWorld) throws {
    let bench = try TransportBench(makeWorld, nodes: 2)
    try bench.startAll()
    try bench.meet()
    let kept = (0..<20).map { payload(100 + $0 * 333, seed: UInt64($0)) }
    for payload in kept {
      try bench.sendUntilReceived(payload, from: 0, to: 1, "a payload arrives")
    }
    for i in 0..<50 { bench.send(payload(5_000, seed: UInt64(1_000 + i)), from: 0, to: 1) }
    let last = payload(64, seed: 9)
    try bench.sendUntilReceived(last, from: 0, to: 1, "a payload arrives")
    for payload in kept where !bench.has(payload, at: 1, from: 0) {
      throw ConformanceViolation(
        "what was received stays as it was", seen: "\(payload.count) bytes that changed later")
    }
    try bench.closeAll()
  }

  /// No event comes from within a call: a node would be entered twice.
  public static func noEventFromWithinACall(_ makeWorld: MakeWorld) throws {
    let bench = try TransportBench(makeWorld, nodes: 2)
    try bench.startAll()
    try bench.meet()
    for i in 0..<20 {
      bench.call(i % 2) {
        $0.broadcast(payload(200, seed: UInt64(i)))
        $0.flush()
      }
    }
    try bench.meet()
    guard !bench.sawEventWithinCall else {
      throw ConformanceViolation(
        "no event comes from within a call of the transport",
        seen: "`received` from within `send`, `broadcast` or `flush`")
    }
    try bench.closeAll()
  }

  /// What waits for a peer is bounded, and what was dropped is counted, whole payloads only.
  public static func queuesAreBounded(_ makeWorld: MakeWorld) throws {
    let bench = try TransportBench(makeWorld, nodes: 2)
    try bench.startAll()
    try bench.meet()
    let size = min(bench.transports[0].maxPayload, 256 << 10)
    let payloads = (0..<4).map { payload(size, seed: UInt64($0)) }
    // No time passes meanwhile, so nobody reads.
    let total = 256 << 20
    for i in 0..<(total / size) { bench.send(payloads[i % 4], from: 0, to: 1) }
    guard let peer = bench.transports[0].peers.first else {
      throw ConformanceViolation("a transport knows its peers", seen: "none")
    }
    guard peer.dropped > 0, peer.queuedBytes < total / 2 else {
      throw ConformanceViolation(
        "what waits for a peer is bounded, and what was dropped is counted",
        seen: "\(peer.queuedBytes) bytes that wait of \(total), \(peer.dropped) dropped")
    }
    try bench.sendUntilReceived(
      payload(100, seed: 77), from: 0, to: 1, "after an overflow payloads arrive again")
    for one in bench.received[1] where one.payload.count == size {
      guard payloads.contains(one.payload) else {
        throw ConformanceViolation(
          "only whole payloads are dropped", seen: "one that is part of others")
      }
    }
    try bench.closeAll()
  }

  /// A payload over the limit is dropped, and does no harm.
  public static func oversizedPayloadsAreNotSent(_ makeWorld: MakeWorld) throws {
    let bench = try TransportBench(makeWorld, nodes: 2)
    try bench.startAll()
    try bench.meet()
    let before = bench.received[1].count
    let limit = bench.transports[0].maxPayload
    guard limit < 64 << 20 else { return }
    let large = payload(limit + 1, seed: 1)
    bench.send(large, from: 0, to: 1)
    bench.call(0) {
      $0.broadcast(large)
      $0.flush()
    }
    try bench.sendUntilReceived("after", from: 0, to: 1, "an oversized payload does no harm")
    let rest = bench.received[1].dropFirst(before)
    // Copies of what `meet` sent may still arrive.
    guard rest.allSatisfy({ $0.payload == "after" || $0.payload == "hello 0 1" }) else {
      throw ConformanceViolation(
        "a payload over the limit is not sent", seen: "\(rest.map(\.payload.count)) bytes")
    }
    try bench.closeAll()
  }

  /// A send to a voter that does not exist, to oneself, or to one that is not there does nothing.
  public static func sendsToNobodyDoNothing(_ makeWorld: MakeWorld) throws {
    let bench = try TransportBench(makeWorld, nodes: 2)
    try bench.start(0)
    for voter in [VoterID.none, VoterID(1), VoterID(2), VoterID(99)] {
      bench.call(0) {
        $0.send("nobody", to: voter)
        $0.refuse(voter, because: "it is not there")
        $0.flush()
      }
    }
    try bench.start(1)
    try bench.meet()
    guard bench.received[0].allSatisfy({ $0.payload != "nobody" }) else {
      throw ConformanceViolation("a send to oneself does nothing", seen: "a payload that came back")
    }
    try bench.closeAll()
  }

  /// A peer that was refused for what it sent may come back.
  public static func refusedPeersComeBack(_ makeWorld: MakeWorld) throws {
    let bench = try TransportBench(makeWorld, nodes: 2)
    try bench.startAll()
    try bench.meet()
    for i in 0..<2 {
      bench.call(0) { $0.refuse(bench.voters[1], because: "a test") }
      let payload = payload(50, seed: UInt64(i))
      try bench.sendUntilReceived(payload, from: 1, to: 0, "a refused peer comes back")
      try bench.sendUntilReceived(payload, from: 0, to: 1, "a refused peer comes back")
    }
    try bench.closeAll()
  }

  /// Peers are told in ascending order, without the node itself.
  public static func peersAreInOrder(_ makeWorld: MakeWorld) throws {
    let bench = try TransportBench(makeWorld, nodes: 4)
    try bench.startAll()
    try bench.meet()
    for (node, transport) in bench.transports.enumerated() {
      let peers = transport.peers
      guard peers.map(\.voter) == bench.voters.filter({ $0 != bench.voters[node] }) else {
        throw ConformanceViolation(
          "peers are told in ascending order, without oneself", seen: "\(peers.map(\.voter))")
      }
      guard peers.allSatisfy({ $0.state == .connected }) else {
        throw ConformanceViolation(
          "a peer that answers is connected", seen: "\(peers.map(\.state))")
      }
    }
    try bench.closeAll()
  }

  /// No event follows the end of a close, and the others live on.
  public static func noEventAfterClose(_ makeWorld: MakeWorld) throws {
    let bench = try TransportBench(makeWorld, nodes: 3)
    try bench.startAll()
    try bench.meet()
    var isClosed = false
    bench.send("a last word", from: 1, to: 0)
    bench.call(0) { $0.close { isClosed = true } }
    guard !isClosed else {
      throw ConformanceViolation("a close says so later", seen: "`done` from within `close`")
    }
    guard bench.world.run(until: { isClosed }) else {
      throw ConformanceViolation("a close ends", seen: "one that does not say so")
    }
    let before = bench.received[0].count
    for i in 0..<20 {
      let payload = payload(300, seed: UInt64(i))
      bench.send(payload, from: 1, to: 0)
      try bench.sendUntilReceived(payload, from: 1, to: 2, "the others live on")
    }
    guard bench.received[0].count == before else {
      throw ConformanceViolation(
        "no event follows the end of a close", seen: "\(bench.received[0].count - before)")
    }
  }
}
