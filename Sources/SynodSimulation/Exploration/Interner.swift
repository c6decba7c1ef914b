/// Gives equal values one number: the first gets 0, and so on, so that the numbers of two runs are
/// alike.
struct Interner<Value: Hashable> {
  private var numbers: [Value: UInt32] = [:]
  private(set) var values: [Value] = []

  var count: Int { values.count }

  subscript(number: UInt32) -> Value { values[Int(number)] }

  mutating func intern(_ value: Value) -> UInt32 {
    if let known = numbers[value] { return known }
    let number = UInt32(values.count)
    numbers[value] = number
    values.append(value)
    return number
  }
}
