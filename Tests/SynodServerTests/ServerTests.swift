import ArgumentParser
import Glibc
import Synod
import SynodRuntime
import Testing
import UV

@testable import SynodServer

@Test func aWriteThroughOneNodeIsReadThroughAnother() throws {
  let cluster = try TestCluster()
  #expect(try cluster.client(1).ask("SET", "k", "v") == .text("OK"))
  for node in 1...3 { #expect(try cluster.client(node).ask("GET", "k") == .text("v")) }
  #expect(try cluster.client(2).ask("DEL", "k") == .integer(1))
  #expect(try cluster.client(3).ask("GET", "k") == .null)
}

@Test func incrementsThroughAllNodesAddUp() throws {
  let cluster = try TestCluster()
  let clients = try (1...3).map { try cluster.client($0) }
  for _ in 0..<100 {
    for client in clients {
      guard case .integer = try client.ask("INCR", "n") else {
        Issue.record("an increment was not acknowledged")
        return
      }
    }
  }
  #expect(try clients[0].ask("GET", "n") == .text("300"))
}

@Test func aPipelineOnOneKeyTakesEffectInOrder() throws {
  let cluster = try TestCluster()
  let client = try cluster.client(2)
  try client.send("SET k a\r\n" + String(repeating: "APPEND k b\r\nSTRLEN k\r\n", count: 200))
  #expect(try client.reply() == .text("OK"))
  for length in 2...201 {
    #expect(try client.reply() == .integer(Int64(length)))
    #expect(try client.reply() == .integer(Int64(length)))
  }
}

@Test func aNodeThatIsCutOffSaysWhatIsKnown() throws {
  let cluster = try TestCluster { $0.requestTimeout = 300 }
  let client = try cluster.client(1)
  #expect(try client.ask("SET", "k", "v") == .text("OK"))
  cluster.cutOff(1)
  // A write may have left; a read never had an effect.
  guard case .error(let write) = try client.ask("SET", "k", "w"),
    case .error(let read) = try client.ask("GET", "k")
  else {
    Issue.record("a node without a quorum acknowledged something")
    return
  }
  #expect(write.hasPrefix("UNKNOWN ") || write.hasPrefix("TRYAGAIN "))
  #expect(read.hasPrefix("TRYAGAIN "))
  cluster.network.heal()
  guard case .text(let value) = try client.ask("GET", "k") else {
    Issue.record("the value is gone")
    return
  }
  #expect(value == "v" || value == "w" && write.hasPrefix("UNKNOWN "))
}

@Test func theOthersGoOnWithoutANode() throws {
  let cluster = try TestCluster()
  let client = try cluster.client(1)
  #expect(try client.ask("SET", "k", "1") == .text("OK"))
  cluster.cutOff(2)
  for number in 0..<50 { #expect(try client.ask("SET", "k", "\(number)") == .text("OK")) }
  #expect(try cluster.client(3).ask("GET", "k") == .text("49"))
}

@Test func aValueOverTheLimitIsRefusedAndNothingElseHappens() throws {
  let cluster = try TestCluster(1) { $0.maxValue = 1000 }
  let client = try cluster.client(1)
  let long = String(repeating: "v", count: 1001)
  #expect(try client.ask("SET", "k", "v") == .text("OK"))
  #expect(
    try client.ask("SET", "k", long)
      == .error(
        "ERR value is 1001 bytes long, over the limit of 1000 (--max-value); nothing was changed"))
  #expect(
    try client.ask("APPEND", "k", String(long.dropFirst()))
      == .error(
        "ERR string exceeds maximum allowed size: 1001 bytes, the limit is 1000 (--max-value); "
          + "nothing was changed"))
  #expect(try client.ask("GET", "k") == .text("v"))
}

@Test func anAnnouncedGigabyteIsAnsweredAtOnce() throws {
  let cluster = try TestCluster(1)
  let client = try cluster.client(1)
  try client.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1073741824\r\nvvv")
  guard case .error(let error) = try client.reply() else {
    Issue.record("there is an error")
    return
  }
  #expect(error.hasPrefix("ERR Protocol error: invalid bulk length: 1073741824 bytes"))
  // Then the stream ends, without a reset.
  #expect(throws: BlockingClient.Broken(why: "the connection was closed")) { try client.reply() }
}

@Test func aClientTooManyIsToldSo() throws {
  let cluster = try TestCluster(1) { $0.maxClients = 2 }
  let clients = try (0..<2).map { _ in try cluster.client(1) }
  for client in clients { #expect(try client.ask("PING") == .text("PONG")) }
  let third = try cluster.client(1)
  #expect(
    try third.reply() == .error("ERR max number of clients reached (--max-clients)"))
  #expect(try clients[0].ask("PING") == .text("PONG"))
}

