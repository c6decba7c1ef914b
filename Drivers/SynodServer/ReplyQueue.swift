import KeyValue
import RESP
import Synod

/// The replies that one connection still has to get, in the order of its commands: a ring of slots,
/// named by numbers that only rise. Commands end in any order; replies leave in this one.
struct ReplyQueue {
  private var slots: [Slot] = []
  private var head = 0
  /// The number of the oldest slot.
  private(set) var first: UInt64 = 0
  private(set) var count = 0
  /// What the commands in the queue, and the replies that wait in it, weigh in bytes.
  private(set) var cost = 0
  /// Bytes of the values in replies that wait: what they weigh is known only when they are there.
  private(set) var held = 0
  /// Replies to all clients hold much: a read whose value would wait behind others is told to come
  /// again instead.
  var isCrowded = false
  /// How many of the next slots are elements of an array whose head was written.
  private var elements = 0
  /// When what is appended now was read (see `RequestMeter.now`), and what it is.
  var readAt: UInt32 = 0
  var glimpse = Glimpse()
  /// What took long of the replies that were written, since someone last looked.
  var slow: [SlowCommand] = []

  private struct Slot {
    var answer: Answer
    var version: RESPVersion
    var claim: Claim
    var cost: Int
    /// Bytes of the answer's values.
    var held: Int = 0
    /// How far behind the first key's slot this one is, for a command of several keys.
    var offset: Int32
    /// In the first key's slot: how many slots its command has, and how many of them wait.
    var length: Int32
    var waiting: Int32
    var combination: Request.Combination
    /// Whether it is a command's first, whose time is measured.
    var isMeasured: Bool
    var readAt: UInt32
    var glimpse: Glimpse
  }

  var isEmpty: Bool { count == 0 }

  /// Whether a reply was begun and goes on with the next slots.
  var isWithinReply: Bool { elements > 0 }

  /// Whether the next reply is known.
  var isDue: Bool { count > 0 && (elements > 0 || slots[head].waiting == 0) }

  /// The number that the next slot will get.
  var next: UInt64 { first + UInt64(count) }

  // MARK: - In

  /// Makes room for an answer that is known already.
  mutating func append(_ answer: Answer, _ version: RESPVersion, cost: Int) {
    push(
      Slot(
        answer: answer, version: version, claim: .readOnly, cost: cost, offset: 0, length: 1,
        waiting: 0, combination: .sum, isMeasured: false, readAt: 0, glimpse: Glimpse()))
    self.cost += cost
  }

  /// Makes room for the answers to a command of `keys` keys, which get the next numbers in turn.
  /// - Parameter isMeasured: false for what says nothing of how long commands take.
  mutating func appendWaiting(
    keys: Int, _ combination: Request.Combination, _ claim: Claim, cost: Int,
    _ version: RESPVersion, isMeasured: Bool = true
  ) {
    for offset in 0..<keys {
      push(
        Slot(
          answer: .waiting, version: version, claim: claim,
          cost: offset == 0 ? cost : 0, offset: Int32(offset), length: Int32(keys),
          waiting: Int32(keys), combination: combination, isMeasured: isMeasured && offset == 0,
          readAt: readAt, glimpse: glimpse))
    }
    self.cost += cost
  }

  private mutating func push(_ slot: Slot) {
    if count == slots.count { grow(with: slot) }
    slots[(head + count) & (slots.count - 1)] = slot
    count += 1
  }

  private mutating func grow(with filler: Slot) {
    var larger: [Slot] = []
    let capacity = max(16, slots.count * 2)
    larger.reserveCapacity(capacity)
    for index in 0..<count { larger.append(slots[(head + index) & (slots.count - 1)]) }
    while larger.count < capacity { larger.append(filler) }
    slots = larger
    head = 0
  }

  // MARK: - Answered

  /// What the command of this number may have done; nil where nobody waits for it.
  func claim(_ number: UInt64) -> Claim? { index(of: number).map { slots[$0].claim } }

  /// The numbers of the changes that are to be made once and are not answered yet.
  var openOnce: [UInt64] {
    (0..<count).compactMap { place in
      let slot = slots[(head + place) & (slots.count - 1)]
      guard case .waiting = slot.answer, slot.claim == .once || slot.claim == .retry else {
        return nil
      }
      return first + UInt64(place)
    }
  }

