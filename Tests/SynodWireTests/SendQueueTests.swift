import Synod
import Testing

@testable import SynodWire

@Suite struct SendQueueTests {
  /// A frame of 100 bytes on the wire that carries a number.
  func frame(_ number: Int) -> Frame {
    let text = String(number)
    return Frame(
      .payload, Bytes(text + String(repeating: " ", count: 76 - text.utf8.count)))
  }

  func numbers(_ frames: [Frame]) -> [Int] {
    frames.map { frame in
      Int(String(decoding: frame.body.array.prefix { $0 != 0x20 }, as: UTF8.self)) ?? -1
    }
  }

  @Test func aFullQueueDropsTheOldestAndCountsThem() {
    var queue = SendQueue(limit: 1000)
    for i in 0..<25 { queue.append(frame(i)) }
    #expect(queue.bytes == 1000)
    #expect(queue.dropped == 15)
    var batch: [Frame] = []
    queue.take(upTo: .max, into: &batch)
    #expect(numbers(batch) == Array(15..<25))
    #expect(queue.isEmpty && queue.bytes == 0)
  }

  @Test func oneLargePayloadDropsAsManySmallOnesAsItNeeds() {
    var queue = SendQueue(limit: 1000)
    for i in 0..<10 { queue.append(frame(i)) }
    queue.append(Frame(.payload, Bytes(Array(repeating: 0, count: 226))))
    #expect(queue.dropped == 3)
    #expect(queue.bytes == 950)
    queue.append(Frame(.payload, Bytes(Array(repeating: 0, count: 977))))
    #expect(queue.dropped == 4)
    #expect(queue.count == 8)
  }

  @Test func aBudgetTakesWholeFramesAndOneAtLeast() {
    var queue = SendQueue(limit: 10_000)
    for i in 0..<10 { queue.append(frame(i)) }
    var batch: [Frame] = []
    queue.take(upTo: 250, into: &batch)
    #expect(numbers(batch) == [0, 1])
    queue.take(upTo: 10, into: &batch)
    #expect(numbers(batch) == [0, 1, 2])
    queue.dropAll()
    #expect(queue.dropped == 7 && queue.isEmpty && queue.bytes == 0)
  }

  @Test func aQueueBehavesLikeAListOfFrames() {
    for seed in 0..<50 as Range<UInt64> {
      var random = SplitMix(seed: seed)
      var queue = SendQueue(limit: 5_000)
      var model: [Int] = []
      var dropped = 0
      for i in 0..<1_000 {
        if Int.random(in: 0..<10, using: &random) < 7 {
          queue.append(frame(i))
          model.append(i)
          if model.count > 50 {
            model.removeFirst()
            dropped += 1
          }
        } else {
          let n = Int.random(in: 1...60, using: &random)
          var batch: [Frame] = []
          queue.take(upTo: n * 100, into: &batch)
          #expect(numbers(batch) == Array(model.prefix(n)))
          model.removeFirst(min(n, model.count))
        }
        #expect(queue.count == model.count && queue.bytes == model.count * 100)
      }
      #expect(queue.dropped == UInt64(dropped))
    }
  }

  @Test func aSessionThatNobodyReadsFillsOnlyItsOwnQueue() {
    var pair = Pair.open(queueLimit: 1000)
    for i in 0..<100 { pair.sessions[0].send(frame(i)) }
    #expect(pair.sessions[0].queuedBytes <= 1000)
    #expect(pair.sessions[0].dropped == 90)
    pair.settle()
    #expect(numbers(pair.payloads(on: 1).map { Frame(.payload, $0) }) == Array(90..<100))
  }

  @Test func aPayloadOverTheLimitIsDroppedAndNotSentInPart() {
    var pair = Pair.open(maxPayload: 100)
    pair.sessions[0].send(Frame(.payload, Bytes(Array(repeating: 1, count: 101))))
    pair.sessions[0].send(Frame(.payload, Bytes(Array(repeating: 1, count: 100))))
    pair.settle()
    #expect(pair.payloads(on: 1).map(\.count) == [100])
    #expect(pair.sessions[0].dropped == 1)
    #expect(pair.sessions.allSatisfy { $0.isOpen })
  }

  @Test func aFrameIsSharedByTheSessionsThatQueueIt() {
    let frame = frame(1)
    var pair = [Pair.open(), Pair.open()]
    var taken: [Frame] = []
    for i in 0..<2 {
      pair[i].sessions[0].send(frame)
      pair[i].sessions[0].takeOutput(upTo: 1 << 20, into: &taken)
    }
    #expect(taken.count == 2)
    #expect(taken.allSatisfy { $0.owner === frame.owner })
    #expect(taken[0].bodyBytes.baseAddress == frame.body.unsafeBuffer.baseAddress)
  }

  @Test func waitsDoubleUpToTheCapWithHalfOfThemByChance() {
    var backoff = Backoff(first: 50, cap: 2_000, random: SplitMix(seed: 1))
    let waits = (0..<12).map { _ in backoff.next() }
    for (i, wait) in waits.enumerated() {
      let due = min(2_000, UInt64(50) << UInt64(i))
      #expect(wait >= due / 2 && wait <= due)
    }
    var other = Backoff(first: 50, cap: 2_000, random: SplitMix(seed: 2))
    #expect((0..<12).map { _ in other.next() } != waits)
    var again = Backoff(first: 50, cap: 2_000, random: SplitMix(seed: 1))
    #expect((0..<12).map { _ in again.next() } == waits)
    backoff.reset()
    #expect(backoff.next() <= 50)
  }
}
