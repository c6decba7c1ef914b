import Glibc

/// Where a datagram comes from or goes to: version 4 of IP.
struct UDPAddress: Hashable, Sendable, CustomStringConvertible {
  /// In the order of the network.
  var host: UInt32
  var port: UInt16

  static func loopback(_ port: Int) -> UDPAddress {
    UDPAddress(host: UInt32(0x7f00_0001).bigEndian, port: UInt16(port).bigEndian)
  }

  init(host: UInt32, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Reads what `description` writes.
  init?(_ text: String) {
    let parts = text.split(separator: ":")
    var host = in_addr()
    guard parts.count == 2, let port = UInt16(parts[1]),
      inet_pton(AF_INET, String(parts[0]), &host) == 1
    else { return nil }
    self.init(host: host.s_addr, port: port.bigEndian)
  }

  var description: String {
    let bytes = withUnsafeBytes(of: host) { $0.map { "\($0)" } }
    return "\(bytes.joined(separator: ".")):\(UInt16(bigEndian: port))"
  }
}

/// A socket that sends and receives datagrams, and never waits.
final class UDPSocket {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let descriptor: Int32
  let address: UDPAddress
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)

  /// - Parameter address: with port 0, the system chooses one.
  init(on address: UDPAddress) throws {
    let flags = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let file = socket(AF_INET, flags, 0)
    guard file >= 0 else { throw Failure(description: "no socket: errno \(errno)") }
    var name = sockaddr_in(address)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    guard name.withPointer({ bind(file, $0, length) }) == 0 else {
      close(file)
      throw Failure(description: "cannot listen on \(address): errno \(errno)")
    }
    _ = name.withPointer { getsockname(file, $0, &length) }
    descriptor = file
    self.address = UDPAddress(name)
  }

  deinit { close(descriptor) }

  /// Sends the parts as one datagram.
  /// - Returns: false where the system did not take it.
  func send(_ parts: [UnsafeRawBufferPointer], to address: UDPAddress) -> Bool {
    var name = sockaddr_in(address)
    var vectors = parts.map {
      iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
    }
    return vectors.withUnsafeMutableBufferPointer { vectors in
      withUnsafeMutablePointer(to: &name) { name in
        var message = msghdr()
        message.msg_name = UnsafeMutableRawPointer(name)
        message.msg_namelen = socklen_t(MemoryLayout<sockaddr_in>.size)
        message.msg_iov = vectors.baseAddress
        message.msg_iovlen = vectors.count
        return sendmsg(descriptor, &message, 0) >= 0
      }
    }
  }

  /// The next datagram and where it came from; nil where there is none. Its bytes are valid in `body`.
  func receive<R>(_ body: (UnsafeRawBufferPointer, UDPAddress) -> R) -> R? {
    var name = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let count = name.withPointer { recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length) }
    guard count >= 0 else { return nil }
    return buffer.withUnsafeBytes {
      body(UnsafeRawBufferPointer(rebasing: $0[..<count]), UDPAddress(name))
    }
  }
}

extension sockaddr_in {
  fileprivate init(_ address: UDPAddress) {
    self.init()
    sin_family = sa_family_t(AF_INET)
    sin_addr.s_addr = address.host
    sin_port = address.port
  }

  fileprivate mutating func withPointer<R>(_ body: (UnsafeMutablePointer<sockaddr>) -> R) -> R {
    withUnsafeMutablePointer(to: &self) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
    }
  }
}

extension UDPAddress {
  fileprivate init(_ name: sockaddr_in) {
    self.init(host: name.sin_addr.s_addr, port: name.sin_port)
  }
}
