internal import CLibUV
internal import Synchronization

/// The one way into a loop from another thread: its handler is called on the loop, at least once
/// after each `signal()`; several signals may give one call.
///
/// No signal is lost: the handle is open before this object exists, and a signal sent before the
/// loop runs waits in its descriptor. Signalling and closing exclude each other by a lock, so none
/// reaches a handle that is being freed; a signal after `close()` does nothing. This object may be
/// dropped on any thread, so the handle belongs to the loop until `close()`, or until the loop closes.
public final class Wakeup: Sendable {
  private let target: Mutex<Target?>

  /// - Throws: where the process has no descriptors left.
  public init(_ loop: Loop, _ handler: @escaping () -> Void) throws(UVError) {
    let async = try Async(loop, handler)
    target = Mutex(Target(async: async))
    async.onClose = { [weak self] in self?.target.withLock { $0 = nil } }
  }

  /// Wakes the loop. From any thread, also within the loop; not from a signal handler.
  public func signal() {
    target.withLock { target in
      if let target { target.async.send() }
    }
  }

  /// Ends it; on the loop's thread. No call of the handler begins after this.
  public func close() {
    let target = target.withLock { target in
      defer { target = nil }
      return target
    }
    target?.async.close()
  }

  /// Only `send` is used off the loop, and only under the lock, while the handle is open.
  private struct Target: @unchecked Sendable {
    unowned let async: Async
  }
}

/// The loop's side of a `Wakeup`; holds itself until it is closed.
private final class Async: Handle {
  private var handler: (() -> Void)?
  var onClose: (() -> Void)?
  private var itself: Async?

  init(_ loop: Loop, _ handler: @escaping () -> Void) throws(UVError) {
    self.handler = handler
    super.init(loop, as: uv_async_t.self)
    let status = uv_async_init(loop.raw, pointer(as: uv_async_t.self)) {
      Handle.owner($0?.pointee.data, as: Async.self)?.fire()
    }
    guard status == 0 else {
      discard()
      throw UVError(status, "open a wake-up")
    }
    attach()
    itself = self
  }

  func send() {
    if let raw = pointer(as: uv_async_t.self) { uv_async_send(raw) }
  }

  private func fire() {
    loop.stirs()
    handler?()
  }

  override func close() {
    // Signallers let go first: after this none can reach the handle.
    let onClose = onClose
    self.onClose = nil
    onClose?()
    super.close()
  }

  override func didClose() {
    handler = nil
    itself = nil
  }
}
