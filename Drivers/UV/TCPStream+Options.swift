internal import CLibUV
internal import Glibc

extension TCPStream {
  /// Sends small writes at once (TCP_NODELAY); on from the start, since we gather a turn's output.
  public func setNoDelay(_ on: Bool) {
    if let tcp = pointer(as: uv_tcp_t.self) { uv_tcp_nodelay(tcp, on ? 1 : 0) }
  }

  /// Asks an idle other side, after `idle` seconds, each `interval` seconds, `count` times, whether
  /// it is there. It does not see a process that was stopped.
  public func setKeepAlive(idle: Int32, interval: Int32, count: Int32) {
    set(SO_KEEPALIVE, at: SOL_SOCKET, to: 1)
    set(TCP_KEEPIDLE, at: Int32(IPPROTO_TCP), to: idle)
    set(TCP_KEEPINTVL, at: Int32(IPPROTO_TCP), to: interval)
    set(TCP_KEEPCNT, at: Int32(IPPROTO_TCP), to: count)
  }

  /// Fails a connection whose sent bytes are not acknowledged for so many milliseconds.
  public func setUserTimeout(milliseconds: Int32) {
    set(TCP_USER_TIMEOUT, at: Int32(IPPROTO_TCP), to: milliseconds)
  }

  /// Bounds the system's own buffer of what was written (bytes).
  public func setSendBuffer(bytes: Int32) { set(SO_SNDBUF, at: SOL_SOCKET, to: bytes) }

  private func set(_ option: Int32, at level: Int32, to value: Int32) {
    guard let descriptor else { return }
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  private var descriptor: Int32? {
    guard let raw else { return nil }
    var descriptor: Int32 = -1
    return uv_fileno(raw, &descriptor) == 0 ? descriptor : nil
  }

  /// The other side's address; nil where it is not connected.
  public var peerAddress: SocketAddress? {
    guard let descriptor else { return nil }
    return SocketAddress.filled { getpeername(descriptor, $0, $1) }
  }

  /// This side's address; nil where it is not connected.
  public var localAddress: SocketAddress? {
    guard let descriptor else { return nil }
    return SocketAddress.filled { getsockname(descriptor, $0, $1) }
  }
}
