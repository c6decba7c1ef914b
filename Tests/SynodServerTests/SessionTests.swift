import Glibc
import Synod
import SynodRuntime
import Testing
import UV

@testable import SynodServer

private let closed = BlockingClient.Broken(why: "the connection was closed")

/// Waits until a node has received the first part of a command from another client.
private func waitForHalf(_ observer: BlockingClient) throws {
  while case .text(let text) = try observer.ask("INFO", "clients") {
    if !text.contains("command_bytes_under_way:0\r") { return }
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

@Test(arguments: ["INFO", "CLIENT LIST", "EXISTS k k k k", "PING"])
func whoReadsLateGetsEveryReply(_ line: String) throws {
  let cluster = try TestCluster(1)
  let client = try cluster.client(1)
  let count = line == "INFO" ? 6000 : 2000
  try client.send(String(repeating: line + "\r\n", count: count))
  usleep(300_000)
  var replies = 0
  for _ in 0..<count {
    switch try client.reply() {
    case .text, .integer: replies += 1
    case .error, .null: break
    }
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
  #expect(throws: closed) { try client.reply() }
  #expect(try cluster.client(2).ask("GET", "n") == .null)
}
