internal import CLibUV
internal import Glibc

/// Finds the address of a name, without stopping the loop.
///
/// Look-ups run on the thread pool of libuv, and may hang for seconds where a name server is down. So
/// at most two are under way; the rest wait here in order. A request owns its closure and the resolver
/// until it is answered.
public final class Resolver {
  private let loop: Loop
  private var running = 0
  private var waiting: [Lookup] = []
  private var next = 0

  /// Look-ups under way at once.
  public static let maxRunning = 2

  /// A resolver that calls back on `loop`.
  public init(_ loop: Loop) { self.loop = loop }

  /// Calls `then`, never from within this call; not at all where the loop is closed before. A numeric host is not looked up.
  public func resolve(
    host: String, port: Int, then: @escaping (Result<SocketAddress, UVError>) -> Void
  ) {
    if let address = try? SocketAddress(host: host, port: port) {
      loop.soon { then(.success(address)) }
    } else if !(0...65535).contains(port) {
      loop.soon { then(.failure(.malformedAddress("\(host):\(port)"))) }
    } else {
      waiting.append(Lookup(self, host, port, then))
      startWaiting()
    }
  }

  private func startWaiting() {
    // A loop that is being closed waits for what was begun, for seconds each.
    if loop.isClosed {
      waiting.removeAll()
      next = 0
    }
    while running < Self.maxRunning, next < waiting.count {
      let lookup = waiting[next]
      next += 1
      running += 1
      start(lookup)
    }
    if next == waiting.count {
      waiting.removeAll()
      next = 0
    }
  }

  private func start(_ lookup: Lookup) {
    let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
    request.initialize(to: uv_getaddrinfo_t())
    request.pointee.data = Unmanaged.passRetained(lookup).toOpaque()
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_ADDRCONFIG
    let status = uv_getaddrinfo(
      loop.raw, request,
      { request, status, found in
        guard let request, let data = request.pointee.data else { return }
        let lookup = Unmanaged<Lookup>.fromOpaque(data).takeRetainedValue()
        request.deallocate()
        let address = status == 0 ? lookup.address(in: found) : nil
        uv_freeaddrinfo(found)
        lookup.resolver.finish(lookup, address)
      }, lookup.host, nil, &hints)
    guard status == 0 else {
      Unmanaged<Lookup>.fromOpaque(request.pointee.data).release()
      request.deallocate()
      return loop.soon { self.finish(lookup, nil) }
    }
  }

  private func finish(_ lookup: Lookup, _ address: SocketAddress?) {
    running -= 1
    startWaiting()
    lookup.then(address.map { .success($0) } ?? .failure(.unknownHost(lookup.host)))
  }

  private final class Lookup {
    let resolver: Resolver
    let host: String
    let port: Int
    let then: (Result<SocketAddress, UVError>) -> Void

    init(
      _ resolver: Resolver, _ host: String, _ port: Int,
      _ then: @escaping (Result<SocketAddress, UVError>) -> Void
    ) {
      self.resolver = resolver
      self.host = host
      self.port = port
      self.then = then
    }

    /// The first address found, with the port asked for.
    func address(in found: UnsafeMutablePointer<addrinfo>?) -> SocketAddress? {
      guard let found, let source = found.pointee.ai_addr else { return nil }
      let size = min(Int(found.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
      var storage = sockaddr_storage()
      withUnsafeMutableBytes(of: &storage) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: size))
      }
      return try? SocketAddress(host: SocketAddress(storage: storage).host, port: port)
    }
  }
}
