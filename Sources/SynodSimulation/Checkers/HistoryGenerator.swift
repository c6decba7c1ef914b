internal import Synod

/// Makes up the history of one key: clients whose calls overlap, answers that get lost, and a register
/// that is sound, or has one flaw. It is there to try checkers on.
public struct HistoryGenerator: Sendable {
  /// The check that its histories can be given to; their calls alone suit a search.
  public typealias Check = WitnessCheck<KeyValueModel, UInt64>

  /// What the register does wrong, once.
  public enum Flaw: CaseIterable, Hashable, Sendable {
    /// A read sees an older version.
    case staleRead
    /// A write is acknowledged and forgotten.
    case lostWrite
    /// An increment counts twice.
    case doubledIncrement
    /// A failed comparison sets all the same.
    case blindCompare
    /// A write whose answer was lost takes effect twice.
    case secondEffect
    /// A write takes effect of which its client was told that it never will.
    case deniedEffect
    /// Two reads that follow each other get each other's answer.
    case swappedReads
    /// A write is seen before it is called.
    case foreseenWrite
  }

  /// Operations that are begun.
  public var operations: Int
  /// Each has one operation open at a time.
  public var clients: Int
  /// Of a hundred operations, how many end without an answer, about.
  public var lostPercent: UInt64 = 3
  /// Of a hundred writes, how many write a value that no other does. The fewer, the less a read
  /// says.
  public var uniquePercent: UInt64 = 90
  /// What the register does wrong; nil where it is sound.
  public var flaw: Flaw?

  private var random: SplitMix
  private var time: UInt64 = 1000
  private var history: [Check.Witnessed] = []
  private var version: UInt64 = 0
  private var state: RecordedValue?
  private var older: [(version: UInt64, state: RecordedValue?)] = []
  /// Calls of which no client will hear, and that may still take effect.
  private var stray: [KeyValueOperation.Call] = []
  private var isFlawed = false
  private var begun = 0
  private var busy: [Call] = []

  /// An operation that is under way.
  private struct Call {
    var client: Int
    var call: KeyValueOperation.Call
    var invoked: UInt64
    var end: (answer: KeyValueOperation.Answer, sight: Check.Sight)?
  }

  /// One whose histories are a function of `seed` and of what is set.
  public init(seed: UInt64, operations: Int = 100, clients: Int = 5, flaw: Flaw? = nil) {
    self.operations = operations
    self.clients = clients
    self.flaw = flaw
    random = SplitMix(seed: seed)
  }

  /// The history, and whether the flaw had an occasion to show.
  public mutating func generate() -> (history: [Check.Witnessed], isFlawed: Bool) {
    var idle = Array(0..<clients)
    var names = clients
    while begun < operations || !busy.isEmpty {
      time += 1 + random.next() % 3
      if !stray.isEmpty && chance(10) { takeEffect(stray.remove(at: index(stray.count))) }
      if begun < operations, !idle.isEmpty, busy.isEmpty || chance(40) {
        begun += 1
        let client = idle.remove(at: index(idle.count))
        busy.append(Call(client: client, call: nextCall(), invoked: time))
      } else if !busy.isEmpty {
        let place = index(busy.count)
        switch advance(place) {
        case .goesOn: break
        case .told: idle.append(busy.remove(at: place).client)
        case .lost:
          // Whoever does not know what came of its call is heard of no more.
          busy.remove(at: place)
          idle.append(names)
          names += 1
        }
      }
    }
    distort()
    return (history, isFlawed)
  }

  private enum Progress { case goesOn, told, lost }

  private mutating func advance(_ place: Int) -> Progress {
    let one = busy[place]
    if chance(lostPercent) {
      lose(one)
      return .lost
    }
    if let end = one.end {
      history.append(ended(one, end))
      return .told
    }
    if flaw == .deniedEffect, isRipe, one.call.isWrite {
      // Its client is told that nothing happened, so there is nothing to record.
      isFlawed = true
      takeEffect(one.call)
      return .told
    }
    busy[place].end = perform(one.call)
    return .goesOn
  }

  private mutating func lose(_ one: Call) {
    if one.end == nil && !chance(30) { stray.append(one.call) }
    if flaw == .secondEffect, !isFlawed, one.end != nil, case .set = one.call {
      isFlawed = true
      stray.append(one.call)
    }
    history.append(ended(one, nil))
  }

