import Glibc
import Synod
import SynodRuntime
import UV

/// A small client that waits for each reply, for the command line. Every wait has a limit.
final class BlockingClient {
  let descriptor: Int32
  private var input: [UInt8] = []
  private var offset = 0
  /// Between the socket and what is said, where the node has TLS.
  private let filter: (any StreamFilter)?
  /// Whether values come as `.bytes`, for those that may be no text.
  var givesBytes = false

  indirect enum Reply: Equatable {
    case text(String)
    case bytes([UInt8])
    case error(String)
    case integer(Int64)
    case null
    case boolean(Bool)
    case array([Reply])
    /// What answers no command.
    case push([Reply])
  }

  /// Why there is no reply. The command may have been carried out.
  struct Broken: Error, Equatable { var why: String }

  /// Connects to this computer.
  /// - Parameter timeout: of each wait, in milliseconds.
  convenience init(port: Int, timeout: Int) throws(Broken) {
    try self.init(Endpoint(host: "127.0.0.1", port: port), timeout: timeout)
  }

  /// Connects to the first address of the host that answers.
  /// - Parameters:
  ///   - filter: its own.
  ///   - timeout: of each wait, in milliseconds.
  convenience init(
    _ endpoint: Endpoint, through filter: (any StreamFilter)? = nil, timeout: Int
  ) throws(Broken) {
    self.init(descriptor: try Self.connected(endpoint, timeout: timeout), through: filter)
    try shakeHands(endpoint)
  }

  private init(descriptor: Int32, through filter: (any StreamFilter)?) {
    self.descriptor = descriptor
    self.filter = filter
  }

  private static func connected(_ endpoint: Endpoint, timeout: Int) throws(Broken) -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(endpoint.host, "\(endpoint.port)", &hints, &found)
    guard status == 0 else {
      throw Broken(why: "\(endpoint): \(String(cString: gai_strerror(status)))")
    }
    defer { freeaddrinfo(found) }
    var why = "no address"
    var next = found
    while let address = next?.pointee {
      let descriptor = socket(
        address.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else {
        throw Broken(why: "socket: \(String(cString: strerror(errno)))")
      }
      Self.configure(descriptor, timeout: timeout)
      if connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 {
        return descriptor
      }
      why = String(cString: strerror(errno))
      Glibc.close(descriptor)
      next = address.ai_next
    }
    throw Broken(why: "connect to \(endpoint): \(why)")
  }

