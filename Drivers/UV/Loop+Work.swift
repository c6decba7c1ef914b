internal import CLibUV

extension Loop {
  /// Runs `work` on a thread of libuv's pool, then `then` on the loop, with what it gave.
  ///
  /// One trip: several blocking calls (write, sync, rename) belong into one `work`, since each trip
  /// costs two context switches. The request owns both closures until `then` returned. Work cannot
  /// be cancelled; the loop waits for it when it is closed.
  public func perform<T: Sendable>(
    _ work: @escaping @Sendable () -> T, then: @escaping (T) -> Void
  ) {
    precondition(!isClosed, "work on a closed loop")
    let request = UnsafeMutablePointer<uv_work_t>.allocate(capacity: 1)
    request.initialize(to: uv_work_t())
    request.pointee.data = Unmanaged<Trip>.passRetained(TypedTrip(work, then)).toOpaque()
    let status = uv_queue_work(
      raw, request, { Trip.of($0)?.takeUnretainedValue().work() },
      { request, _ in
        let trip = Trip.of(request)?.takeRetainedValue()
        Loop.of(request?.pointee.loop)?.stirs()
        request?.deallocate()
        trip?.finish()
      })
    precondition(status == 0, "the thread pool takes no work")
  }
}

/// One trip through the pool: the worker writes the result, then the loop reads it; libuv's queue
/// orders the two.
private class Trip {
  func work() {}
  func finish() {}

  static func of(_ request: UnsafeMutablePointer<uv_work_t>?) -> Unmanaged<Trip>? {
    request?.pointee.data.map { Unmanaged<Trip>.fromOpaque($0) }
  }
}

private final class TypedTrip<T: Sendable>: Trip {
  private let body: @Sendable () -> T
  private let then: (T) -> Void
  private var result: T?

  init(_ body: @escaping @Sendable () -> T, _ then: @escaping (T) -> Void) {
    self.body = body
    self.then = then
  }

  override func work() { result = body() }

  override func finish() {
    if let result { then(result) }
  }
}
