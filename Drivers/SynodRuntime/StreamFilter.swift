public import UV

/// Stands between a stream and its session, one for each connection: the place for encryption. The
/// session's frames are its plain side; what is on the wire is its own affair.
public protocol StreamFilter: AnyObject {
  /// Takes what the stream brought, cut anywhere.
  /// - Parameters:
  ///   - plain: takes what the session shall read; the bytes are valid during that call only.
  ///   - write: takes what the filter itself has to say to the other side's.
  /// - Throws: why the connection must end, in words.
  func receive(
    _ bytes: UnsafeRawBufferPointer, plain: (UnsafeRawBufferPointer) -> Void,
    write: ([StreamBuffer]) -> Void) throws

  /// Takes what the session says, and gives what goes on the wire to `write`, at once or from a later
  /// `receive`.
  func send(_ parts: [StreamBuffer], write: ([StreamBuffer]) -> Void)
}