@Test func anAddressHasItsShareOfTheClients() throws {
  let cluster = try TestCluster(1) {
    $0.maxClients = 8
    $0.maxClientsPerAddress = 2
  }
  let first = try cluster.client(1)
  var second: BlockingClient? = try cluster.client(1)
  for client in [first, second] { #expect(try client?.ask("PING") == .text("PONG")) }
  let third = try cluster.client(1)
  #expect(
    try third.reply() == .error("ERR max number of clients reached (--max-clients-per-address)"))
  // Its place is free once the node has seen it go.
  second = nil
  var isIn = false
  for _ in 0..<3000 where !isIn {
    let fourth = try cluster.client(1)
    isIn = (try? fourth.ask("PING")) == .text("PONG")
    if !isIn { usleep(10_000) }
  }
  #expect(isIn)
}

@Test func whereNothingIsSaidAnAddressHasHalfAndThisComputerAll() throws {
  let command = try ServeCommand.parse([
    "--node-id", "1", "--data-dir", "d", "--initial-cluster", "1=10.0.0.1:7",
    "--max-clients", "100",
  ])
  let configuration = try ServeConfiguration(command)
  func most(_ host: String) throws -> Int? {
    configuration.mostClients(of: try SocketAddress(host: host, port: 1).origin)
  }
  for host in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
    #expect(try most(host) == nil, "\(host)")
  }
  for host in ["10.0.0.1", "::", "::2", "1::1", "::ffff:10.0.0.1"] {
    #expect(try most(host) == 50, "\(host)")
  }
}

