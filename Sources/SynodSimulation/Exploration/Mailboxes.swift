/// Sets of messages, as sorted lists under one number each. They only grow: what is never taken out
/// may be lost, repeated and overtaken without moves for it.
struct Mailboxes {
  private var sets = Interner<[UInt32]>()
  private let additions = PairMemo()
  private var numbers = 0

  init() { _ = sets.intern([]) }

  var count: Int { sets.count }
  var bytes: Int { additions.bytes + sets.count * 120 + numbers * 4 }

  subscript(set: UInt32) -> [UInt32] { sets[set] }

  mutating func number(of set: [UInt32]) -> UInt32 {
    let before = sets.count
    let number = sets.intern(set)
    if sets.count > before { numbers += set.count }
    return number
  }

  mutating func add(_ message: UInt32, to set: UInt32) -> UInt32 {
    let key = UInt64(set) << 32 | UInt64(message)
    let known = additions[key]
    if known != PairMemo.none { return known }
    var list = sets[set]
    var place = list.count
    while place > 0, list[place - 1] >= message { place -= 1 }
    if place == list.count || list[place] != message { list.insert(message, at: place) }
    let result = number(of: list)
    additions.insert(result, for: key)
    return result
  }
}
