/// Sets of messages, as sorted lists under one number each. They only grow: what is never taken out
/// may be lost, repeated and overtaken without moves for it.
struct Mailboxes {
  private var sets = Interner<[UInt32]>()
  private let unions = PairMemo()
  private var numbers = 0

  init() { _ = number(of: []) }

  var count: Int { sets.count }
  var bytes: Int { unions.bytes + sets.count * 120 + numbers * 4 }

  subscript(set: UInt32) -> [UInt32] { sets[set] }

  /// - Parameter set: ascending.
  mutating func number(of set: [UInt32]) -> UInt32 {
    let before = sets.count
    let number = sets.intern(set, digest: Self.digest(of: set))
    if sets.count > before { numbers += set.count }
    return number
  }

  private static func digest(of set: [UInt32]) -> UInt64 {
    var digest = UInt64(set.count)
    for message in set {
      digest = (digest ^ UInt64(message)) &* 0x9e37_79b9_7f4a_7c15
      digest ^= digest >> 29
    }
    return digest
  }

  /// The messages of both.
  @inline(__always)
  mutating func union(_ set: UInt32, _ other: UInt32) -> UInt32 {
    if other == 0 || set == other { return set }
    if set == 0 { return other }
    let key = UInt64(set) << 32 | UInt64(other)
    let known = unions[key]
    return known != PairMemo.none ? known : unite(set, other, key)
  }

  @inline(never)
  private mutating func unite(_ set: UInt32, _ other: UInt32, _ key: UInt64) -> UInt32 {
    var all = sets[set]
    for message in sets[other] where !all.contains(message) { all.append(message) }
    let result = number(of: all.sorted())
    unions.insert(result, for: key)
    return result
  }
}
