/// Remembers a number for a key: a flat table with open addressing, since nothing else is asked as
/// often.
struct PairMemo {
  /// No number is remembered.
  static let none = UInt32.max

  private var keys: [UInt64] = Array(repeating: .max, count: 64)
  private var values: [UInt32] = Array(repeating: none, count: 64)
  private(set) var count = 0

  var bytes: Int { keys.count * 12 }

  private static func home(_ key: UInt64, _ mask: Int) -> Int {
    let mixed = key.multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
    return Int(truncatingIfNeeded: mixed.high ^ mixed.low) & mask
  }

  @inline(__always)
  subscript(key: UInt64) -> UInt32 {
    let mask = keys.count - 1
    var index = Self.home(key, mask)
    while true {
      let found = keys[index]
      if found == key { return values[index] }
      if found == .max { return Self.none }
      index = (index + 1) & mask
    }
  }

  /// Remembers a number for a key that has none.
  mutating func insert(_ value: UInt32, for key: UInt64) {
    if (count + 1) * 3 > keys.count * 2 { grow() }
    enter(value, key)
    count += 1
  }

  private mutating func enter(_ value: UInt32, _ key: UInt64) {
    let mask = keys.count - 1
    var index = Self.home(key, mask)
    while keys[index] != .max { index = (index + 1) & mask }
    keys[index] = key
    values[index] = value
  }

  private mutating func grow() {
    let (oldKeys, oldValues) = (keys, values)
    keys = Array(repeating: .max, count: oldKeys.count * 2)
    values = Array(repeating: Self.none, count: oldKeys.count * 2)
    for index in oldKeys.indices where oldKeys[index] != .max {
      enter(oldValues[index], oldKeys[index])
    }
  }
}
