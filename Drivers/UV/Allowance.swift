/// When a loop serves those who may be anybody, beside those whom it knows.
///
/// Strangers get a slice of a turn. Where nobody else had anything to say meanwhile they get the next at
/// once; else they wait for a while first. So whoever floods the loop holds up other strangers, and those
/// who are known by a slice at most, now and then.
struct Allowance {
  /// Microseconds; with TLS a handshake alone may take as long.
  static let slice: UInt64 = 250
  /// How long strangers wait for the next slice, in milliseconds, up to one more.
  static let pause: UInt64 = 1

  private(set) var isSpent = false
  private var spent: UInt64 = 0
  private var isShared = false

  /// Strangers were served for so many microseconds.
  mutating func spend(_ microseconds: UInt64) {
    spent += microseconds
    if spent >= Self.slice { isSpent = true }
  }

  /// One who is known had something to say.
  mutating func share() { isShared = true }

  /// Whether the next slice has to wait; asked where this one is spent.
  var mustPause: Bool { isShared }

  /// Begins the next slice.
  mutating func renew() { self = Allowance() }
}
