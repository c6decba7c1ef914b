import Synod
import Testing

@testable import CASPaxos

/// What is known of many registers, and that it is let go of in pieces.
@Suite struct KeyMapTests {
  @Test func itHoldsWhatADictionaryHolds() {
    var random = SplitMix(seed: 7)
    var map = KeyMap<UInt64>()
    var plain: [Bytes: UInt64] = [:]
    for _ in 0..<6_000 {
      let key = Bytes("key \(random.next() % 1_500)")
      let value = random.next()
      switch random.next() % 4 {
      case 0:
        map[key] = nil
        plain[key] = nil
      case 1:
        map[key]? ^= value
        plain[key]? ^= value
      default:
        map[key] = value
        plain[key] = value
      }
      #expect(map.count == plain.count)
    }
    #expect(map.partCount > 1)
    for number in 0..<1_500 {
      #expect(map[Bytes("key \(number)")] == plain[Bytes("key \(number)")])
    }
    let found = (0..<map.partCount).flatMap { map.keys(inPart: $0) { $0 % 2 == 0 }.keys }
    #expect(Set(found) == Set(plain.filter { $0.value % 2 == 0 }.keys))
  }

  @Test func mapsOfTheSameKeysAreEqualWhateverWasInThem() {
    var few = KeyMap<Int>()
    var once = KeyMap<Int>()
    for number in 0..<2_000 { once[Bytes("\(number)")] = number }
    #expect(few != once)
    for number in 10..<2_000 { once[Bytes("\(number)")] = nil }
    for number in 0..<10 { few[Bytes("\(number)")] = number }
    #expect(few == once && once == few && few.hashValue == once.hashValue)
    few["3"] = 4
    #expect(few != once && once != few)
  }

  @Test func itIsTakenApartPieceByPiece() {
    var map = KeyMap<Int>()
    for number in 0..<5_000 { map[Bytes("\(number)")] = number }
    var taken: [Int] = []
    while let part = map.takePart() {
      #expect(part.count < 500)
      taken += part.values
      #expect(map.count == 5_000 - taken.count)
    }
    #expect(taken.sorted() == Array(0..<5_000) && map.count == 0)
  }

  @Test func whatAWatchKnewIsLetGoOfOverSeveralTicks() {
    let limits = Watches.Limits(keys: 100_000, allKeys: 100_000, bytes: 1_000)
    var watches = Watches()
    let number = watches.add(
      Watch(
        ProposalID(1), of: WatchSubject(key: "key", isPrefix: true), deadline: nil, room: 4,
        maxBytes: 1_000, firstRead: 0))
    let count = 4 * Watches.registersAtOnce
    for one in 0..<count {
      let isKnown = watches.know(Bytes("key \(one)"), by: number, limits)
      #expect(isKnown)
    }
    _ = watches.remove(number)
    #expect(watches.isEmpty && watches.registers.count == count)
    var before = count
    for tick in 1...20 as ClosedRange<UInt64> where watches.hasLeft {
      _ = watches.letGo(at: Ticks(tick))
      let now = watches.registers.count
      #expect(now < before && before - now < 2 * Watches.registersAtOnce)
      // No more in the same turn.
      _ = watches.letGo(at: Ticks(tick))
      #expect(watches.registers.count == now)
      before = now
    }
    #expect(watches.registers.count == 0 && !watches.hasLeft)
  }
}
