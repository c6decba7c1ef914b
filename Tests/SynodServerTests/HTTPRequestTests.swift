import Testing

@testable import SynodServer

private func read(_ text: String) -> HTTPRequest.Status {
  var request = HTTPRequest()
  return request.receive(text.utf8)
}

@Test func aGetIsRead() {
  #expect(read("GET /metrics HTTP/1.1\r\nHost: x:1\r\n\r\n") == .get(path: "/metrics"))
  #expect(read("GET /livez?verbose=1 HTTP/1.0\r\n\r\n") == .get(path: "/livez"))
  #expect(read("GET / HTTP/1.1\r\nContent-Length: 0\r\nA:\r\n\r\nrest") == .get(path: "/"))
  #expect(read("GET /metrics HTTP/1.1\r\nHost: x\r\n") == .incomplete)
  #expect(read("") == .incomplete)
}

@Test(arguments: [
  ("POST / HTTP/1.1\r\n\r\n", HTTPRequest.Refusal.method), ("HEAD / HTTP/1.1\r\n", .method),
  ("get / HTTP/1.1\r\n", .method), ("GET / HTTP/2\r\n", .version), ("GET / HTTP/1.2\r\n", .version),
  ("GET /\r\n", .malformed), ("GET  / HTTP/1.1\r\n", .malformed), ("\r\n", .malformed),
  ("GET x HTTP/1.1\r\n", .malformed), ("GET / HTTP/1.1\n", .malformed),
  ("GET / HTTP/1.1\r \n", .malformed), ("GET /é HTTP/1.1\r\n", .malformed),
  ("GET /\u{0} HTTP/1.1\r\n", .malformed), ("GET / HTTP/1.1\r\nx\r\n", .malformed),
  ("GET / HTTP/1.1\r\n: x\r\n", .malformed), ("GET / HTTP/1.1\r\nA : x\r\n", .malformed),
  ("GET / HTTP/1.1\r\n A: x\r\n", .malformed), ("PING\r\n", .malformed),
  ("GET / HTTP/1.1\r\nContent-Length: 5\r\n", .malformed),
  ("GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n", .malformed),
  ("*1\r\n$4\r\nPING\r\n", .malformed), ("\u{16}\u{3}\u{1}", .malformed),
])
func whatIsNoGetIsRefused(_ text: String, _ refusal: HTTPRequest.Refusal) {
  #expect(read(text) == .refused(refusal))
}

@Test func whatIsHeldOfARequestIsBounded() {
  let long = String(repeating: "a", count: HTTPRequest.longest)
  #expect(read("GET /" + long) == .refused(.tooLong))
  #expect(
    read("GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 2000)) == .refused(.tooLong))
  #expect(read(long + long) == .refused(.tooLong))
}

@Test func aRequestMayComeInAnyPieces() {
  let text = Array("GET /readyz?x HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n".utf8)
  for split in 0...text.count {
    var request = HTTPRequest()
    let first = request.receive(text[..<split])
    #expect((first == .incomplete) == (split < text.count))
    #expect(request.receive(text[split...]) == .get(path: "/readyz"))
    #expect(request.receive("POST".utf8) == .get(path: "/readyz"), "it stays so")
  }
}

@Test func randomBytesNeverStopTheReader() {
  var random: UInt64 = 1
  let alphabet = Array("GET /: HTTP/1.\r\n\u{0}\u{7f}aA".utf8)
  for _ in 0..<2000 {
    var request = HTTPRequest()
    var bytes: [UInt8] = []
    for _ in 0..<64 {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      bytes.append(alphabet[Int(random >> 33) % alphabet.count])
    }
    let whole = request.receive(bytes)
    var other = HTTPRequest()
    for byte in bytes { _ = other.receive([byte]) }
    #expect(other.status == whole)
  }
}
