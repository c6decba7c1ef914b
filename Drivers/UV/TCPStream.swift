internal import CLibUV
internal import Glibc

/// How a stream ended.
public enum StreamEnd: Hashable, Sendable {
  /// The other side will send no more. What is written still reaches it, until `close()`.
  case eof
  /// The connection failed; the stream is closed.
  case failed(UVError)
  /// `close()` was called, here or by the loop that closed.
  case closed
}

/// Bytes to write, and what keeps them in their place until they are written.
public struct StreamBuffer {
  /// Retained until the bytes are written or the stream is closed.
  public let owner: AnyObject
  /// Where the bytes lie, within what `owner` keeps.
  public let bytes: UnsafeRawBufferPointer

  /// - Parameters:
  ///   - owner: keeps the bytes in their place.
  ///   - bytes: valid as long as `owner` lives.
  @inlinable public init(owner: AnyObject, bytes: UnsafeRawBufferPointer) {
    self.owner = owner
    self.bytes = bytes
  }
}

/// A TCP connection.
///
/// Set the handlers, then call `startReading()`. Reads go to one buffer that all streams of a loop
/// share, so what `onRead` gets is valid within that call only. Writes leave at once where the
/// socket takes them; the remainder is one request that owns its parts' owners until it is done.
///
/// `onEnd` is called exactly once in the life of a stream that is closed or ends by itself: at end of
/// file, at a failure of reading or writing, or at `close()`, whichever comes first (but not where
/// the last reference is dropped: nobody is there to ask). All handlers are dropped when the stream
/// closes, so a handler may hold the stream or its owner without a leak, as long as someone closes
/// it: after `.eof` that is the owner's task.
public final class TCPStream: Handle {
  /// Called with bytes that are valid during the call only.
  public var onRead: ((UnsafeRawBufferPointer) -> Void)?
  /// Called once, with how the stream ended.
  public var onEnd: ((StreamEnd) -> Void)?
  /// Called when everything that had to wait is written.
  public var onDrained: (() -> Void)?
  /// Whether nothing is known yet of who is at the other side. Such streams share a small part of the
  /// loop's time, while others have something to say.
  public var isStranger = false

  private var hasEnded = false
  private var isReading = false
  /// Reads in a row that filled the buffer.
  private var fullReads = 0
  /// In microseconds, where it is a stranger's.
  private var beganToRead: UInt64 = 0
  /// It reads no more in this turn, or before there is time for strangers.
  private var rests = false

  /// Reads of one turn that fill the buffer, at the most: who sends much must not keep the others
  /// waiting, and what is made of it takes far longer than the reading.
  private static let mostFullReads = 2

  /// A write failed; what follows is dropped until the end of the turn tells the owner.
  var isBroken = false
  var closesWhenDrained = false

  init(_ loop: Loop) {
    super.init(loop, as: uv_tcp_t.self)
    uv_tcp_init(loop.raw, pointer(as: uv_tcp_t.self))
    attach()
  }

  /// Takes over a connected socket, and closes it where that fails.
  convenience init(_ loop: Loop, accepted socket: Int32) throws(UVError) {
    self.init(loop)
    let status = uv_tcp_open(pointer(as: uv_tcp_t.self), socket)
    guard status == 0 else {
      Glibc.close(socket)
      throw UVError(status, "accept a connection")
    }
    setNoDelay(true)
  }

  var stream: UnsafeMutablePointer<uv_stream_t>? { pointer(as: uv_stream_t.self) }

  /// Reads from now on.
  public func startReading() {
    isReading = true
    if !rests { listen() }
  }

  private func listen() {
    guard let stream, !hasEnded else { return }
    let status = uv_read_start(
      stream,
      { handle, _, buffer in
        guard let buffer else { return }
        Handle.owner(handle?.pointee.data, as: TCPStream.self)?.makeRoom(in: &buffer.pointee)
      },
      { stream, count, buffer in
        guard let buffer else { return }
        Handle.owner(stream?.pointee.data, as: TCPStream.self)?.didRead(count, buffer.pointee)
      })
    if status != 0 && status != UV_EALREADY.rawValue { breakDown(status, "read") }
  }

  /// Reads no more until `startReading()`; the other side is slowed down by its own full buffers.
  public func stopReading() {
    isReading = false
    if let stream { uv_read_stop(stream) }
  }

