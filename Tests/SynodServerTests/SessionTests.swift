import Glibc
import Logging
import Synod
import SynodRuntime
import Testing
import UV

@testable import SynodServer

private let closed = BlockingClient.Broken(why: "the connection was closed")

/// Waits until a node has received the first part of a command from another client.
private func waitForHalf(_ observer: BlockingClient) throws {
  while case .text(let text) = try observer.ask("INFO", "clients") {
    if !text.contains("command_bytes_under_way:0\r\n") { return }
    usleep(1000)
  }
}

@Test func moreThanTheLoopReadsInATurnIsNotTooMuch() throws {
  let cluster = try TestCluster(1)
  let client = try cluster.client(1)
  // While the loop is busy, several reads' worth of bytes gathers.
  cluster.nodes[0].onLoop { _ in usleep(200_000) }
  try client.send(String(repeating: "SET k v\r\n", count: 40_000))
  for _ in 0..<40_000 { #expect(try client.reply() == .text("OK")) }
  #expect(try client.ask("GET", "k") == .text("v"))
}

@Test func whoReadsLateGetsEveryReply() throws {
  let cluster = try TestCluster(1)
  let (client, observer) = (try cluster.client(1), try cluster.client(1))
  let count = 10_000
  try client.send(String(repeating: "INFO\r\n", count: count))
  // Until the node waits for the client, and holds back the commands behind.
  var (done, before) = (0, -2)
  while done - before > 1 && done < count {
    usleep(50_000)
    before = done
    guard case .text(let stats) = try observer.ask("INFO", "stats") else { break }
    let line = stats.split(separator: "\r\n").first { $0.hasPrefix("total_commands") }
    done = line?.split(separator: ":").last.flatMap { Int($0) } ?? 0
  }
  #expect(done > 0 && done < count)
  var replies = 0
  for _ in 0..<count {
    if case .text = try client.reply() { replies += 1 }
  }
  #expect(replies == count)
  #expect(try client.ask("PING") == .text("PONG"))
}

@Test func aFirstCommandInPiecesHasItsTime() throws {
  let cluster = try TestCluster(1)
  let (client, observer) = (try cluster.client(1), try cluster.client(1))
  try client.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nab")
  try waitForHalf(observer)
  cluster.onLoop(1) { server in server.checkDeadlines(now: server.node.loop.now + 50_000) }
  try client.send("cde\r\n")
  #expect(try client.reply() == .text("OK"))
  #expect(try client.ask("GET", "k") == .text("abcde"))
}

@Test func aCommandThatNeverEndsRunsOutOfTime() throws {
  let cluster = try TestCluster(1)
  let (client, observer) = (try cluster.client(1), try cluster.client(1))
  try client.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nab")
  try waitForHalf(observer)
  cluster.onLoop(1) { server in
    server.checkDeadlines(now: server.node.loop.now)
    server.checkDeadlines(now: server.node.loop.now + 61_000)
  }
  #expect(throws: closed) { try client.reply() }
  #expect(try observer.ask("GET", "k") == .null)
}

@Test func aLongPipelineIsDoneThoughTheClientSendsNoMore() throws {
  let cluster = try TestCluster(1)
  let client = try cluster.client(1)
  try client.send(String(repeating: "INCR n\r\n", count: 20_000))
  try client.endSending()
  for number in 1...20_000 { #expect(try client.reply() == .integer(Int64(number))) }
  #expect(throws: closed) { try client.reply() }
}

@Test func aStopCostsNoClientItsLastReply() throws {
  let cluster = try TestCluster()
  let client = try cluster.client(1)
  #expect(try client.ask("SET", "k", "v") == .text("OK"))
  cluster.cutOff(1)
  try client.send("GET k\r\n")
  let observer = try cluster.client(1)
  try waitForHalf(observer)
  cluster.onLoop(1) { $0.shutDown() }
  // Sent too late to be done: they are dropped, and reset nothing.
  try client.send(String(repeating: "INCR n\r\n", count: 10_000))
  cluster.network.heal()
  #expect(try client.reply() == .text("v"))
  for _ in 0..<3 {
    usleep(50_000)
    try client.send("INCR n\r\n")
  }
  #expect(throws: closed) { try client.reply() }
  #expect(try cluster.client(2).ask("GET", "n") == .null)
}

/// Has the connection end with a reset, as where a client crashes.
private func reset(_ client: BlockingClient) {
  var now = linger(l_onoff: 1, l_linger: 0)
  setsockopt(
    client.descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
}

private func waitFor(_ line: String, _ observer: BlockingClient) throws {
  while case .text(let text) = try observer.ask("INFO", "clients"), !text.contains(line + "\r\n") {
    usleep(1000)
  }
}

/// A proposal may end long after its client has left; its place is nobody else's before.
@Test func anAnswerNeverReachesAnotherClient() throws {
  let cluster = try TestCluster { $0.requestTimeout = 60_000 }
  let observer = try cluster.client(1)
  #expect(try observer.ask("SET", "victim", "1") == .text("OK"))
  cluster.cutOff(1)
  let value = String(repeating: "9", count: 1000)
  do {
    let gone = try cluster.client(1)
    try gone.send("INCR victim\r\nSET other \(value)\r\n")
    try waitForHalf(observer)
    reset(gone)
  }
  try waitFor("connected_clients:1", observer)
  // What it left behind still counts against the bound on all commands under way.
  guard case .text(let info) = try observer.ask("INFO", "clients"),
    let line = info.split(separator: "\r\n").first(where: { $0.hasPrefix("command_bytes") }),
    let bytes = line.split(separator: ":").last.flatMap({ Int($0) })
  else {
    Issue.record("there is a figure")
    return
  }
  #expect(bytes > 1000)
  // The same numbers of commands, on a new connection.
  let next = try cluster.client(1)
  try next.send("STRLEN other\r\nGET victim\r\n")
  cluster.network.heal()
  guard case .integer(let length) = try next.reply(), case .text(let number) = try next.reply()
  else {
    Issue.record("a reply to another client's command")
    return
  }
  #expect([0, 1000].contains(length) && ["1", "2"].contains(number))
  try waitFor("command_bytes_under_way:0", observer)
}

@Test func manyClientsThatAreClosedAreNotALineEach() throws {
  let log = Lines()
  let cluster = try TestCluster(1, log: Logger(label: "test") { _ in log })
  let observer = try cluster.client(1)
  let clients = try (0..<20).map { _ in try cluster.client(1) }
  for client in clients {
    try client.send("*2\r\n$3\r\nGET\r\n$1")
    while true {
      nonisolated(unsafe) var pending = 0
      cluster.onLoop(1) { pending = $0.costUnderWay }
      if pending > 0 { break }
      usleep(1000)
    }
  }
  // All of them are seen half way, then too late.
  for client in clients { try client.send("\r") }
  usleep(50_000)
  cluster.onLoop(1) { server in
    server.checkDeadlines(now: server.node.loop.now)
    server.checkDeadlines(now: server.node.loop.now + 61_000)
  }
  for client in clients { #expect(throws: closed) { try client.reply() } }
  try waitFor("closed_for_not_sending:20", observer)
  #expect(log.lines.count { $0.contains("was closed") } == 1)
}

@Test func aLargeCommandWaitsWhereAllTogetherHoldMuchAndSmallOnesGoOn() throws {
  let cluster = try TestCluster(1)
  let (client, observer) = (try cluster.client(1), try cluster.client(1))
  let much = Server.maxCostUnderWay * 3 / 4
  cluster.onLoop(1) { $0.costUnderWay += much }
  let value = String(repeating: "v", count: 400_000)
  try client.send("*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$400000\r\n\(value)\r\n")
  usleep(50_000)
  #expect(try observer.ask("SET", "small", "v") == .text("OK"))
  nonisolated(unsafe) var held = 0
  cluster.onLoop(1) { held = $0.costUnderWay - much }
  // One read at most, in memory twice its size.
  #expect(held < 200_000)
  cluster.onLoop(1) { server in
    server.costUnderWay -= much
    server.checkDeadlines(now: server.node.loop.now)
  }
  #expect(try client.reply() == .text("OK"))
  #expect(try observer.ask("STRLEN", "large") == .integer(400_000))
}

/// Waits until so many proposals of clients are open at a node; gives up after a while.
private func waitForOpenProposals(_ count: Int, _ observer: BlockingClient) throws -> Bool {
  for _ in 0..<4000 {
    guard case .text(let text) = try observer.ask("INFO") else { break }
    if text.contains("open_proposals:\(count)\r\n") { return true }
    usleep(1000)
  }
  return false
}

/// Its client asks again through another node, and may have left for good before this one gets through.
@Test func whatIsToBeMadeOnceIsGivenUpWithItsConnection() throws {
  let cluster = try TestCluster { $0.requestTimeout = 3_600_000 }
  let observer = try cluster.client(1)
  cluster.cutOff(1)
  do {
    let gone = try cluster.client(1)
    try gone.send("SYNOD.ONCE me 1 INCR k\r\nSYNOD.ONCE me 2 RETRY INCR k\r\nINCR other\r\n")
    #expect(try waitForOpenProposals(3, observer))
    reset(gone)
  }
  #expect(try waitForOpenProposals(1, observer))
  cluster.network.heal()
  #expect(try cluster.client(2).ask("GET", "k") == .null)
}
