public import Synod
public import UV

/// Stands between a stream and its session, one for each connection: the place for encryption. The
/// session's frames are its plain side; what is on the wire is its own affair.
public protocol StreamFilter: AnyObject {
  /// Takes what the stream brought, cut anywhere.
  /// - Parameters:
  ///   - bytes: valid during this call only.
  ///   - plain: takes what the session shall read; the bytes are valid during that call only.
  ///   - write: takes what the filter itself has to say to the other side's, also where it throws.
  /// - Throws: why the connection must end, in words.
  func receive(
    _ bytes: UnsafeRawBufferPointer, plain: (UnsafeRawBufferPointer) -> Void,
    write: ([StreamBuffer]) -> Void) throws

  /// Takes what the session says, and gives what goes on the wire to `write`, at once or from a later
  /// `receive`.
  func send(_ parts: [StreamBuffer], write: ([StreamBuffer]) -> Void)

  /// Whether what is sent leaves at once: both sides have shaken hands.
  var isOpen: Bool { get }

  /// Why it takes and gives nothing more, where that is so: what `receive` threw, or what was found when
  /// something was sent.
  var failure: (any Error)? { get }

  /// Whether the other side's has said that it sends nothing more.
  var hasEnded: Bool { get }

  /// Says to the other side's that nothing more is sent, behind what was.
  func end(write: ([StreamBuffer]) -> Void)

  /// Why the other side cannot be the voter that its hello says, in words; nil where it can.
  func objection(to voter: VoterID) -> String?
}

extension StreamFilter {
  /// From the beginning.
  public var isOpen: Bool { true }

  /// None.
  public var failure: (any Error)? { nil }

  /// Never: the end of the stream says it.
  public var hasEnded: Bool { false }

  /// Says nothing: the end of the stream is enough.
  public func end(write _: ([StreamBuffer]) -> Void) {}

  /// None: who is at the other side is not known.
  public func objection(to _: VoterID) -> String? { nil }
}
