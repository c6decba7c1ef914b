internal import Glibc

/// Who answers for what comes from an address: of version 4 the computer, of version 6 the network of
/// 64 bits, within which a computer gives itself as many addresses as it likes.
public struct NetworkOrigin: Hashable, Sendable {
  private let bits: UInt64
  private let version: UInt8
  /// Whether it is this computer itself.
  public let isLoopback: Bool

  /// - Parameter bytes: of the address, 4 or 16, the first one first.
  init(_ bytes: some RandomAccessCollection<UInt8>) {
    let bytes = Array(bytes)
    // ::ffff:0:0/96 has addresses of version 4 in it.
    let isMapped =
      bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff
      && bytes[11] == 0xff
    let own = isMapped ? Array(bytes[12...]) : bytes
    bits = own.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    version = own.count == 16 ? 6 : 4
    isLoopback =
      version == 6 ? own.last == 1 && own.dropLast().allSatisfy { $0 == 0 } : own.first == 127
  }
}

extension SocketAddress {
  /// Who answers for it.
  public var origin: NetworkOrigin {
    withSockaddr { address in
      if family == AF_INET6 {
        address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
          withUnsafeBytes(of: $0.pointee.sin6_addr) { NetworkOrigin($0) }
        }
      } else {
        address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
          withUnsafeBytes(of: $0.pointee.sin_addr) { NetworkOrigin($0) }
        }
      }
    }
  }
}
