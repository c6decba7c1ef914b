import Synod
import Testing

extension Bytes {
  /// Whether these bytes and others lie in one owner.
  func shares(_ other: Bytes) -> Bool { unsafeOwner === other.unsafeOwner }
}

@Suite struct BytesTests {
  let sample = Bytes((0..<100).map { UInt8($0) })

  @Test func aSliceSharesItsOwnerAndSeesTheSameBytes() {
    let slice = sample[10..<20]
    #expect(slice.count == 10)
    #expect(slice.array == (10..<20).map { UInt8($0) })
    #expect(slice.shares(sample))
    #expect(slice[2..<4].array == [12, 13])
    #expect(slice[0] == 10 && slice[9] == 19)
  }

  @Test func aSliceKeepsItsOwnerAlive() {
    var slice = Bytes()
    do {
      let owner = Bytes(Array(repeating: 7, count: 4096))
      slice = owner[4000..<4096]
    }
    #expect(slice.array == Array(repeating: 7, count: 96))
  }

  @Test func emptySlicesAreLegalAnywhere() {
    for place in 0...sample.count { #expect(sample[place..<place].isEmpty) }
    #expect(Bytes()[0..<0].isEmpty)
    #expect(Bytes("") == Bytes())
    #expect(Bytes([UInt8]()) == Bytes())
    #expect(Bytes().array.isEmpty)
  }

  @Test func equalityAndHashSeeTheBytesAndNotTheOwner() {
    let copy = Bytes(sample.array)
    #expect(copy == sample && copy.hashValue == sample.hashValue)
    #expect(sample[0..<5] == copy[0..<5])
    #expect(sample[0..<5] != copy[1..<6])
    #expect(sample[0..<5] != sample[0..<4])
    #expect(Set([sample[1..<3], copy[1..<3], copy[2..<4]]).count == 2)
    var changed = sample.array
    for place in changed.indices {
      changed[place] ^= 0x80
      #expect(Bytes(changed) != sample)
      changed[place] ^= 0x80
    }
  }

  @Test func compactingASmallSliceLetsItsLargeOwnerGo() {
    let large = Bytes(Array(repeating: 1, count: 100_000))
    let small = large[500..<510]
    let compact = small.compacted()
    #expect(compact == small)
    #expect(!compact.shares(large))
    #expect(!large[0..<0].compacted().shares(large))
  }

  @Test func compactingWhatFillsItsOwnerCopiesNothing() {
    #expect(sample.compacted().shares(sample))
    let most = sample[0..<60]
    #expect(most.compacted().shares(sample))
    #expect(Bytes().compacted().isEmpty)
  }

  @Test func textIsShownAsItIsAndTheRestAsHex() {
    #expect("\(Bytes("key:1"))" == "key:1")
    #expect("\(Bytes([0, 0x1f, 0x7f, 0xff, 0x5c]))" == "\\x00\\x1f\\x7f\\xff\\x5c")
  }

  @Test func aBuilderFollowsWhatArrivesAndNotWhatIsAnnounced() {
    var builder = BytesBuilder(length: 1 << 30)
    #expect(builder.capacity == BytesBuilder.firstRoom)
    [UInt8](repeating: 3, count: 1000).withUnsafeBytes { builder.append($0) }
    #expect(builder.capacity == BytesBuilder.firstRoom)
    #expect(builder.missing == (1 << 30) - 1000)
  }

  @Test func aBuilderGivesBackWhatItWasGiven() {
    var random = SplitMix(seed: 9)
    for length in [0, 1, 63, 64 << 10, (64 << 10) + 1, 300_000] {
      let source = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      var builder = BytesBuilder(length: length)
      var given = 0
      var forked: BytesBuilder?
      while given < length {
        let piece = min(length - given, 1 + Int(random.next() % 70_000))
        source[given..<(given + piece)].withUnsafeBytes { builder.append($0) }
        given += piece
        if forked == nil && given < length { forked = builder }
      }
      #expect(builder.finish().array == source)
      // A copy taken on the way is a value of its own.
      if var fork = forked {
        let start = fork.count
        let other = [UInt8](repeating: 0xee, count: fork.missing)
        other.withUnsafeBytes { fork.append($0) }
        #expect(fork.finish().array == source[..<start] + other)
        #expect(builder.finish().array == source)
      }
    }
  }
}
