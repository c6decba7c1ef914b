internal import CLibUV
internal import Glibc

/// Accepts connections.
///
/// The listening socket is our own and the loop only polls it, since libuv's own listener, out of
/// descriptors, would drop whoever connects, or spin. Here accepting pauses for a moment instead,
/// and those who connect wait in the system's queue. The socket is closed with this object.
public final class Listener: Handle {
  private let descriptor: Int32
  private var onConnection: ((TCPStream) -> Void)?
  private var isPaused = false
  private var isOutOfDescriptors = false
  private var isResting = false
  private var retry: Timer?

  /// Where it listens, with the port that the system chose where 0 was asked for.
  public let address: SocketAddress
  /// How often accepting paused because there was no descriptor (or memory) left.
  public private(set) var shortages = 0

  /// Takes one connection, like `accept4`; a test stands in for a process without descriptors.
  var takeConnection: (Int32) -> Int32 = {
    synod_accept4($0, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
  }

  private static let retryMilliseconds: UInt64 = 100
  /// Connections accepted in one turn, so that a flood of them does not stop the rest.
  private static let acceptsPerTurn = 64

  /// Listens at once; accepts when the loop runs.
  /// - Parameters:
  ///   - loop: accepts while it runs.
  ///   - address: with port 0, the system chooses one.
  ///   - backlog: connections that the system holds for us.
  ///   - onConnection: called on the loop with each.
  /// - Throws: `UVError.addressInUse` where another socket listens there, and others.
  public init(
    _ loop: Loop, on address: SocketAddress, backlog: Int32 = 511,
    onConnection: @escaping (TCPStream) -> Void
  ) throws(UVError) {
    descriptor = try Self.listen(on: address, backlog)
    let socket = descriptor
    self.address = SocketAddress.filled { getsockname(socket, $0, $1) } ?? address
    self.onConnection = onConnection
    super.init(loop, as: uv_poll_t.self)
    let status = uv_poll_init(loop.raw, pointer(as: uv_poll_t.self), descriptor)
    guard status == 0 else {
      discard()
      Glibc.close(descriptor)
      throw UVError(status, "listen on \(address)")
    }
    attach()
    poll()
  }

  deinit { close() }

  /// Accepts no more until `resume()`; who connects waits in the system's queue.
  public func pause() {
    isPaused = true
    poll()
  }

  /// Accepts again.
  public func resume() {
    isPaused = false
    poll()
  }

  override func didClose() {
    Glibc.close(descriptor)
    onConnection = nil
    retry?.close()
    retry = nil
  }

  private static func listen(
    on address: SocketAddress, _ backlog: Int32
  ) throws(UVError) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(address.family, kind, 0)
    guard descriptor >= 0 else { throw UVError(-errno, "listen on \(address)") }
    // Connections of an earlier life of this process, in their last wait, do not hold the port.
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    let status = address.withSockaddr { bind(descriptor, $0, address.length) }
    guard status == 0, Glibc.listen(descriptor, backlog) == 0 else {
      let code = -errno
      Glibc.close(descriptor)
      let error = UVError(code, "listen on \(address)")
      switch error {
      case .addressInUse: throw .addressInUse("\(address)")
      case .addressNotAvailable: throw .addressNotAvailable("\(address)")
      default: throw error
      }
    }
    return descriptor
  }

  private func poll() {
    guard let raw = pointer(as: uv_poll_t.self) else { return }
    if isPaused || isOutOfDescriptors || isResting {
      uv_poll_stop(raw)
    } else {
      uv_poll_start(raw, Int32(UV_READABLE.rawValue)) { handle, _, _ in
        Handle.owner(handle?.pointee.data, as: Listener.self)?.accept()
      }
    }
  }

  private func accept() {
    guard loop.mayServeStrangers else { return rest(wasServed: false) }
    for _ in 0..<Self.acceptsPerTurn where !isPaused && !isClosed {
      guard loop.serveStranger({ acceptOne() }) else { return }
      guard loop.mayServeStrangers else { return rest(wasServed: true) }
    }
  }

  /// - Returns: false where nobody else can be accepted now.
  private func acceptOne() -> Bool {
    let accepted = takeConnection(descriptor)
    guard accepted >= 0 else {
      switch errno {
      case EAGAIN: return false
      case EINTR, ECONNABORTED: return true
      default:
        waitForDescriptors()
        return false
      }
    }
    if let stream = try? TCPStream(loop, accepted: accepted) { onConnection?(stream) }
    return true
  }

  /// Accepts on when there is time for strangers: whoever connects may be anybody.
  private func rest(wasServed: Bool) {
    guard !isResting else { return }
    isResting = true
    poll()
    loop.rest(wasServed: wasServed) { [weak self] in
      self?.isResting = false
      self?.poll()
    }
  }

  private func waitForDescriptors() {
    shortages += 1
    isOutOfDescriptors = true
    poll()
    let retry =
      retry
      ?? Timer(loop) { [weak self] in
        self?.isOutOfDescriptors = false
        self?.poll()
      }
    self.retry = retry
    retry.start(after: Self.retryMilliseconds)
  }
}
