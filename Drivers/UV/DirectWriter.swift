#if os(Linux)
  internal import CLibUV
  internal import Glibc

  /// Writes to a file without a thread: the kernel's own asynchronous writes, for files that were
  /// opened past the page cache.
  ///
  /// Happy path: `write` gives the kernel one write, an event descriptor becomes readable when it has
  /// ended, and the loop calls back. A write that could make the caller wait (for a lock, for the
  /// file system's journal) is not begun, and ends with `.wouldWait`: nothing was written, and a thread
  /// should do it. The bytes belong to the owner that came with them, which is held until the end;
  /// closing waits for a write under way.
  public final class DirectWriter: Handle {
    /// How a write ended.
    public enum Outcome: Sendable, Equatable {
      /// So many bytes were written; durable where the descriptor says so.
      case wrote(Int)
      /// Nothing was written.
      case wouldWait
      /// The system's error number.
      case failed(Int32)
    }

    private var context: aio_context_t = 0
    private var event: Int32 = -1
    private var underWay: (owner: AnyObject, done: (Outcome) -> Void)?

    /// - Throws: where the kernel has no such writes, or has none to spare.
    public init(_ loop: Loop) throws(UVError) {
      super.init(loop, as: uv_poll_t.self)
      event = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
      var status: Int32 = event < 0 || synod_aio_open(&context) != 0 ? -errno : 0
      if status == 0 { status = uv_poll_init(loop.raw, pointer(as: uv_poll_t.self), event) }
      guard status == 0 else {
        release()
        discard()
        throw UVError(status, "open asynchronous writes")
      }
      attach()
      uv_poll_start(pointer(as: uv_poll_t.self), Int32(UV_READABLE.rawValue)) { handle, _, _ in
        Handle.owner(handle?.pointee.data, as: DirectWriter.self)?.fire()
      }
      // Alone it does not keep the loop running; a write does.
      uv_unref(raw)
    }

    deinit { release() }

    /// Writes `bytes` at `offset`, bytes from the file's beginning. One at a time.
    /// - Parameters:
    ///   - bytes: a whole number of the device's sectors, and so is their place.
    ///   - owner: keeps the bytes in their place; held until the end.
    ///   - descriptor: of a file that was opened for direct writes.
    ///   - offset: where in the file, in bytes.
    ///   - done: called later, once, on the loop.
    /// - Returns: false where it would wait, or cannot be begun: nothing is written, and `done` is not
    ///   called.
    public func write(
      _ bytes: UnsafeRawBufferPointer, owner: AnyObject, to descriptor: Int32, at offset: UInt64,
      _ done: @escaping (Outcome) -> Void
    ) -> Bool {
      precondition(underWay == nil, "one write is under way at a time")
      guard !isClosed else { return false }
      let begun = synod_aio_write(
        context, descriptor, bytes.baseAddress, bytes.count, Int64(offset), event)
      guard begun == 1 else { return false }
      underWay = (owner, done)
      uv_ref(raw)
      return true
    }

    private func fire() {
      loop.stirs()
      var count: UInt64 = 0
      _ = read(event, &count, 8)
      var result: Int64 = 0
      guard synod_aio_ended(context, &result) == 1, let ended = underWay else { return }
      underWay = nil
      uv_unref(raw)
      if result >= 0 {
        ended.done(.wrote(Int(result)))
      } else if result == Int64(-EAGAIN) {
        ended.done(.wouldWait)
      } else {
        ended.done(.failed(Int32(truncatingIfNeeded: -result)))
      }
    }

    override func didClose() {
      release()
      underWay = nil
    }

    private func release() {
      // Waits for a write under way, whose bytes are held until then.
      if context != 0 { synod_aio_close(context) }
      if event >= 0 { Glibc.close(event) }
      context = 0
      event = -1
    }
  }
#endif
