internal import CLibUV
internal import Glibc
internal import Synchronization

/// Runs `body` on a new thread of the operating system.
/// - Parameters:
///   - name: shown by tools; the first 15 bytes.
///   - body: what the thread does.
/// - Throws: where the system gives no thread.
public func runThread(
  name: String, _ body: @escaping @Sendable () -> Void
) throws(UVError) -> JoinableThread {
  try JoinableThread(name: name, body)
}

/// A thread that can be waited for. One that nobody joins is detached when this object goes.
public final class JoinableThread: Sendable {
  private let thread: Mutex<pthread_t?>

  fileprivate init(name: String, _ body: @escaping @Sendable () -> Void) throws(UVError) {
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        synod_name_this_thread(String(decoding: start.name.utf8.prefix(15), as: UTF8.self))
        start.body()
        return nil
      }, start.toOpaque())
    guard status == 0 else {
      start.release()
      throw UVError(0 - status, "start a thread")
    }
    self.thread = Mutex(thread)
  }

  /// Waits until the thread has ended; at once where it was joined before. Not from the thread
  /// itself.
  public func join() {
    let thread = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    if let thread { pthread_join(thread, nil) }
  }

  deinit {
    let thread = thread.withLock { $0 }
    if let thread { pthread_detach(thread) }
  }
}

private final class Start: Sendable {
  let name: String
  let body: @Sendable () -> Void

  init(name: String, body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }
}
