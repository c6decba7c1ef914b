import Glibc
import UV

extension TCPTransportSettings.Address {
  /// The address to listen on; a name is looked up, and the call waits for it. Only before the loop
  /// runs; while it does, names are the `Resolver`'s.
  func resolvedBlocking() throws(UVError) -> SocketAddress {
    if let numeric = try? SocketAddress(host: host, port: port) { return numeric }
    guard (0...65535).contains(port) else { throw .malformedAddress(description) }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_ADDRCONFIG
    var found: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, nil, &hints, &found)
    defer { if let found { freeaddrinfo(found) } }
    guard status == 0, let first = found else { throw .unknownHost(host) }
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    guard
      getnameinfo(
        first.pointee.ai_addr, first.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
        NI_NUMERICHOST) == 0
    else { throw .unknownHost(host) }
    let numeric = String(
      decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return try SocketAddress(host: numeric, port: port)
  }
}
