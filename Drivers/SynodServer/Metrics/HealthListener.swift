import Synod
import UV

/// Answers scrapers and probes, on a port of its own: `/metrics`, `/livez`, `/readyz`.
///
/// One request a connection. How many there are, how much is held of each, and how long each may take is
/// bounded, whoever comes: this must not cost the clients anything.
final class HealthListener {
  struct Page {
    /// 200 where nil.
    var refusal: String?
    var type = "text/plain; charset=utf-8"
    var body: String
  }

  private let loop: Loop
  private let page: (String) -> Page?
  private var listener: Listener?
  private var connections: [Int: Connection] = [:]
  private var next = 0
  private var clock: Timer?

  static let mostConnections = 32
  /// From connecting to the end, in milliseconds.
  static let longest: UInt64 = 5_000

  private struct Connection {
    var stream: TCPStream
    var request = HTTPRequest()
    var until: UInt64
    var isAnswered = false
  }

  /// - Parameter page: what is at a path; nil where there is nothing.
  init(_ loop: Loop, on address: SocketAddress, page: @escaping (String) -> Page?) throws(UVError) {
    self.loop = loop
    self.page = page
    let listener = try Listener(loop, on: address) { [unowned self] in self.accept($0) }
    self.listener = listener
    let clock = Timer(loop) { [unowned self] in self.checkDeadlines() }
    clock.start(every: 1000)
    self.clock = clock
  }

  var address: SocketAddress? { listener?.address }

  func close() {
    listener?.close()
    listener = nil
    clock?.close()
    for connection in connections.values { connection.stream.close() }
    connections = [:]
  }

  private func accept(_ stream: TCPStream) {
    if connections.count >= Self.mostConnections { closeOldest() }
    let id = next
    next += 1
    stream.isStranger = true
    stream.onRead = { [unowned self] in self.read($0, of: id) }
    stream.onEnd = { [unowned self] _ in self.end(id) }
    connections[id] = Connection(stream: stream, until: loop.now + Self.longest)
    stream.startReading()
  }

  /// Else silent ones would keep those out that look whether this node lives.
  private func closeOldest() {
    guard let oldest = connections.keys.min() else { return }
    connections.removeValue(forKey: oldest)?.stream.close()
  }

  private func read(_ bytes: UnsafeRawBufferPointer, of id: Int) {
    // What follows the request is read, so that closing does not cost the reply, and dropped.
    guard connections[id]?.isAnswered == false,
      let status = connections[id]?.request.receive(bytes)
    else { return }
    switch status {
    case .incomplete: break
    case .get(let path):
      let found = page(path) ?? Page(refusal: "404 Not Found", body: "/metrics /livez /readyz\n")
      answer(id, found)
    case .refused(let why):
      answer(id, Page(refusal: "\(why.rawValue) \(why.reason)", body: why.reason + "\n"))
    }
  }

  private func answer(_ id: Int, _ page: Page) {
    guard let stream = connections[id]?.stream else { return }
    connections[id]?.isAnswered = true
    let head =
      "HTTP/1.1 \(page.refusal ?? "200 OK")\r\nContent-Type: \(page.type)\r\n"
      + "Content-Length: \(page.body.utf8.count)\r\nCache-Control: no-store\r\n"
      + (page.refusal?.hasPrefix("405") == true ? "Allow: GET\r\n" : "")
      + "Connection: close\r\n\r\n"
    let reply = Reply(head + page.body)
    stream.write(StreamBuffer(owner: reply, bytes: UnsafeRawBufferPointer(reply.bytes)))
    stream.shutdown()
  }

  private func end(_ id: Int) {
    guard let stream = connections[id]?.stream else { return }
    if stream.queuedBytes == 0 { connections[id] = nil }
    // One that has ended its side may still want the reply; what is not taken in time is dropped.
    loop.soon { stream.closeAfterWrites() }
  }

  private func checkDeadlines() {
    let now = loop.now
    for id in connections.keys.sorted() where (connections[id]?.until ?? 0) <= now {
      connections.removeValue(forKey: id)?.stream.close()
    }
  }
}

/// Bytes of a reply, in one place until they are written.
private final class Reply {
  let bytes: UnsafeMutableRawBufferPointer

  init(_ text: String) {
    var text = text
    bytes = text.withUTF8 { source in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 1)
      copy.copyMemory(from: UnsafeRawBufferPointer(source))
      return copy
    }
  }

  deinit { bytes.deallocate() }
}
