import Synod
import Testing

@testable import EPaxos

/// All instances and their footprints, looked through one by one.
private struct NaiveIndex {
  var all: [(InstanceID, Footprint)] = []
  var truncated = Dependencies()

  func conflicts(with footprint: Footprint) -> Dependencies {
    var found = truncated
    for (id, other) in all where other.interferes(with: footprint) { found.insert(id) }
    return found
  }
}

@Test(arguments: 1...60 as ClosedRange<UInt64>)
func anInstanceComesBehindThoseThatInterfereAndAllThatIsForgotten(_ seed: UInt64) {
  var random = RandomFootprints(seed: seed)
  var index = InterferenceIndex()
  var naive = NaiveIndex()
  var last: [UInt64] = [0, 0, 0]
  for _ in 0..<300 {
    let footprint = random.next()
    #expect(index.conflicts(with: footprint) == naive.conflicts(with: footprint), "\(footprint)")
    let row = random.below(3)
    // They do not come in their order, and some come twice, by other footprints.
    last[row] += UInt64(random.below(3))
    let number = max(1, last[row] - min(last[row], UInt64(random.below(4))))
    let one = id(UInt32(row + 1), number)
    if !naive.truncated.contains(one) { naive.all.append((one, footprint)) }
    index.insert(one, footprint)
    if random.below(20) == 0 {
      let through = Dependencies(
        (0..<3).map {
          .init(row: id(UInt32($0 + 1), 1).row, through: last[$0] - min(last[$0], 8))
        })
      naive.truncated.formUnion(through)
      naive.all.removeAll { naive.truncated.contains($0.0) }
      index.truncate(through: through)
    }
  }
}

/// 300 names and as many ranges are more than it tells apart.
@Test(arguments: 1...10 as ClosedRange<UInt64>)
func beyondItsLimitsAnIndexNamesMoreAndNeverLess(_ seed: UInt64) {
  var random = RandomFootprints(seed: seed)
  random.names = 3000
  random.barriers = 0
  random.ranges = 50
  var index = InterferenceIndex()
  var naive = NaiveIndex()
  for number in 1...1500 as ClosedRange<UInt64> {
    let footprint = random.next()
    if number > 1300 {
      let found = index.conflicts(with: footprint)
      #expect(found.isSuperset(of: naive.conflicts(with: footprint)))
    }
    let one = id(UInt32(1 + number % 3), number)
    naive.all.append((one, footprint))
    index.insert(one, footprint)
  }
}

@Test func readsOfAWrittenNameComeBehindTheLastWriteOfEveryRow() {
  var index = InterferenceIndex()
  index.insert(id(1, 1), .writing("k"))
  index.insert(id(2, 5), .reading("k"))
  index.insert(id(1, 2), .reading("k"))
  index.insert(id(3, 1), .writing("other"))
  #expect(index.conflicts(with: .reading("k")) == behind(id(1, 1)))
  #expect(index.conflicts(with: .writing("k")) == behind(id(1, 2), id(2, 5)))
  #expect(index.conflicts(with: .reading("nothing")).isEmpty)
}

/// Rule 6: what was given up stays in the way of everything.
@Test func everythingComesBehindWhatIsVoidAndBehindBarriers() {
  var index = InterferenceIndex()
  index.insert(id(1, 1), .writing("k"))
  index.insert(id(1, 1), .barrier)
  #expect(index.conflicts(with: .reading("other")) == behind(id(1, 1)))
  #expect(index.conflicts(with: Footprint(points: [])) == behind(id(1, 1)))
}

/// Rule 32 (B6): the newest write alone would be lost with what it came behind.
@Test func anOlderWriteOfAnotherRowIsNamedBesideTheNewest() {
  var index = InterferenceIndex()
  index.insert(id(1, 1), .writing("k"))
  index.insert(id(2, 1), .writing("k"))
  #expect(index.conflicts(with: .writing("k")) == behind(id(1, 1), id(2, 1)))
}

@Test func anIndexKeepsNoNamesOfWhatIsForgotten() {
  var index = InterferenceIndex()
  for number in 1...2000 as ClosedRange<UInt64> {
    index.insert(id(1, number), .writing(Bytes("k\(number)")))
    if number % 100 == 0 { index.truncate(through: behind(id(1, number - 50))) }
  }
  #expect(index.count < 250)
  #expect(index.conflicts(with: .reading("none")) == behind(id(1, 1950)))
}
