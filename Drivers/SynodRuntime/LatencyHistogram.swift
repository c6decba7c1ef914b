/// How often durations were how long: counted in buckets whose bounds are fixed, four to each power of two,
/// so that adding one is a few instructions, and a quantile is wrong by a quarter at the most. Microseconds.
public struct LatencyHistogram: Sendable, Hashable {
  /// Of each bucket; a bucket has what is longer than its lower bound, up to and including its upper one.
  private var buckets = [UInt64](repeating: 0, count: 124)
  /// Durations that were added.
  public private(set) var count: UInt64 = 0
  /// Of all of them, in microseconds.
  public private(set) var sum: UInt64 = 0

  /// An empty one.
  public init() {}

  /// Counts a duration; one above 71 minutes as that.
  public mutating func add(_ microseconds: UInt64) {
    count &+= 1
    sum &+= microseconds
    buckets[Self.bucket(of: microseconds)] &+= 1
  }

  /// - Returns: 0 … 123; the first four have one length each.
  private static func bucket(of microseconds: UInt64) -> Int {
    // A bucket ends with its upper bound, so that the count through a power of two is exact.
    let value = UInt32(clamping: microseconds == 0 ? 0 : microseconds &- 1)
    guard value >= 4 else { return Int(value) }
    let power = 31 &- value.leadingZeroBitCount
    return (power &- 1) &* 4 &+ Int((value >> (power &- 2)) & 3)
  }

  /// The longest duration that the bucket counts.
  private static func upperBound(of bucket: Int) -> UInt64 {
    guard bucket >= 4 else { return UInt64(bucket) + 1 }
    let power = bucket / 4 + 1
    return UInt64(4 + bucket % 4 + 1) << (power - 2)
  }

  /// How many were not longer than two to the power of `exponent` (0 … 31) microseconds.
  public func count(throughPower exponent: Int) -> UInt64 {
    precondition((0...31).contains(exponent), "a power of two that the buckets know")
    let limit = UInt64(1) << exponent
    var total: UInt64 = 0
    for bucket in buckets.indices {
      guard Self.upperBound(of: bucket) <= limit else { break }
      total &+= buckets[bucket]
    }
    return total
  }

  /// A duration, in microseconds, that so many of a thousand do not exceed; at most a quarter more than the
  /// least such. 0 where nothing was added.
  public func quantile(permille: UInt64) -> UInt64 {
    let rank = (count * min(permille, 1000) + 999) / 1000
    guard rank > 0 else { return 0 }
    var total: UInt64 = 0
    for bucket in buckets.indices {
      total &+= buckets[bucket]
      if total >= rank { return Self.upperBound(of: bucket) }
    }
    return Self.upperBound(of: buckets.count - 1)
  }
}
