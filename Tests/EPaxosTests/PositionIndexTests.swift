import Synod
import Testing

@testable import EPaxos

@Test(arguments: 1...60 as ClosedRange<UInt64>)
func aCommandStandsOneAboveAllThatItInterferesWithAndThatCameBefore(_ seed: UInt64) throws {
  var random = RandomFootprints(seed: seed)
  random.barriers = 0
  var index = PositionIndex()
  var before: [(Footprint, UInt64)] = []
  for _ in 0..<300 {
    if random.below(40) == 0 {
      // Forgetting at a barrier changes nothing of what comes behind.
      let highest = before.map(\.1).max() ?? 0
      before.append((.barrier, highest + 1))
      index.raiseFloor()
      #expect(index.count == 0)
      continue
    }
    let footprint = random.next()
    let highest = before.filter { $0.0.interferes(with: footprint) }.map(\.1).max() ?? 0
    #expect(index.position(of: footprint) == highest + 1, "\(footprint)")
    before.append((footprint, highest + 1))
    if random.below(30) == 0 { index = try rebuilt(index, limit: random.below(200)) }
  }
}

/// Two nodes that execute in different orders what does not interfere.
@Test(arguments: 1...60 as ClosedRange<UInt64>)
func positionsAreTheSameWhereOnlyWhatDoesNotInterfereIsExchanged(_ seed: UInt64) {
  var random = RandomFootprints(seed: seed)
  var order = (0..<120).map { (number: $0, footprint: random.next()) }
  func positions() -> [UInt64] {
    var index = PositionIndex()
    var found = [UInt64](repeating: 0, count: order.count)
    for (number, footprint) in order {
      if footprint == .barrier {
        index.raiseFloor()
      } else {
        found[number] = index.position(of: footprint)
      }
    }
    return found
  }
  let expected = positions()
  var exchanged = 0
  for _ in 0..<3000 {
    let place = random.below(order.count - 1)
    guard !order[place].footprint.interferes(with: order[place + 1].footprint) else { continue }
    order.swapAt(place, place + 1)
    exchanged += 1
  }
  #expect(exchanged > 100)
  #expect(positions() == expected)
}

@Test func hostilePiecesOfPositionsAreErrors() {
  var index = PositionIndex()
  for number in 0..<20 { _ = index.position(of: .writing(Bytes("\(number)"))) }
  var pieces: [Bytes] = []
  _ = index.snapshot(after: nil, limit: 1 << 20, into: &pieces)
  var random = SplitMix(seed: 1)
  for _ in 0..<500 {
    var bytes = pieces[0].array
    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8(
      truncatingIfNeeded: random.next())
    var other = PositionIndex()
    guard (try? other.restore(Bytes(bytes))) != nil else { continue }
    // Whatever it took, it goes on.
    #expect(other.position(of: .barrier) > 0)
  }
  for length in 0..<pieces[0].count where length > 0 {
    var other = PositionIndex()
    try? other.restore(pieces[0][0..<length])
  }
}

private func rebuilt(_ index: PositionIndex, limit: Int) throws -> PositionIndex {
  var pieces: [Bytes] = []
  var cursor: PositionIndex.Cursor?
  repeat {
    cursor = index.snapshot(after: cursor, limit: limit, into: &pieces)
  } while cursor != nil
  var other = PositionIndex()
  for piece in pieces { try other.restore(piece) }
  return other
}
