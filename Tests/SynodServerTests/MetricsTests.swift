import CASPaxos
import KeyValue
import RESP
import Synod
import SynodRuntime
import Testing
import UV

@testable import SynodServer

/// A clock that the test moves.
private final class Clock {
  var time: UInt64 = 0
}

/// A talk whose commands are measured.
private func measured(slowFrom: UInt64? = nil) -> (Talk, Clock, RequestMeter) {
  let clock = Clock()
  let meter = RequestMeter(slowFrom: slowFrom) { clock.time }
  var talk = Talk()
  talk.conversation = Conversation(limits: Conversation.Limits(), meter: meter)
  return (talk, clock, meter)
}

extension Talk {
  /// Sends a line at a moment, and has it answered at another.
  fileprivate mutating func ask(_ line: String, _ clock: Clock, from start: UInt64, to end: UInt64)
  {
    clock.time = start
    conversation.queue.readAt = UInt32(truncatingIfNeeded: start)
    send(line + "\r\n")
    clock.time = end
    settle()
    _ = received()
  }
}

@Test func commandsAreMeasuredFromTheirReadToTheirReply() {
  var (talk, clock, meter) = measured()
  talk.ask("GET k", clock, from: 100, to: 150)
  talk.ask("SET k v", clock, from: 200, to: 1200)
  talk.ask("MGET a b c", clock, from: 2000, to: 2010)
  talk.ask("DEL a b c", clock, from: 3000, to: 3005)
  talk.ask("PING", clock, from: 4000, to: 5000)
  talk.ask("CLIENT ID", clock, from: 6000, to: 7000)
  #expect(meter.reads.pointee.count == 2 && meter.reads.pointee.sum == 60)
  #expect(meter.writes.pointee.count == 2 && meter.writes.pointee.sum == 1005)
}

@Test func aCommandAcrossTheClocksEndIsMeasured() {
  var (talk, clock, meter) = measured()
  talk.ask("GET k", clock, from: UInt64(UInt32.max) - 5, to: UInt64(UInt32.max) + 5)
  #expect(meter.reads.pointee.sum == 10)
}

@Test func commandsThatTookLongAreKept() throws {
  var (talk, clock, _) = measured(slowFrom: 1000)
  let long = String(repeating: "k", count: 30)
  talk.ask("GET quick", clock, from: 0, to: 999)
  talk.ask("set \(long) v", clock, from: 0, to: 1000)
  talk.ask("MGET 12345678 b", clock, from: 0, to: 3000)
  talk.ask("SYNOD.ONCE c 1 INCR n", clock, from: 0, to: 4000)
  let slow = talk.conversation.queue.slow
  #expect(slow.map(\.time) == [1000, 3000, 4000])
  #expect(slow.map(\.glimpse.command) == [.set, .mget, .synodOnce])
  #expect(slow.map { $0.glimpse.key.map { $0.count } } == [24, 8, 1])
  for one in slow { talk.host.slowLog.add(one, ended: 77, client: talk.host.facts) }
  #expect(talk.ask("SLOWLOG LEN") == ":3\r\n")
  #expect(
    talk.ask("SLOWLOG GET 1")
      == "*1\r\n*6\r\n:2\r\n:77\r\n:4000\r\n*2\r\n$10\r\nSYNOD.ONCE\r\n$1\r\nn\r\n"
      + "$14\r\n127.0.0.1:5000\r\n$0\r\n\r\n")
  let all = talk.ask("SLOWLOG GET -1")
  #expect(all.hasPrefix("*3\r\n"))
  #expect(all.contains(String(repeating: "k", count: 24) + "... (6 more bytes)\r\n"))
  #expect(talk.ask("SLOWLOG GET").hasPrefix("*3\r\n"))
  #expect(talk.ask("SLOWLOG RESET", "SLOWLOG GET") == "+OK\r\n*0\r\n")
}

@Test func theSlowLogIsBounded() {
  let host = TestHost()
  for number in 0..<300 as Range<UInt32> {
    host.slowLog.add(
      SlowCommand(glimpse: Glimpse(.get), time: number), ended: 0, client: host.facts)
  }
  #expect(host.slowLog.entries.count == SlowLog.longest)
  #expect(host.slowLog.entries.first?.id == 299 && host.slowLog.entries.last?.id == 172)
}

@Test(arguments: [
  ("SLOWLOG GET x", "ERR count should be greater"),
  ("SLOWLOG GET -2", "ERR count should be greater"),
  ("SLOWLOG LEN x", "ERR wrong number of arguments for 'slowlog|len' command"),
  ("SLOWLOG WHAT", "ERR unknown subcommand 'WHAT'. Try SLOWLOG HELP."),
  ("SLOWLOG", "ERR wrong number of arguments for 'slowlog' command"),
])
func aWrongQuestionToTheSlowLogIsRefused(_ line: String, _ expected: String) {
  var talk = Talk()
  #expect(talk.ask(line).hasPrefix("-" + expected))
}

