internal import CLibUV

extension TCPStream {
  /// Bytes that the socket has not taken yet. Unbounded: whoever writes looks at it first.
  public var queuedBytes: Int { stream.map { uv_stream_get_write_queue_size($0) } ?? 0 }

  /// Writes all parts in order, in one system call where the socket takes them.
  ///
  /// After `close()`, or once the connection broke, they are dropped. A failure is told by `onEnd`,
  /// later in this turn, never from within this call.
  public func write(_ parts: [StreamBuffer]) {
    parts.withUnsafeBufferPointer { write($0) }
  }

  /// Writes one part.
  public func write(_ part: StreamBuffer) {
    withUnsafePointer(to: part) { write(UnsafeBufferPointer(start: $0, count: 1)) }
  }

  private func write(_ parts: UnsafeBufferPointer<StreamBuffer>) {
    guard let stream, !isBroken, let buffers = loop.gatherBuffers(parts.count) else { return }
    var total = 0
    for index in parts.indices {
      let bytes = parts[index].bytes
      // libuv's buffer is the same for reading, so it takes a mutable pointer; it only reads here.
      let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
      buffers[index] = uv_buf_t(base: UnsafeMutablePointer(mutating: base), len: bytes.count)
      total += bytes.count
    }
    guard total > 0 else { return }
    let written = uv_try_write(stream, buffers, UInt32(parts.count))
    if Int(written) == total { return }
    guard written >= 0 || written == UV_EAGAIN.rawValue else { return breakDown(written, "write") }
    queue(parts, buffers, after: max(0, Int(written)))
  }

  /// Leaves what the socket did not take to libuv.
  private func queue(
    _ parts: UnsafeBufferPointer<StreamBuffer>, _ buffers: UnsafeMutablePointer<uv_buf_t>,
    after written: Int
  ) {
    var first = 0
    var skip = written
    while skip >= buffers[first].len {
      skip -= buffers[first].len
      first += 1
      if first == parts.count { return }
    }
    buffers[first].base += skip
    buffers[first].len -= skip
    let rest = PendingWrite(self, parts[first...].map(\.owner))
    let request = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
    request.initialize(to: uv_write_t())
    request.pointee.data = Unmanaged.passRetained(rest).toOpaque()
    let status = uv_write(request, stream, buffers + first, UInt32(parts.count - first)) {
      request, status in
      guard let request, let data = request.pointee.data else { return }
      let rest = Unmanaged<PendingWrite>.fromOpaque(data).takeRetainedValue()
      request.deallocate()
      rest.stream?.didWrite(status)
    }
    if status != 0 {
      Unmanaged.passUnretained(rest).release()
      request.deallocate()
      breakDown(status, "write")
    }
  }

  private func didWrite(_ status: Int32) {
    if status < 0 {
      if status != UV_ECANCELED.rawValue { fail(UVError(status, "write")) }
    } else if queuedBytes == 0 {
      if closesWhenDrained { close() } else { onDrained?() }
    }
  }

  /// Closes once everything is written. The owner sets a deadline of its own: a peer that does not
  /// read keeps it open.
  public func closeAfterWrites() {
    if queuedBytes == 0 || isBroken { close() } else { closesWhenDrained = true }
  }

  /// Says to the other side that no more comes, behind what was written. Reading goes on: where
  /// there is input left, `close()` alone would reset the connection and lose the last words.
  public func shutdown() {
    guard let stream, !isBroken else { return }
    let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
    request.initialize(to: uv_shutdown_t())
    let status = uv_shutdown(request, stream) { request, _ in request?.deallocate() }
    if status != 0 { request.deallocate() }
  }
}

/// What a write in libuv's queue keeps alive: the memory, but not the stream, whose owner may drop
/// it (which cancels the write).
private final class PendingWrite {
  weak var stream: TCPStream?
  let owners: [AnyObject]

  init(_ stream: TCPStream, _ owners: [AnyObject]) {
    self.stream = stream
    self.owners = owners
  }
}
