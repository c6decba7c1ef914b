/// When a loop serves those who may be anybody, beside those whom it knows.
///
/// Strangers get a slice of a turn. Where nobody else has had anything to say lately they get the next at
/// once; else they wait for a while first. So whoever floods the loop holds up other strangers, and those
/// who are known by a slice at most, now and then.
struct Allowance {
  /// Microseconds. What serving them costs behind the reading comes on top; and with TLS a handshake alone
  /// takes longer.
  static let slice: UInt64 = 100
  /// How long strangers wait for the next slice, in milliseconds, up to one more.
  static let pause: UInt64 = 1
  /// Slices without a word of one who is known, after which strangers wait no more: whoever asks, is
  /// answered and asks again is not gone meanwhile.
  static let patience = 8

  private(set) var isSpent = false
  private var spent: UInt64 = 0
  private var isShared = false
  /// Slices since one who is known had something to say.
  private var quiet = Self.patience

  /// Strangers were served for so many microseconds.
  mutating func spend(_ microseconds: UInt64) {
    spent += microseconds
    if spent >= Self.slice { isSpent = true }
  }

  /// One who is known had something to say.
  mutating func share() { isShared = true }

  /// Whether the next slice has to wait; asked where this one is spent.
  var mustPause: Bool { isShared || quiet < Self.patience }

  /// Begins the next slice.
  mutating func renew() {
    quiet = isShared ? 0 : min(quiet + 1, Self.patience)
    (isSpent, spent, isShared) = (false, 0, false)
  }
}
