import Synod
import Testing

/// Footprints on few names, and what they touch, name by name.
private struct RandomFootprints {
  var random: SplitMix

  /// The names that there are: every string of up to two of two letters.
  static let names: [Bytes] = ["", "a", "aa", "ab", "b", "ba", "bb"]
  /// What each space holds of each name; absent where it is not touched.
  typealias Touched = [[Footprint.Access?]]

  mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
  mutating func access() -> Footprint.Access { below(2) == 0 ? .read : .write }

  mutating func next() -> (Footprint, Touched) {
    var touched = Touched(repeating: .init(repeating: nil, count: Self.names.count), count: 2)
    func touch(_ space: Int, _ name: Int, _ access: Footprint.Access) {
      touched[space][name] = max(touched[space][name] ?? access, access)
    }
    if below(12) == 0 {
      let access = access()
      for space in 0..<2 { for name in Self.names.indices { touch(space, name, access) } }
      return (Footprint(everything: access), touched)
    }
    var points: [Footprint.Point] = []
    var ranges: [Footprint.Range] = []
    for _ in 0..<below(4) {
      let (space, name, access) = (below(2), below(Self.names.count), access())
      points.append(Footprint.Point(access, Self.names[name], in: UInt8(space)))
      touch(space, name, access)
    }
    for _ in 0..<[0, 0, 0, 1, 2][below(5)] {
      let (space, access) = (below(2), access())
      let start = below(Self.names.count)
      let end = below(Self.names.count + 1)
      ranges.append(
        Footprint.Range(
          access, from: Self.names[start], to: end < Self.names.count ? Self.names[end] : nil,
          in: UInt8(space)))
      for name in Self.names.indices where name >= start && name < end {
        touch(space, name, access)
      }
    }
    return (Footprint(points: points, ranges: ranges), touched)
  }
}

@Test(arguments: 1...40 as ClosedRange<UInt64>)
func footprintsInterfereWhereBothTouchANameAndOneWritesIt(_ seed: UInt64) {
  var random = RandomFootprints(random: SplitMix(seed: seed))
  var found = 0
  for _ in 0..<500 {
    let (a, inA) = random.next()
    let (b, inB) = random.next()
    var expected = a.everything == .write || b.everything == .write
    for space in 0..<2 {
      for (x, y) in zip(inA[space], inB[space]) {
        guard let x, let y else { continue }
        expected = expected || x.interferes(with: y)
      }
    }
    // Between any two names there are others, which ranges may share.
    let between = a.ranges.contains { x in b.ranges.contains { x.interferes(with: $0) } }
    let all =
      a.everything == .read && b.ranges.contains { $0.access == .write }
      || b.everything == .read && a.ranges.contains { $0.access == .write }
    #expect(a.interferes(with: b) == (expected || between || all), "\(a) and \(b)")
    #expect(b.interferes(with: a) == a.interferes(with: b))
    let c = random.next().0
    let both = Footprint.union([a, b])
    #expect(both.interferes(with: c) == (a.interferes(with: c) || b.interferes(with: c)))
    #expect(both.isWrite == (a.isWrite || b.isWrite))
    found += a.interferes(with: b) ? 1 : 0
  }
  #expect((100...400).contains(found))
}

@Test func aBarrierMeetsEvenWhatTouchesNothing() {
  let nothing = Footprint(points: [])
  #expect(Footprint.barrier.interferes(with: nothing) && nothing.interferes(with: .barrier))
  #expect(Footprint.barrier.interferes(with: .barrier))
  #expect(!nothing.interferes(with: nothing))
}

@Test func ofANameThatComesTwiceTheWriteCounts() {
  let footprint = Footprint(points: [.init(.read, "b"), .init(.write, "a"), .init(.write, "b")])
  #expect(footprint.points == [.init(.write, "a"), .init(.write, "b")])
}

@Test func rangesAreOfNamesInTheOrderOfTheirBytes() {
  let range = Footprint.Range(.read, from: "b", to: "c")
  #expect(range.contains("b") && range.contains("bzz") && !range.contains("c"))
  #expect(!range.contains("a\u{7f}"))
  #expect(!range.interferes(with: .init(.write, from: "c")))
  #expect(range.interferes(with: .init(.write, from: "bz")))
  #expect(!range.interferes(with: .init(.read)))
  #expect(Footprint.Range(.write).isWhole && Footprint.Range(.write).contains("\u{7f}"))
}

@Test(arguments: 1...20 as ClosedRange<UInt64>)
func aFootprintIsReadAsItWasWrittenAndHostileBytesAreErrors(_ seed: UInt64) throws {
  var random = RandomFootprints(random: SplitMix(seed: seed))
  var writer = ByteWriter()
  for _ in 0..<30 {
    let footprint = random.next().0
    footprint.encode(into: &writer)
    let bytes = writer.finish()
    var reader = ByteReader(bytes)
    #expect(try Footprint(from: &reader) == footprint)
    #expect(reader.isAtEnd)
    for length in 0..<bytes.count {
      var reader = ByteReader(bytes[0..<length])
      #expect(throws: CodingError.self) { try Footprint(from: &reader) }
    }
    var damaged = bytes.array
    damaged[random.below(damaged.count)] = UInt8(random.below(256))
    var other = ByteReader(Bytes(damaged))
    guard let found = try? Footprint(from: &other) else { continue }
    found.encode(into: &writer)
    #expect(writer.finish() == Bytes(damaged)[0..<other.offset])
  }
}