@Test(arguments: [0, 1, 7, 8, 9, 16, 17, 23, 24, 25, 400])
func aGlimpseKeepsTheBeginningOfAKey(_ length: Int) {
  let key = Bytes((0..<length).map { UInt8(truncatingIfNeeded: $0 + 1) })
  var glimpse = Glimpse(.set)
  glimpse.see(key)
  #expect(glimpse.key == (length == 0 ? nil : Array(key.array.prefix(24))))
  #expect(glimpse.keyLength == length)
}

@Test func figuresAreWrittenAsPrometheusReadsThem() {
  var page = PrometheusText()
  page.counter("a_total", "What a is.", 3)
  page.gauges("b", "What b is.", [([("l", "x\"\\\ny")], -1)])
  var times = LatencyHistogram()
  for time in [16, 17, 1_500_000, 40_000_000] as [UInt64] { times.add(time) }
  page.histogram("c_seconds", "What c is.", [([("k", "v")], times)])
  let lines = page.text.split(separator: "\n").map(String.init)
  #expect(lines[0] == "# HELP a_total What a is." && lines[1] == "# TYPE a_total counter")
  #expect(lines[2] == "a_total 3" && lines[5] == "b{l=\"x\\\"\\\\\\ny\"} -1")
  #expect(lines.contains("c_seconds_bucket{k=\"v\",le=\"0.000016\"} 1"))
  #expect(lines.contains("c_seconds_bucket{k=\"v\",le=\"0.000032\"} 2"))
  #expect(lines.contains("c_seconds_bucket{k=\"v\",le=\"2.097152\"} 3"))
  #expect(lines.contains("c_seconds_bucket{k=\"v\",le=\"16.777216\"} 3"))
  #expect(
    lines.suffix(3) == [
      "c_seconds_bucket{k=\"v\",le=\"+Inf\"} 4", "c_seconds_sum{k=\"v\"} 41.500033",
      "c_seconds_count{k=\"v\"} 4",
    ])
}

@Test func aNodeIsReadyWhereAQuorumIsReached() throws {
  let cluster = try TestCluster(3)
  let client = try cluster.client(1)
  #expect(try client.ask("SET", "k", "v") == .text("OK"))
  func pages(_ node: Int) -> [String: HealthListener.Page] {
    nonisolated(unsafe) var pages: [String: HealthListener.Page] = [:]
    cluster.onLoop(node) { server in
      for path in ["/metrics", "/livez", "/readyz", "/x"] { pages[path] = server.page(path) }
    }
    return pages
  }
  let good = pages(1)
  #expect(good["/livez"]?.body == "alive\n" && good["/x"] == nil)
  #expect(good["/readyz"]?.refusal == nil)
  let figures = try #require(good["/metrics"]?.body)
  #expect(figures.contains("\nsynod_request_duration_seconds_count{kind=\"write\"} 1\n"))
  #expect(
    figures.contains("\nsynod_ready 1\n") && figures.contains("synod_peer_connected{peer=\"2\"} 1"))
  cluster.cutOff(1)
  let bad = try #require(pages(1)["/readyz"])
  #expect(bad.refusal == "503 Service Unavailable")
  #expect(bad.body == "not ready: 1 of 3 voters can be reached, 2 are needed\n")
}

@Test func silentConnectionsKeepNoProbeOut() throws {
  let loop = try Loop()
  let listener = try HealthListener(loop, on: SocketAddress(host: "127.0.0.1", port: 0)) { _ in
    HealthListener.Page(body: "alive")
  }
  let address = try #require(listener.address)
  var silent: [TCPStream] = []
  var reply = ""
  func probe() {
    TCPStream.connect(loop, to: address) { result in
      guard case .success(let stream) = result else { return loop.stop() }
      silent.append(stream)
      stream.onRead = { reply += String(decoding: $0, as: UTF8.self) }
      stream.onEnd = { _ in loop.stop() }
      stream.startReading()
      let request = Array("GET /livez HTTP/1.1\r\n\r\n".utf8)
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: request.count, alignment: 1)
      bytes.copyBytes(from: request)
      stream.write(StreamBuffer(owner: stream, bytes: UnsafeRawBufferPointer(bytes)))
    }
  }
  for _ in 0..<HealthListener.mostConnections {
    TCPStream.connect(loop, to: address) { result in
      if case .success(let stream) = result { silent.append(stream) }
      if silent.count == HealthListener.mostConnections { probe() }
    }
  }
  let patience = Timer(loop) { loop.stop() }
  patience.start(after: 4_000)
  loop.run()
  #expect(reply.hasSuffix("alive"))
  listener.close()
  loop.close()
}
