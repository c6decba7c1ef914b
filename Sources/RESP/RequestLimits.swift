/// What a client may ask for at most. Each limit is checked before memory is set aside for what it
/// bounds.
public struct RequestLimits: Hashable, Sendable {
  /// Arguments of one command, its name included.
  public var maxArguments: Int
  /// Bytes of one inline command, its line end included.
  public var maxInline: Int
  /// Bytes of one argument.
  public var maxBulk: Int
  /// Bytes of one command as it is sent, headers included.
  public var maxRequest: Int

  /// - Parameters: see the properties; each must be at least 1.
  public init(
    maxArguments: Int = 64, maxInline: Int = 64 * 1024, maxBulk: Int = 1 << 20,
    maxRequest: Int = 4 << 20
  ) {
    precondition(
      maxArguments > 0 && maxInline > 0 && maxBulk > 0 && maxRequest > 0, "limits are positive")
    self.maxArguments = maxArguments
    self.maxInline = maxInline
    self.maxBulk = maxBulk
    self.maxRequest = maxRequest
  }

  /// Bytes of a header line (`*3`, `$64`), its line end included. Twenty digits and a sign fit.
  static let maxHeader = 32
}
