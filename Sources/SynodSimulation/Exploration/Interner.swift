/// Gives equal values one number: the first gets 0, and so on, so that the numbers of two runs are
/// alike. A flat table with open addressing: a value's number is looked up by a digest of the
/// caller's, and told from others of the same digest by all that it is.
@usableFromInline
struct Interner<Value: Hashable> {
  /// By home of the digest: its upper half, and the number of the value plus one; 0 is free.
  @usableFromInline var places: [UInt64] = Array(repeating: 0, count: 64)
  @usableFromInline var values: [Value] = []

  @inlinable init() {}

  @inlinable var count: Int { values.count }

  @inlinable subscript(number: UInt32) -> Value { values[Int(number)] }

  @inlinable
  mutating func intern(_ value: Value) -> UInt32 {
    intern(value, digest: UInt64(truncatingIfNeeded: value.hashValue))
  }

  /// - Parameter digest: the same for equal values; few others should have it.
  @inlinable
  mutating func intern(_ value: Value, digest: UInt64) -> UInt32 {
    intern(digest: digest, where: { $0 == value }, make: { value })
  }

  /// - Parameter make: is asked where no value of the digest matches.
  @inlinable
  mutating func intern(
    digest: UInt64, where matches: (Value) -> Bool, make: () -> Value
  ) -> UInt32 {
    let mask = places.count - 1
    let mixed = digest.multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
    let mark = (mixed.high ^ mixed.low) & ~0xffff_ffff
    var index = Int(truncatingIfNeeded: mark >> 32) & mask
    while places[index] != 0 {
      let number = UInt32(truncatingIfNeeded: places[index]) - 1
      if places[index] & ~0xffff_ffff == mark, matches(values[Int(number)]) { return number }
      index = (index + 1) & mask
    }
    let number = UInt32(values.count)
    places[index] = mark | UInt64(number + 1)
    values.append(make())
    if values.count * 2 > places.count { grow() }
    return number
  }

  @usableFromInline
  mutating func grow() {
    let old = places
    places = Array(repeating: 0, count: old.count * 2)
    let mask = places.count - 1
    for place in old where place != 0 {
      var index = Int(truncatingIfNeeded: place >> 32) & mask
      while places[index] != 0 { index = (index + 1) & mask }
      places[index] = place
    }
  }
}
