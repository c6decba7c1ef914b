import Glibc

/// What the demo shows: a write that was acknowledged survives the kill of a node. Of a log that node
/// is its leader, for which the others find another; registers have none, and nobody waits.
struct DemoShow {
  let cluster: DemoCluster
  private var acknowledged: [(key: String, value: String)] = []
  /// Microseconds between two acknowledged writes, at the longest: before the kill, and from the
  /// kill on.
  private var longestGapBefore: UInt64 = 0
  private var longestGapAfter: UInt64 = 0
  private var retried = 0
  private var lost = 0

  /// Who is killed, through whom is written, and through whom the first reads go.
  private var (victim, writer, reader) = (2, 1, 3)

  private static let millisecondsBefore: UInt64 = 1000
  private static let millisecondsAfter: UInt64 = 2000

  init(_ cluster: DemoCluster) { self.cluster = cluster }

  /// - Throws: a `Failure` that says what did not hold.
  mutating func run() throws(Failure) {
    say("Starting three nodes …")
    for node in 1...3 { try cluster.start(node) }
    for node in 1...3 { try cluster.waitUntilReady(node) }
    say("Three nodes are up; all of them take reads and writes.")
    try chooseVictim()

    try write()
    say(
      "\(acknowledged.count) writes through node \(writer) were acknowledged; node \(victim) was "
        + "killed (SIGKILL) among them.")
    say(
      "Longest gap between two acknowledged writes: \(milliseconds(longestGapBefore)) before the "
        + "kill, \(milliseconds(longestGapAfter)) from the kill on.")
    if retried > 0 { say("\(retried) writes had to be tried again.") }

    lost = try readBack(through: reader)
    say("All of them were read back through node \(reader). lost: \(lost)")
    if lost > 0 { throw Failure("\(lost) acknowledged writes are gone") }

    try cluster.start(victim)
    try cluster.waitUntilReady(victim)
    lost = try readBack(through: victim)
    say("Node \(victim) was started again and serves every one of them, too. lost: \(lost)")
    if lost > 0 { throw Failure("\(lost) acknowledged writes are gone on the restarted node") }
    try writeOnceMore()

    say(
      "writes: \(acknowledged.count)  longest gap: \(milliseconds(longestGapAfter))  lost: \(lost)")
  }

  /// The leader, where there is one.
  private mutating func chooseVictim() throws(Failure) {
    guard let leader = try leader() else { return }
    say("Node \(leader) leads.")
    let others = [1, 2, 3].filter { $0 != leader }
    (victim, writer, reader) = (leader, others[0], others[1])
  }

  private func leader() throws(Failure) -> Int? {
    let client = try connect(1)
    let reply: BlockingClient.Reply
    do throws(BlockingClient.Broken) {
      reply = try client.ask("INFO", "replication")
    } catch {
      throw Failure("INFO of node 1: \(error.why)")
    }
    guard case .text(let text) = reply else { return nil }
    let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("leader:") }
    return line.flatMap { Int($0.dropFirst("leader:".count)) }
  }

  /// Writes one key after the other, and kills a node meanwhile.
  private mutating func write() throws(Failure) {
    var client = try connect(writer)
    let start = monotonicMicroseconds()
    var last = start
    var wasKilled = false
    while true {
      try Interruption.check()
      let now = monotonicMicroseconds()
      let elapsed = (now - start) / 1000
      if elapsed >= Self.millisecondsBefore && !wasKilled {
        cluster.kill(victim)
        wasKilled = true
      }
      if elapsed >= Self.millisecondsBefore + Self.millisecondsAfter { break }
      let number = acknowledged.count
      let (key, value) = ("demo:\(number)", "value \(number)")
      try set(key, value, &client)
      acknowledged.append((key, value))
      let acknowledgedAt = monotonicMicroseconds()
      let gap = acknowledgedAt - last
      last = acknowledgedAt
      if wasKilled {
        longestGapAfter = max(longestGapAfter, gap)
      } else {
        longestGapBefore = max(longestGapBefore, gap)
      }
    }
  }

  /// Sets a key until that is acknowledged: the same value twice does no harm.
  private mutating func set(
    _ key: String, _ value: String, _ client: inout BlockingClient
  ) throws(Failure) {
    for _ in 0..<10 {
      let reply: BlockingClient.Reply
      do throws(BlockingClient.Broken) {
        reply = try client.ask("SET", key, value)
      } catch {
        retried += 1
        complain("node \(writer): \(error.why)")
        client = try connect(writer)
        continue
      }
      switch reply {
      case .text("OK"): return
      case .error(let error) where error.hasPrefix("TRYAGAIN") || error.hasPrefix("UNKNOWN"):
        retried += 1
      case .text, .bytes, .error, .integer, .null, .boolean, .array, .push:
        throw Failure("SET \(key) was answered with \(reply)")
      }
    }
    throw Failure("SET \(key) was not acknowledged in ten attempts")
  }

  /// - Returns: how many acknowledged writes are not there.
  private func readBack(through node: Int) throws(Failure) -> Int {
    let client = try connect(node)
    var missing = 0
    for (key, value) in acknowledged {
      try Interruption.check()
      if try get(key, client, node) != .text(value) { missing += 1 }
    }
    return missing
  }

  /// The restarted node takes part again: a write through it is seen by the others.
  private mutating func writeOnceMore() throws(Failure) {
    var client = try connect(victim)
    try set("demo:after", "the restart", &client)
    for node in [writer, reader] {
      let reply = try get("demo:after", try connect(node), node)
      guard reply == .text("the restart") else {
        throw Failure("node \(node) does not see a write through node \(victim): \(reply)")
      }
    }
  }

  private func get(
    _ key: String, _ client: BlockingClient, _ node: Int
  ) throws(Failure) -> BlockingClient.Reply {
    do throws(BlockingClient.Broken) {
      return try client.ask("GET", key)
    } catch {
      throw Failure("GET \(key) through node \(node): \(error.why)")
    }
  }

  private func connect(_ node: Int) throws(Failure) -> BlockingClient {
    do throws(BlockingClient.Broken) {
      return try cluster.client(node)
    } catch {
      throw Failure("node \(node): \(error.why)")
    }
  }

  private func milliseconds(_ microseconds: UInt64) -> String {
    "\(microseconds / 1000).\((microseconds % 1000) / 100) ms"
  }

  private func say(_ line: String) {
    print(line)
    fflush(nil)
  }
}
