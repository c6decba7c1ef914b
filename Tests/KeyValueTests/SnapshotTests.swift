import Synod
import Testing

@testable import KeyValue

private func filled(seed: UInt64, steps: UInt64 = 600, names: Int = 40) -> KeyValueState {
  var commands = RandomCommands(seed: seed, names: names)
  var state = KeyValueState()
  var events: [LeaseEvent] = []
  _ = state.apply(.one(.configure(KeyValueLimits(), seed: seed)), stamp: 1, events: &events)
  for stamp in 2...steps {
    let outcome = state.apply(commands.command(), stamp: stamp, events: &events)
    commands.note(outcome, stamp: stamp)
  }
  return state
}

@Test(arguments: 1...8 as ClosedRange<UInt64>)
func aSnapshotIsOfOneMomentHoweverMuchIsWrittenMeanwhile(_ seed: UInt64) throws {
  var live = filled(seed: seed)
  let frozen = live
  let expected = frozen.digest
  var commands = RandomCommands(seed: seed + 1000, names: 40)
  var copy = KeyValueState()
  var cursor: KeyValueState.Cursor?
  var stamp: UInt64 = 10_000
  var events: [LeaseEvent] = []
  repeat {
    var pieces: [Bytes] = []
    cursor = frozen.snapshot(after: cursor, limit: 64, into: &pieces)
    for piece in pieces { try copy.restore(piece) }
    for _ in 0..<5 {
      stamp += 1
      let command = commands.command()
      commands.note(live.apply(command, stamp: stamp, events: &events), stamp: stamp)
    }
  } while cursor != nil
  #expect(copy.digest == expected)
  #expect(frozen.digest == expected)
  #expect(live.digest != expected)
  #expect(copy.count == frozen.count && copy.leaseCount == frozen.leaseCount)
  #expect(copy.bytes == frozen.bytes)
  // And it goes on as the one that it was taken of would.
  var original = frozen
  var again = RandomCommands(seed: seed, names: 40)
  for stamp in 20_000...20_300 as ClosedRange<UInt64> {
    let command = again.command()
    #expect(
      copy.apply(command, stamp: stamp, events: &events)
        == original.apply(command, stamp: stamp, events: &events))
  }
  #expect(copy.digest == original.digest)
  #expect(copy.list(after: nil, limit: 100) == original.list(after: nil, limit: 100))
}

@Test func piecesAreBounded() {
  var state = KeyValueState()
  for number in 0..<2000 {
    _ = run(.change(.set("some value"), of: Bytes("key \(number)")), on: &state, stamp: 1)
  }
  let long = Bytes([UInt8](repeating: 7, count: 100_000))
  _ = run(.change(.set(long), of: "long"), on: &state, stamp: 2)
  let sizes = pieces(of: state, limit: 1000).map(\.count)
  #expect(sizes.filter { $0 > 1100 }.count == 1)
  #expect(sizes.count > 60)
}

@Test func brokenPiecesAreRefused() throws {
  let good = pieces(of: filled(seed: 3), limit: 200)
  for index in good.indices {
    var state = KeyValueState()
    for piece in good[..<index] { try state.restore(piece) }
    // A piece that ends too early, or has more than it should, or comes twice.
    let piece = good[index]
    for length in 0..<piece.count {
      var other = state
      if (try? other.restore(piece[0..<length])) == nil { continue }
      // What was cut between two of its elements is told by the last piece.
      #expect(throws: RestoreError.self) {
        for rest in good[(index + 1)...] { try other.restore(rest) }
        if index == good.count - 1 { throw RestoreError("there is no piece left to tell") }
      }
    }
    // The first one says nothing of keys: it may come again in front of them.
    if index > 0 && index < good.count - 1 {
      var other = state
      try other.restore(piece)
      #expect(throws: RestoreError.self) {
        try other.restore(piece)
        for rest in good[(index + 1)...] { try other.restore(rest) }
      }
    }
  }
}

@Test(arguments: 1...20 as ClosedRange<UInt64>)
func aFlippedBitIsFoundOut(_ seed: UInt64) throws {
  var random = SplitMix(seed: seed)
  let good = pieces(of: filled(seed: 4), limit: 200)
  for _ in 0..<40 {
    let index = Int.random(in: 0..<good.count, using: &random)
    var bytes = good[index].array
    bytes[Int.random(in: 0..<bytes.count, using: &random)] ^=
      1 << UInt8.random(in: 0..<8, using: &random)
    var state = KeyValueState()
    let isWhole: Bool
    do {
      for (place, piece) in good.enumerated() {
        try state.restore(place == index ? Bytes(bytes) : piece)
      }
      isWhole = true
    } catch {
      isWhole = false
    }
    // Only the limits of the first piece that no key meets are not told apart.
    if isWhole { #expect(index == 0) }
  }
}

@Test func aCopyCostsTheWriterOneShard() {
  var state = KeyValueState()
  for number in 0..<20_000 {
    _ = run(.change(.set("v"), of: Bytes("key \(number)")), on: &state, stamp: 1)
  }
  let shards = state.keys.shards.map(\.cells.count)
  #expect(shards.max() ?? 0 < 40, "a million keys would have fifty times as many")
  let copy = state
  _ = run(.change(.set("w"), of: "key 1"), on: &state, stamp: 2)
  let shared = zip(state.keys.shards, copy.keys.shards).filter { a, b in
    a.cells.withUnsafeBufferPointer { a in
      b.cells.withUnsafeBufferPointer { a.baseAddress == $0.baseAddress }
    }
  }
  #expect(shared.count == shards.count - 1)
}

@Test func whatASnapshotHasComePastIsLetGoLittleByLittle() {
  var live = KeyValueState()
  for number in 0..<20_000 {
    _ = run(.change(.set("v"), of: Bytes("key \(number)")), on: &live, stamp: 1)
  }
  let kept = live
  var walked = live
  var cursor: KeyValueState.Cursor?
  var other: KeyValueState.Cursor?
  var most = 0
  repeat {
    var pieces: [Bytes] = []
    var expected: [Bytes] = []
    cursor = walked.snapshot(after: cursor, limit: 4096, into: &pieces)
    other = kept.snapshot(after: other, limit: 4096, into: &expected)
    #expect(pieces == expected)
    let before = walked.keys.shards.count { !$0.cells.isEmpty }
    if let cursor { walked.release(before: cursor) }
    most = max(most, before - walked.keys.shards.count { !$0.cells.isEmpty })
  } while cursor != nil
  #expect(walked.keys.shards.count { !$0.cells.isEmpty } <= 512)
  #expect((1...512).contains(most), "at once")
  #expect(
    walked.digest == kept.digest
      && live.list(after: nil, limit: 9) == kept.list(after: nil, limit: 9))
}