  private func ended(
    _ one: Call, _ end: (answer: KeyValueOperation.Answer, sight: Check.Sight)?
  ) -> Check.Witnessed {
    let operation = KeyValueOperation(one.call, end?.answer ?? .unknown)
    return Check.Witnessed(
      TimedOperation(
        client: one.client, operation: operation, invoked: one.invoked,
        returned: end == nil ? nil : time), end?.sight)
  }

  // MARK: The register

  /// Whether the flaw's time has come.
  private var isRipe: Bool { !isFlawed && begun > operations / 4 }

  private mutating func perform(
    _ call: KeyValueOperation.Call
  ) -> (answer: KeyValueOperation.Answer, sight: Check.Sight) {
    if case .get = call, flaw == .staleRead, isRipe,
      let past = older.last(where: { $0.state != state })
    {
      isFlawed = true
      return (
        .value(past.state), Check.Sight(version: past.version, state: past.state, wrote: false)
      )
    }
    let before = (version: version, state: state)
    var (answer, writes) = takeEffect(call)
    if flaw == .doubledIncrement, isRipe, case .increment = call, case .number(let sum) = answer,
      sum < .max
    {
      isFlawed = true
      state = .number(sum + 1)
    }
    if flaw == .blindCompare, isRipe, case .compareAndSet(_, let new) = call, !writes {
      isFlawed = true
      write(new)
      (answer, writes) = (.number(0), true)
    }
    let sight = Check.Sight(version: version, state: state, wrote: writes)
    if flaw == .lostWrite, isRipe, writes, state != before.state {
      isFlawed = true
      (version, state) = before
    }
    return (answer, sight)
  }

  @discardableResult
  private mutating func takeEffect(
    _ call: KeyValueOperation.Call
  ) -> (answer: KeyValueOperation.Answer, writes: Bool) {
    let number: Int64? = if case .number(let found) = state { found } else { nil }
    switch call {
    case .get: return (.value(state), false)
    case .set(let value):
      write(value)
      return (.done, true)
    case .delete:
      if state == nil { return (.number(0), false) }
      write(nil)
      return (.number(1), true)
    case .compareAndSet(let expected, let new):
      guard state == expected else { return (.number(0), false) }
      write(new)
      return (.number(1), true)
    case .increment:
      if state != nil && number == nil || number == .max { return (.refused, false) }
      let sum = (number ?? 0) + 1
      write(.number(sum))
      return (.number(sum), true)
    }
  }

  private mutating func write(_ value: RecordedValue?) {
    older.append((version, state))
    version += 1
    state = value
  }

  // MARK: What is asked

  private mutating func nextCall() -> KeyValueOperation.Call {
    switch random.next() % 10 {
    case 0...3: .get
    case 4, 5: .set(nextValue())
    case 6, 7: .increment
    case 8: .compareAndSet(chance(70) ? state ?? .number(0) : nextValue(), nextValue())
    default: chance(50) ? .delete : .set(nextValue())
    }
  }

  private mutating func nextValue() -> RecordedValue {
    if !chance(uniquePercent) { return .number(Int64(random.next() % 3)) }
    let number = Int64(begun) * 1000
    return chance(20) ? .text(Bytes("t\(number)")) : .number(number)
  }

  private mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

  private mutating func index(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

  // MARK: Flaws of the answers

  private mutating func distort() {
    switch flaw {
    case .swappedReads:
      let reads = history.indices.filter {
        history[$0].timed.operation.call == .get && history[$0].timed.returned != nil
      }
      for (one, other) in zip(reads, reads.dropFirst()) where !isFlawed {
        guard history[one].timed.operation != history[other].timed.operation,
          (history[one].timed.returned ?? .max) < history[other].timed.invoked
        else { continue }
        isFlawed = true
        let answer = history[one]
        history[one].timed.operation = history[other].timed.operation
        history[one].sight = history[other].sight
        history[other].timed.operation = answer.timed.operation
        history[other].sight = answer.sight
      }
    case .foreseenWrite:
      for index in history.indices where !isFlawed {
        guard let sight = history[index].sight, sight.wrote,
          let seen = history.first(where: {
            $0.sight?.version == sight.version && $0.sight?.wrote == false
          }),
          let end = seen.timed.returned
        else { continue }
        isFlawed = true
        history[index].timed.invoked = end + 1
        history[index].timed.returned = max(end + 2, history[index].timed.returned ?? 0)
      }
    case nil, .staleRead, .lostWrite, .doubledIncrement, .blindCompare, .secondEffect,
      .deniedEffect:
      break
    }
  }
}

extension KeyValueOperation.Call {
  /// Whether it may write.
  var isWrite: Bool { self != .get }
}
