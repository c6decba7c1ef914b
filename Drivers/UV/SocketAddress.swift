internal import CLibUV
internal import Glibc

/// Where a socket listens or connects: a numeric address, version 4 or 6, and a port.
public struct SocketAddress: Sendable, CustomStringConvertible {
  private var storage: sockaddr_storage

  init(storage: sockaddr_storage) { self.storage = storage }

  /// - Parameters:
  ///   - host: `127.0.0.1`, `::1`, `0.0.0.0` …; names are the `Resolver`'s.
  ///   - port: 0 to let the system choose, where this is listened on.
  public init(host: String, port: Int) throws(UVError) {
    guard (0...65535).contains(port) else { throw .malformedAddress("\(host):\(port)") }
    storage = sockaddr_storage()
    let found = withUnsafeMutablePointer(to: &storage) { storage in
      storage.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        uv_ip4_addr(host, Int32(port), $0) == 0
      }
        || storage.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
          uv_ip6_addr(host, Int32(port), $0) == 0
        }
    }
    guard found else { throw .malformedAddress("\(host):\(port)") }
  }

  var family: Int32 { Int32(storage.ss_family) }

  var length: socklen_t {
    family == AF_INET6
      ? socklen_t(MemoryLayout<sockaddr_in6>.size) : socklen_t(MemoryLayout<sockaddr_in>.size)
  }

  func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>) -> R) -> R {
    withUnsafePointer(to: storage) { storage in
      storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) }
    }
  }

  /// What a call like `getsockname` gives, or nil where it fails.
  static func filled(
    by call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> SocketAddress? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let status = withUnsafeMutablePointer(to: &storage) { storage in
      storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
    }
    return status == 0 ? SocketAddress(storage: storage) : nil
  }

  /// The port.
  public var port: Int {
    withSockaddr { address in
      // The port lies at the same place in both versions.
      address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        Int(UInt16(bigEndian: $0.pointee.sin_port))
      }
    }
  }

  /// The address without the port.
  public var host: String {
    var text = [CChar](repeating: 0, count: 64)
    withSockaddr { address in
      if family == AF_INET6 {
        address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
          _ = uv_ip6_name($0, &text, text.count)
        }
      } else {
        address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
          _ = uv_ip4_name($0, &text, text.count)
        }
      }
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// `127.0.0.1:7001`, `[::1]:7001`.
  public var description: String { family == AF_INET6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