  private static func configure(_ descriptor: Int32, timeout: Int) {
    var limit = timeval(tv_sec: timeout / 1000, tv_usec: (timeout % 1000) * 1000)
    var on: Int32 = 1
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(
      descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(
      descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { close(descriptor) }

  func ask(_ arguments: String...) throws(Broken) -> Reply { try ask(arguments) }

  func ask(_ arguments: [String]) throws(Broken) -> Reply {
    var request = "*\(arguments.count)\r\n"
    for argument in arguments { request += "$\(argument.utf8.count)\r\n\(argument)\r\n" }
    try send(request)
    return try reply()
  }

  /// Sends commands, one behind the other, and reads no reply.
  func send(_ commands: [[[UInt8]]]) throws(Broken) {
    var bytes: [UInt8] = []
    for command in commands {
      bytes += "*\(command.count)\r\n".utf8
      for argument in command {
        bytes += "$\(argument.count)\r\n".utf8
        bytes += argument
        bytes += "\r\n".utf8
      }
    }
    try send(bytes)
  }

  /// Sends bytes as they are.
  func send(_ text: String) throws(Broken) { try send(Array(text.utf8)) }

  private func send(_ bytes: [UInt8]) throws(Broken) {
    guard let filter else { return try sendRaw(bytes) }
    let sent = Sent(bytes)
    var sealed: [UInt8] = []
    filter.send([sent.part]) { for part in $0 { sealed += part.bytes } }
    try sendRaw(sealed)
  }

  private func sendRaw(_ bytes: [UInt8]) throws(Broken) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if sent < 0 && errno == EINTR { continue }
      guard sent > 0 else { throw Broken(why: "send: \(String(cString: strerror(errno)))") }
      rest = rest.dropFirst(sent)
    }
  }

  /// Sends no more, and reads on.
  func endSending() throws(Broken) {
    guard shutdown(descriptor, Int32(SHUT_WR)) == 0 else {
      throw Broken(why: "shutdown: \(String(cString: strerror(errno)))")
    }
  }

  /// Waits for the next reply.
  func reply() throws(Broken) -> Reply { try reply(depth: 0) }

  /// Elements of an array, and arrays within arrays, at the most: more is not asked for.
  private static let maxElements = 1 << 20
  private static let maxDepth = 4

  private func reply(depth: Int) throws(Broken) -> Reply {
    let line = try line()
    let text = String(decoding: line.dropFirst(), as: UTF8.self)
    switch line.first {
    case UInt8(ascii: "+"): return .text(text)
    case UInt8(ascii: "-"): return .error(text)
    case UInt8(ascii: ":"): if let number = Int64(text) { return .integer(number) }
    case UInt8(ascii: "$"):
      guard let count = Int(text), count <= 1 << 30 else { break }
      if count < 0 { return .null }
      while input.count - offset < count + 2 { try receive() }
      defer { offset += count + 2 }
      let value = input[offset..<(offset + count)]
      return givesBytes ? .bytes(Array(value)) : .text(String(decoding: value, as: UTF8.self))
    case UInt8(ascii: "*"): return try elements(text, depth).map { .array($0) } ?? .null
    case UInt8(ascii: ">"): if let elements = try elements(text, depth) { return .push(elements) }
    case UInt8(ascii: "%"):
      if let elements = try elements(text, each: 2, depth) { return .array(elements) }
    case UInt8(ascii: "_"): return .null
    case UInt8(ascii: "#"): return .boolean(text == "t")
    default: break
    }
    throw Broken(why: "what came is no reply: '\(text)'")
  }

  /// - Returns: nil where there is no array.
  private func elements(
    _ count: String, each: Int = 1, _ depth: Int
  ) throws(Broken) -> [Reply]? {
    guard let count = Int(count), (0...Self.maxElements).contains(count), depth < Self.maxDepth
    else { return nil }
    var elements: [Reply] = []
    for _ in 0..<(count * each) { elements.append(try reply(depth: depth + 1)) }
    return elements
  }

  private func line() throws(Broken) -> ArraySlice<UInt8> {
    while true {
      if let end = input[offset...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { offset = end + 1 }
        return input[offset..<max(offset, end - 1)]
      }
      guard input.count - offset < 1 << 20 else { throw Broken(why: "a line without an end") }
      try receive()
    }
  }

  private func receive() throws(Broken) {
    input.removeFirst(offset)
    offset = 0
    guard filter != nil else {
      input.append(contentsOf: try receiveRaw())
      return
    }
    let before = input.count
    while input.count == before { try unseal(try receiveRaw()) }
  }

  /// What a filter makes of what came; what it has to say is sent.
  private func unseal(_ bytes: [UInt8]) throws(Broken) {
    var failure: String?
    var sealed: [UInt8] = []
    bytes.withUnsafeBytes { bytes in
      do {
        try filter?.receive(
          bytes, plain: { input.append(contentsOf: $0) },
          write: { for part in $0 { sealed += part.bytes } })
      } catch {
        failure = "\(error)"
      }
    }
    try? sendRaw(sealed)
    if let failure { throw Broken(why: failure) }
  }

  private func shakeHands(_ endpoint: Endpoint) throws(Broken) {
    guard let filter else { return }
    try send([UInt8]())
    do throws(Broken) {
      while !filter.isOpen { try unseal(try receiveRaw()) }
    } catch {
      throw Broken(why: "\(endpoint): \(error.why)")
    }
  }

  private func receiveRaw() throws(Broken) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    var count: Int
    repeat {
      count = recv(descriptor, &buffer, buffer.count, 0)
    } while count < 0 && errno == EINTR
    guard count > 0 else {
      throw Broken(
        why: count == 0 ? "the connection was closed" : String(cString: strerror(errno)))
    }
    return Array(buffer[..<count])
  }
}

/// Bytes that stay in their place while they are sealed.
private final class Sent {
  private let bytes: Bytes
  init(_ bytes: [UInt8]) { self.bytes = Bytes(bytes) }
  var part: StreamBuffer { StreamBuffer(owner: self, bytes: bytes.unsafeBuffer) }
}

/// `127.0.0.1` and a port.
func loopback(_ port: Int) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  return address
}