  /// Fills a slot. Nothing happens where nobody waits for it (any more).
  mutating func answer(_ number: UInt64, with answer: Answer) {
    guard let index = index(of: number), case .waiting = slots[index].answer else { return }
    let bytes = answer.size
    if bytes > 0, isCrowded, held > 0, slots[index].claim == .readOnly {
      slots[index].answer = .failure(.notApplied("too many replies of this node wait to be read"))
    } else {
      slots[index].answer = answer
      slots[index].held = bytes
      held += bytes
    }
    if case .written(let reply) = answer {
      slots[index].cost += reply.count
      cost += reply.count
    }
    let lead = (index - Int(slots[index].offset)) & (slots.count - 1)
    slots[lead].waiting -= 1
  }

  private func index(of number: UInt64) -> Int? {
    guard number >= first, number - first < UInt64(count) else { return nil }
    return (head + Int(number - first)) & (slots.count - 1)
  }

  // MARK: - Out

  /// Writes the replies that are due, until the writer holds `limit` bytes.
  /// - Parameter meter: counts them.
  mutating func render(into writer: inout ReplyWriter, limit: Int, _ meter: RequestMeter? = nil) {
    guard isDue, writer.count < limit else { return }
    let now = meter?.now ?? 0
    while isDue, writer.count < limit {
      if let meter, slots[head].isMeasured { measure(meter, now) }
      let current = writer.version
      writer.version = slots[head].version
      if elements > 0 {
        Self.write(slots[head].answer, into: &writer)
        elements -= 1
        pop()
      } else if slots[head].length == 1 && slots[head].combination == .sum {
        Self.write(slots[head].answer, into: &writer)
        pop()
      } else {
        combine(into: &writer)
      }
      writer.version = current
    }
  }

  @inline(__always)
  private mutating func measure(_ meter: RequestMeter, _ now: UInt32) {
    // Once: an array's reply goes on with the slots behind its first.
    slots[head].isMeasured = false
    if let time = meter.count(slots[head].claim, from: slots[head].readAt, to: now) {
      slow.append(SlowCommand(glimpse: slots[head].glimpse, time: time))
    }
  }

  private mutating func pop() {
    cost -= slots[head].cost
    held -= slots[head].held
    slots[head].held = 0
    // Lets go of the value, which may be large.
    slots[head].answer = .waiting
    head = (head + 1) & (slots.count - 1)
    first += 1
    count -= 1
  }

  private static func write(_ answer: Answer, into writer: inout ReplyWriter) {
    switch answer {
    case .waiting: preconditionFailure("a reply that is not known is not written")
    case .reply(let reply): writer.write(reply)
    case .failure(let failure): writer.error(failure.text)
    case .written(let bytes): bytes.withUnsafeBytes { writer.raw($0) }
    case .nothing: writer.nullArray()
    }
  }

  /// One reply for a command of several keys. The elements of an array follow one by one, since
  /// all of them together may be large.
  private mutating func combine(into writer: inout ReplyWriter) {
    let length = Int(slots[head].length)
    if let failure = failure(length) {
      writer.error(failure.text)
    } else {
      switch slots[head].combination {
      case .array:
        writer.array(length)
        elements = length
        return
      case .sum: writer.integer(sum(length))
      }
    }
    for _ in 0..<length { pop() }
  }

  private func sum(_ length: Int) -> Int64 {
    var sum: Int64 = 0
    for offset in 0..<length {
      if case .reply(.integer(let value)) = slots[(head + offset) & (slots.count - 1)].answer {
        sum += value
      }
    }
    return sum
  }

  /// The failure of a command of several keys: "not applied" only where that is true of all keys.
  private func failure(_ length: Int) -> Answer.Failure? {
    var found: Answer.Failure?
    var failures = 0
    var isUnknown = false
    for offset in 0..<length {
      guard case .failure(let failure) = slots[(head + offset) & (slots.count - 1)].answer else {
        continue
      }
      failures += 1
      if found == nil || failure.kind == .unknown && !isUnknown { found = failure }
      isUnknown = isUnknown || failure.kind == .unknown
    }
    guard let found else { return nil }
    if isUnknown || slots[head].claim == .readOnly || failures == length { return found }
    return .unknown("\(failures) of \(length) keys could not be changed (\(found.text))")
  }
}
