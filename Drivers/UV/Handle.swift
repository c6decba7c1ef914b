internal import CLibUV

/// Something that a loop watches: a timer, a socket, a signal.
///
/// Whoever needs it holds this object; dropping the last reference closes it, and so does closing
/// the loop. The loop's own structure lies in memory of its own, since libuv needs it at one place
/// until its close callback, which frees it. Its `data` points back here without a reference, and is
/// cleared when it is closed: no callback finds an object that is gone.
///
/// Everything but `Wakeup.signal()` happens on the loop's thread.
public class Handle {
  /// The loop that watches it.
  public let loop: Loop
  /// Nil once closed.
  private(set) var raw: UnsafeMutablePointer<uv_handle_t>?

  /// Makes room for a handle of libuv's type `T`; the caller initialises it and calls `attach()`,
  /// or `discard()` where that failed.
  init<T>(_ loop: Loop, as _: T.Type) {
    precondition(!loop.isClosed, "a handle on a closed loop")
    self.loop = loop
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: MemoryLayout<T>.stride, alignment: MemoryLayout<T>.alignment)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<T>.stride)
    raw = memory.assumingMemoryBound(to: uv_handle_t.self)
  }

  deinit { closeRaw() }

  /// Whether it was closed, by its owner, by its loop or by a failure.
  public var isClosed: Bool { raw == nil }

  /// Stops watching and frees what belongs to it. Nothing happens where it was closed before.
  public func close() {
    guard raw != nil else { return }
    closeRaw()
    didClose()
  }

  /// Lets go of callbacks and descriptors, so that a handler that holds its own handle leaks
  /// nothing. Called once.
  func didClose() {}

  func closeRaw() {
    guard let raw else { return }
    self.raw = nil
    raw.pointee.data = nil
    uv_close(raw) { UnsafeMutableRawPointer($0)?.deallocate() }
  }

  /// Points the loop's structure at this object.
  func attach() { raw?.pointee.data = Unmanaged.passUnretained(self).toOpaque() }

  /// Frees memory that never became a handle.
  func discard() {
    raw.map { UnsafeMutableRawPointer($0).deallocate() }
    raw = nil
  }

  /// The loop's structure as libuv's type `T`; nil once closed.
  func pointer<T>(as _: T.Type) -> UnsafeMutablePointer<T>? {
    raw.map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: T.self) }
  }

  /// The object that `data` points at; nil once it was closed.
  static func owner<T: Handle>(_ data: UnsafeMutableRawPointer?, as _: T.Type) -> T? {
    guard let data else { return nil }
    return unsafeDowncast(Unmanaged<Handle>.fromOpaque(data).takeUnretainedValue(), to: T.self)
  }
}
