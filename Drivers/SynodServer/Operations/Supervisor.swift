import Glibc

/// Tells whoever started this process how it is, where that wants to know: systemd, for units of
/// `Type=notify`. Nothing happens elsewhere. Source: sd_notify(3).
enum Supervisor {
  enum State: String {
    case ready = "READY=1"
    case stopping = "STOPPING=1"
  }

  static func tell(_ state: State) {
    guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }) else { return }
    send(state.rawValue, to: path)
  }

  /// - Parameter path: of a socket of datagrams; with `@` in front, in the abstract name space.
  /// - Returns: whether it was sent.
  @discardableResult
  static func send(_ text: String, to path: String) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var name = Array(path.utf8)
    guard let first = name.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"),
      name.count < MemoryLayout.size(ofValue: address.sun_path)
    else { return false }
    if first == UInt8(ascii: "@") { name[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let length = MemoryLayout.offset(of: \sockaddr_un.sun_path).map { $0 + name.count } ?? 0
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    return withUnsafePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, socklen_t(length))
          == bytes.count
      }
    }
  }
}
