import KeyValue
import Synod

/// Commands drawn from a seed, on few names, so that they meet.
struct RandomCommands {
  var random: SplitMix
  var names: Int
  /// Versions and tokens that were seen, to be named again.
  var seen: [UInt64] = [0]
  private var sequences: [UInt64: UInt64] = [:]

  init(seed: UInt64, names: Int = 12) {
    random = SplitMix(seed: seed)
    self.names = names
  }

  mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

  mutating func name() -> Bytes { Bytes("n\(below(names))") }

  mutating func value() -> Bytes {
    switch below(4) {
    case 0: Bytes("\(below(100))")
    case 1: Bytes("\(Int64.max - Int64(below(3)))")
    case 2: Bytes()
    default: Bytes("text \(below(5))")
    }
  }

  mutating func several<T>(_ one: (inout Self) -> T) -> [T] {
    (0..<(1 + below(4))).map { _ in one(&self) }
  }

  mutating func change() -> KeyValueChange {
    switch below(12) {
    case 0: .get
    case 1: .exists
    case 2: .length
    case 3: .delete
    case 4: .getAndDelete
    case 5: .set(value())
    case 6: .set(value(), [.ifMissing, .givesOldValue])
    case 7: .set(value(), .ifPresent)
    case 8: .setIfMissing(value())
    case 9: .append(value())
    case 10: .add(Int64(below(7)) - 3)
    default: .compareAndSet(value(), value())
    }
  }

  mutating func once() -> Once {
    let client = UInt64(below(5))
    let last = sequences[client, default: 1]
    let sequence = below(3) == 0 ? last : last + 1
    sequences[client] = sequence
    return Once(Identity128(high: 9, low: client), sequence, isRetry: below(2) == 0)
  }

  mutating func lease() -> LeaseStep {
    let holder = Bytes("h\(below(3))")
    let number = seen[below(seen.count)]
    let time = UInt64(1 + below(1000))
    switch below(6) {
    case 0, 1: return .take(name: name(), holder: holder, milliseconds: time)
    case 2: return .refresh(name: name(), holder: holder, token: number, milliseconds: time)
    case 3: return .release(name: name(), holder: holder, token: number)
    case 4: return .expire(name: name(), renewal: number)
    default: return .get(name: name())
    }
  }

  mutating func step() -> KeyValueStep {
    switch below(26) {
    case 0: .get(several { $0.name() })
    case 1: .count(several { $0.name() })
    case 2: .delete(several { $0.name() })
    case 3: .set(several { KeyValuePair($0.name(), $0.value()) })
    case 4: .setIfAllMissing(several { KeyValuePair($0.name(), $0.value()) })
    case 5: .versions(several { $0.name() })
    case 6: .size
    case 7: below(20) == 0 ? .deleteAll : .size
    case 8:
      .forget(Identity128(high: 9, low: UInt64(below(5))), through: UInt64(below(9)), of: name())
    case 9, 10, 11: .once(change(), of: name(), once())
    case 12, 13, 14, 15: .lease(lease())
    default: .change(change(), of: name())
    }
  }

  mutating func command() -> KeyValueCommand {
    guard below(5) == 0 else { return .one(step()) }
    let guards = below(2) == 0 ? [] : several { KeyValueGuard($0.name(), version: $0.aVersion()) }
    return .several(several { $0.step() }, guards: guards)
  }

  private mutating func aVersion() -> UInt64 { seen[below(seen.count)] }

  /// Remembers the numbers that a reply told of.
  mutating func note(_ outcome: KeyValueOutcome, stamp: UInt64) {
    if below(3) == 0 { seen.append(stamp) }
    if seen.count > 20 { seen.remove(at: below(seen.count)) }
  }
}