  /// Reads on later, where that is still wanted then: in the next turn, or when there is time for
  /// strangers.
  private func rest(wasServed: Bool) {
    guard let stream, isReading, !hasEnded, !rests else { return }
    rests = true
    uv_read_stop(stream)
    let goOn = { [self] in
      rests = false
      if isReading { listen() }
    }
    isStranger ? loop.rest(wasServed: wasServed, goOn) : loop.soon(goOn)
  }

  /// Says where to read into; nowhere where there is no time for a stranger.
  private func makeRoom(in buffer: inout uv_buf_t) {
    buffer.base = loop.readBuffer.baseAddress?.assumingMemoryBound(to: CChar.self)
    guard isStranger else {
      buffer.len = loop.roomToRead
      return
    }
    beganToRead = loop.microseconds
    buffer.len = loop.mayServeStrangers ? Loop.littleToRead : 0
  }

  private func didRead(_ count: Int, _ buffer: uv_buf_t) {
    // There was no room.
    if count == Int(UV_ENOBUFS.rawValue) { return rest(wasServed: false) }
    guard isStranger else {
      if count > 0 { loop.didRead(count) }
      return take(count, buffer)
    }
    loop.stirs()
    loop.serveStranger(since: beganToRead) { take(count, buffer) }
    if count > 0 && isStranger { rest(wasServed: true) }
  }

  private func take(_ count: Int, _ buffer: uv_buf_t) {
    if count > 0 {
      onRead?(UnsafeRawBufferPointer(start: buffer.base, count: count))
      fullReads = count == buffer.len ? fullReads + 1 : 0
      if fullReads == Self.mostFullReads || fullReads > 0 && count == Loop.littleToRead {
        fullReads = 0
        rest(wasServed: true)
      }
    } else if count == Int(UV_EOF.rawValue) {
      stopReading()
      end(.eof)
    } else if count < 0 {
      fail(UVError(Int32(truncatingIfNeeded: count), "read"))
    }
  }

  /// Closes the stream and says why. Never from within a call of its owner.
  func fail(_ error: UVError) {
    guard !isClosed else { return }
    closeRaw()
    end(.failed(error))
    didClose()
  }

  /// Remembers that the connection is broken and tells the owner at the end of the turn.
  func breakDown(_ status: Int32, _ operation: String) {
    guard !isBroken else { return }
    isBroken = true
    loop.soon { self.fail(UVError(status, operation)) }
  }

  private func end(_ reason: StreamEnd) {
    guard !hasEnded else { return }
    hasEnded = true
    let handler = onEnd
    onEnd = nil
    onRead = nil
    handler?(reason)
  }

  override func didClose() {
    end(.closed)
    onRead = nil
    onEnd = nil
    onDrained = nil
  }
}

// MARK: - Connecting

extension TCPStream {
  /// Connects, and calls `then` once, never from within this call: with the stream, or with why not.
  ///
  /// The request holds the stream meanwhile. `close()` on the stream that is returned gives up:
  /// `then` gets `UVError.cancelled`.
  @discardableResult
  public static func connect(
    _ loop: Loop, to address: SocketAddress,
    then: @escaping (Result<TCPStream, UVError>) -> Void
  ) -> TCPStream {
    let stream = TCPStream(loop)
    let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
    request.initialize(to: uv_connect_t())
    let attempt = Unmanaged.passRetained(Attempt(stream, then))
    request.pointee.data = attempt.toOpaque()
    let status = address.withSockaddr { address in
      uv_tcp_connect(request, stream.pointer(as: uv_tcp_t.self), address) { request, status in
        guard let request, let data = request.pointee.data else { return }
        let attempt = Unmanaged<Attempt>.fromOpaque(data).takeRetainedValue()
        request.deallocate()
        attempt.finish(status)
      }
    }
    if status != 0 {
      request.deallocate()
      loop.soon { attempt.takeRetainedValue().finish(status) }
    }
    return stream
  }

  private final class Attempt {
    let stream: TCPStream
    let then: (Result<TCPStream, UVError>) -> Void

    init(_ stream: TCPStream, _ then: @escaping (Result<TCPStream, UVError>) -> Void) {
      self.stream = stream
      self.then = then
    }

    func finish(_ status: Int32) {
      if status == 0 && !stream.isClosed {
        stream.setNoDelay(true)
        then(.success(stream))
      } else {
        let error = stream.isClosed ? UVError.cancelled : UVError(status, "connect")
        stream.close()
        then(.failure(error))
      }
    }
  }
}
