/// Remembers a number for a key: a flat table with open addressing, since nothing else is asked as
/// often. Key and number lie side by side, so that what is not in the cache is waited for once.
final class PairMemo {
  /// No number is remembered.
  static let none = UInt32.max

  private struct Place: BitwiseCopyable {
    var key = UInt64.max
    var value = none
  }

  private var places: UnsafeMutablePointer<Place>
  private var mask: Int
  private(set) var count = 0

  init() {
    mask = 63
    places = Self.room(for: 64)
  }

  deinit { places.deallocate() }

  var bytes: Int { (mask + 1) * MemoryLayout<Place>.stride }

  private static func room(for count: Int) -> UnsafeMutablePointer<Place> {
    let places = Column<Place>.room(for: count)
    places.initialize(repeating: Place(), count: count)
    return places
  }

  private static func home(_ key: UInt64, _ mask: Int) -> Int {
    let mixed = key.multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
    return Int(truncatingIfNeeded: mixed.high ^ mixed.low) & mask
  }

  @inline(__always)
  subscript(key: UInt64) -> UInt32 {
    var index = Self.home(key, mask)
    while true {
      let found = places[index].key
      if found == key { return places[index].value }
      if found == .max { return Self.none }
      index = (index + 1) & mask
    }
  }

  /// Remembers a number for a key that has none.
  func insert(_ value: UInt32, for key: UInt64) {
    if (count + 1) * 3 > (mask + 1) * 2 { grow() }
    enter(value, key)
    count += 1
  }

  private func enter(_ value: UInt32, _ key: UInt64) {
    var index = Self.home(key, mask)
    while places[index].key != .max { index = (index + 1) & mask }
    places[index] = Place(key: key, value: value)
  }

  private func grow() {
    let (old, oldCount) = (places, mask + 1)
    places = Self.room(for: oldCount * 2)
    mask = oldCount * 2 - 1
    for index in 0..<oldCount where old[index].key != .max {
      enter(old[index].value, old[index].key)
    }
    old.deallocate()
  }
}
