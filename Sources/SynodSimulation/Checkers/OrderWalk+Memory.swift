// Where a walk has been.
extension OrderWalk {
  /// Notes the place that was reached; false where everything from here on was tried already.
  @inlinable
  mutating func isNew() -> Bool {
    let first = remaining == 0 ? answered.count : self.first
    var far: [UInt64] = []
    var start = first + 65
    while start <= highest {
      far.append(word(at: start))
      start += 64
    }
    let place = Place(first: first, near: word(at: first + 1), far: far, state: state)
    let width = placedOpen.count
    guard var known = reached[place] else {
      reached[place] = placedOpen
      return true
    }
    if width == 0 { return false }
    // Looking through what is known is work, too.
    attempts += known.count / 64
    for start in stride(from: 0, to: known.count, by: width) {
      if (0..<width).allSatisfy({ known[start + $0] & ~placedOpen[$0] == 0 }) { return false }
    }
    known.append(contentsOf: placedOpen)
    reached[place] = known
    return true
  }

  /// Which of the 64 answered operations from `number` on are placed.
  @inlinable
  func word(at number: Int) -> UInt64 {
    let index = number / 64
    let shift = UInt64(number % 64)
    guard index < placed.count else { return 0 }
    let low = placed[index] >> shift
    guard shift > 0, index + 1 < placed.count else { return low }
    return low | placed[index + 1] << (64 - shift)
  }
}
