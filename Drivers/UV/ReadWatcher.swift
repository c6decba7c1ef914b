internal import CLibUV

/// Calls its handler on the loop while a descriptor that others made has something to be read: a socket
/// of datagrams, say.
///
/// The handler is called again until all of it was read, so it may leave some for the next turn. The
/// descriptor is made non-blocking, and stays its owner's, who closes it after this was closed.
public final class ReadWatcher: Handle {
  private var handler: (() -> Void)?

  /// Watches from now on.
  /// - Throws: where the descriptor is none that can be waited for: files cannot.
  public init(
    _ loop: Loop, descriptor: Int32, _ handler: @escaping () -> Void
  ) throws(UVError) {
    self.handler = handler
    super.init(loop, as: uv_poll_t.self)
    let raw = pointer(as: uv_poll_t.self)
    var status = uv_poll_init(loop.raw, raw, descriptor)
    guard status == 0 else {
      discard()
      throw UVError(status, "watch descriptor \(descriptor)")
    }
    attach()
    // An error is for whoever reads to see.
    status = uv_poll_start(raw, Int32(UV_READABLE.rawValue)) { handle, _, _ in
      Handle.owner(handle?.pointee.data, as: ReadWatcher.self)?.fire()
    }
    guard status == 0 else {
      closeRaw()
      throw UVError(status, "watch descriptor \(descriptor)")
    }
  }

  private func fire() { handler?() }

  override func didClose() { handler = nil }
}
