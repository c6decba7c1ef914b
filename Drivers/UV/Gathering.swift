/// When a turn takes more input before it ends.
///
/// A turn has a price of its own, for this process and for all that it writes to: wake-ups, frames,
/// a write of the log. Where one look gave input of several streams, or much, the next often gives
/// more, and costs one system call. A lone question or answer never waits for a second look.
struct Gathering {
  /// Looks beyond the first, at most: whoever came first waits for them.
  static let most = 4
  /// No further look after this many bytes in one turn: its price is small beside its work by then,
  /// and the work stays bounded.
  static let mostBytes = 4 * 1024
  /// What is more than a lone question, in bytes.
  static let much = 1024

  /// After this many bytes in one turn a stream is read a little only, so that none is left out: what is
  /// made of the bytes takes far longer than the reading, and many may have sent much at once.
  static let enough = 128 * 1024

  private var looks = 0
  /// Of the last look.
  private var reads = 0
  private var recent = 0
  /// Of this turn.
  private var bytes = 0
  /// False once the loop is to stop.
  var mayGoOn = true

  /// Whether the turn goes on after its first look.
  var isUnderWay: Bool { looks > 0 }

  /// Whether this turn has enough input.
  var hasEnough: Bool { bytes >= Self.enough }

  /// Counts input that a look gave.
  mutating func add(_ count: Int) {
    reads += 1
    recent += count
    bytes += count
  }

  /// Whether to look again before the turn ends; asked once after each look.
  mutating func looksAgain() -> Bool {
    guard mayGoOn, looks < Self.most, reads > 1 || recent > Self.much, bytes < Self.mostBytes
    else { return false }
    (reads, recent) = (0, 0)
    looks += 1
    return true
  }

  /// Ends the turn's input.
  /// - Returns: whether there was more than one look.
  mutating func end() -> Bool {
    let wasUnderWay = isUnderWay
    (looks, reads, recent, bytes) = (0, 0, 0, 0)
    return wasUnderWay
  }
}
