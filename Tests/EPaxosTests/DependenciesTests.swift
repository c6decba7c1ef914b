import EPaxos
import Synod
import Testing

/// Small random sets of instances, to compare with.
struct RandomIDs {
  var random: SplitMix
  init(seed: UInt64) { random = SplitMix(seed: seed) }

  mutating func id() -> InstanceID {
    let row = Row(
      epoch: Epoch(UInt32(random.next() % 2)), owner: VoterID(UInt32(1 + random.next() % 5)))
    return InstanceID(row: row, number: 1 + random.next() % 8)
  }

  mutating func dependencies() -> (Dependencies, Set<InstanceID>) {
    var vector = Dependencies()
    var members: Set<InstanceID> = []
    for _ in 0..<random.next() % 6 {
      let id = id()
      vector.insert(id)
      for number in 1...id.number { members.insert(InstanceID(row: id.row, number: number)) }
    }
    return (vector, members)
  }
}

@Test(arguments: 1...200 as ClosedRange<UInt64>)
func dependenciesAreTheSetsOfAllThatTheirPrefixesHold(_ seed: UInt64) throws {
  var random = RandomIDs(seed: seed)
  let (a, inA) = random.dependencies()
  let (b, inB) = random.dependencies()
  for _ in 0..<50 {
    let id = random.id()
    #expect(a.contains(id) == inA.contains(id))
    #expect(a.union(b).contains(id) == inA.union(inB).contains(id))
  }
  #expect(a.isEmpty == inA.isEmpty)
  #expect(a.isSuperset(of: b) == inA.isSuperset(of: inB))
  #expect((a == b) == (inA == inB))
  #expect(a.union(b) == b.union(a) && a.union(b).isSuperset(of: a))
  #expect(a.prefixes.map(\.row) == a.prefixes.map(\.row).sorted())
  #expect(Dependencies(a.prefixes.reversed()) == a)

  var writer = ByteWriter()
  a.encode(into: &writer)
  let bytes = writer.finish()
  var reader = ByteReader(bytes)
  #expect(try Dependencies(from: &reader) == a)
  #expect(reader.isAtEnd)
  for length in 0..<bytes.count {
    var reader = ByteReader(bytes[0..<length])
    #expect(throws: CodingError.truncated) { try Dependencies(from: &reader) }
  }
  // What else the bytes may say is refused, or has this one form.
  for _ in 0..<20 {
    var bytes = bytes.array
    bytes[Int.random(in: 0..<bytes.count, using: &random.random)] = UInt8(
      truncatingIfNeeded: random.random.next())
    var reader = ByteReader(Bytes(bytes))
    guard let found = try? Dependencies(from: &reader) else { continue }
    let end = reader.offset
    found.encode(into: &writer)
    #expect(writer.finish() == Bytes(bytes)[0..<end])
  }
}

@Test func aNumberBeyondAllBoundsIsNotBelieved() {
  var writer = ByteWriter()
  writer.write(UInt16(1))
  Row(epoch: Epoch(0), owner: VoterID(1)).encode(into: &writer)
  writer.write(UInt64.max)
  var reader = ByteReader(writer.finish())
  #expect(throws: CodingError.self) { try Dependencies(from: &reader) }
}

@Test func instancesAreOrderedByNumberThenOwner() {
  func id(_ owner: UInt32, _ number: UInt64) -> InstanceID {
    InstanceID(row: Row(epoch: Epoch(0), owner: VoterID(owner)), number: number)
  }
  #expect([id(1, 2), id(3, 1), id(2, 1)].sorted() == [id(2, 1), id(3, 1), id(1, 2)])
}