@Test func strangersKeepNobodyOut() throws {
  let users = try UserBook(
    SettingsText(
      "[ada]\nmay = \"write\"\npassword = \"$y$j75$IJ265wbZQ.PfZH80FMpM4.$o62YCr4VQM9xMW0O2Fo0uvne8aL5zG4"
        + "LJaMoAXsYq4.\""))
  let cluster = try TestCluster(1, users: users) { $0.maxClients = 4 }
  let known = try cluster.client(1)
  #expect(try known.ask("AUTH", "ada", "secret") == .text("OK"))
  let strangers = try (0..<2).map { _ in try cluster.client(1) }
  for client in strangers { #expect(try client.ask("PING").isError) }
  try strangers[1].send("*2\r\n$9000\r\n" + String(repeating: "x", count: 8000))
  let third = try cluster.client(1)
  #expect(try third.ask("PING").isError)
  #expect(throws: BlockingClient.Broken.self) { try strangers[0].ask("PING") }
  nonisolated(unsafe) var cost = -1
  cluster.onLoop(1) { cost = $0.costUnderWay }
  #expect(cost == 0)
  #expect(try known.ask("SET", "k", "v") == .text("OK"))
}

@Test func whoHasNotLoggedInIsAStranger() throws {
  let users = try UserBook(
    SettingsText(
      "[ada]\nmay = \"write\"\npassword = \"$y$j75$IJ265wbZQ.PfZH80FMpM4.$o62YCr4VQM9xMW0O2Fo0uvne8aL5zG4"
        + "LJaMoAXsYq4.\""))
  let cluster = try TestCluster(1, users: users)
  func strangers() -> Int {
    nonisolated(unsafe) var count = -1
    cluster.onLoop(1) { count = $0.census.strangers }
    return count
  }
  let (client, other) = (try cluster.client(1), try cluster.client(1))
  for one in [client, other] { #expect(try one.ask("PING").isError) }
  #expect(strangers() == 2)
  #expect(try client.ask("AUTH", "ada", "secret") == .text("OK"))
  #expect(strangers() == 1)
  #expect(try other.ask("AUTH", "ada", "wrong").isError)
  #expect(strangers() == 1)
  // What is known of a password is answered at once, and so within the reading.
  #expect(try other.ask("AUTH", "ada", "secret") == .text("OK"))
  #expect(strangers() == 0)
  #expect(try client.ask("RESET") == .text("RESET"))
  #expect(strangers() == 1)
  #expect(try client.ask("QUIT").isError == false)
  #expect(throws: BlockingClient.Broken.self) { try client.reply() }
  // It reads on for a moment.
  for _ in 0..<3000 where strangers() > 0 { usleep(10_000) }
  #expect(strangers() == 0)
}

@Test func whatAClientSentBeforeItLeftIsStillDone() throws {
  let cluster = try TestCluster(1)
  let client = try cluster.client(1)
  try client.send(String(repeating: "INCR n\r\n", count: 1000))
  try client.endSending()
  for number in 1...1000 { #expect(try client.reply() == .integer(Int64(number))) }
  #expect(throws: BlockingClient.Broken(why: "the connection was closed")) { try client.reply() }
}

@Test func aLongPipelineOfLargeValuesComesBackWhole() throws {
  let cluster = try TestCluster(1)
  let client = try cluster.client(1)
  let value = String(repeating: "0123456789abcdef", count: 6000)
  #expect(try client.ask("SET", "k", value) == .text("OK"))
  // Forty megabytes of replies, to a client that begins to read late.
  try client.send(String(repeating: "GET k\r\n", count: 400))
  for _ in 0..<400 { #expect(try client.reply() == .text(value)) }
}

@Test func infoTellsHowTheNodeIs() throws {
  let cluster = try TestCluster()
  let client = try cluster.client(1)
  #expect(try client.ask("SET", "k", "v") == .text("OK"))
  guard case .text(let info) = try client.ask("INFO") else {
    Issue.record("there is a text")
    return
  }
  for line in [
    "# Server", "redis_version:7.0.15", "role:master", "cluster_size:3", "state:ok",
    "connected_clients:1", "total_commands_processed:", "sync_median_us:", "peer2:addr=memory",
  ] { #expect(info.contains(line)) }
  guard case .text(let one) = try client.ask("INFO", "clients") else {
    Issue.record("there is a text")
    return
  }
  #expect(one.hasPrefix("# Clients\r\n") && !one.contains("# Server"))
}

@Test func aChangeThatIsAskedForOnceIsMadeOnceThroughAnyNode() throws {
  let cluster = try TestCluster { $0.requestTimeout = 300 }
  let clients = try (1...3).map { try cluster.client($0) }
  #expect(try clients[0].ask("SYNOD.ONCE", "me", "1", "INCR", "k") == .integer(1))
  for client in clients {
    #expect(try client.ask("SYNOD.ONCE", "me", "1", "RETRY", "INCR", "k") == .integer(1))
  }
  cluster.cutOff(1)
  guard case .error(let why) = try clients[0].ask("SYNOD.ONCE", "me", "2", "INCR", "k") else {
    Issue.record("a node without a quorum acknowledged something")
    return
  }
  #expect(why.hasPrefix("UNKNOWN ") || why.hasPrefix("TRYAGAIN "))
  #expect(try clients[1].ask("SYNOD.ONCE", "me", "2", "RETRY", "INCR", "k") == .integer(2))
  cluster.network.heal()
  #expect(try clients[0].ask("SYNOD.ONCE", "me", "2", "RETRY", "INCR", "k") == .integer(2))
  #expect(try clients[2].ask("SYNOD.FORGET", "me", "2", "k") == .text("2"))
  #expect(try clients[0].ask("SYNOD.SETTLE", "k") == .text("2"))
  // Whoever comes late with a number that was given up does nothing.
  guard case .error(let late) = try clients[0].ask("SYNOD.ONCE", "me", "2", "INCR", "k") else {
    Issue.record("a change was made of a client that had left")
    return
  }
  #expect(late.hasPrefix("UNKNOWN the key no longer knows "))
  #expect(try clients[0].ask("SYNOD.ONCE", "me", "3", "INCR", "k") == .integer(3))
}

@Test func everyKeyIsListedOnceThroughEveryNode() throws {
  let cluster = try TestCluster { $0.enableFlush = true }
  let clients = try (1...3).map { try cluster.client($0) }
  for number in 0..<120 {
    #expect(try clients[number % 3].ask("SET", "key\(number)", "v") == .text("OK"))
  }
  for number in stride(from: 0, to: 120, by: 4) {
    #expect(try clients[number % 3].ask("DEL", "key\(number)") == .integer(1))
  }
  let expected = (0..<120).filter { $0 % 4 != 0 }.map { "key\($0)" }.sorted()
  for client in clients {
    var keys: [String] = []
    var cursor = "0"
    repeat {
      guard case .array(let reply) = try client.ask("SCAN", cursor, "COUNT", "7"),
        reply.count == 2, case .text(let next) = reply[0], case .array(let page) = reply[1]
      else {
        Issue.record("a scan gives a cursor and keys")
        return
      }
      for case .text(let key) in page { keys.append(key) }
      cursor = next
    } while cursor != "0"
    #expect(keys.sorted() == expected)
    #expect(try client.ask("DBSIZE") == .integer(90))
    guard case .text(let any) = try client.ask("RANDOMKEY") else {
      Issue.record("there is a key")
      return
    }
    #expect(expected.contains(any))
  }
  #expect(try clients[1].ask("FLUSHALL") == .text("OK"))
  for client in clients { #expect(try client.ask("KEYS", "*") == .array([])) }
}

extension BlockingClient.Reply {
  fileprivate var isError: Bool { if case .error = self { true } else { false } }
}
