import KeyValue
import Synod

/// What a state should do, in the plainest way: dictionaries, and nothing kept up to date.
struct NaiveStore {
  struct Value: Equatable {
    var value: [UInt8]
    var version: UInt64
  }

  struct Kept: Equatable {
    var client: Identity128
    var sequence: UInt64
    var change: KeyValueChange
    var reply: KeyValueReply
  }

  struct Left: Equatable {
    var client: Identity128
    var sequence: UInt64
  }

  var keys: [Bytes: Value] = [:]
  var leases: [Bytes: Lease] = [:]
  var kept: [Bytes: [Kept]] = [:]
  var left: [Bytes: [Left]] = [:]
  var lost: Set<Bytes> = []
  var limits = KeyValueLimits()

  mutating func apply(_ command: KeyValueCommand, stamp: UInt64) -> KeyValueOutcome {
    switch command {
    case .one(let step): return .one(run(step, stamp))
    case .several(let steps, let guards):
      for one in guards where (keys[one.key]?.version ?? 0) != one.version { return .guardFailed }
      return .several(steps.map { run($0, stamp) })
    }
  }

  private mutating func run(_ step: KeyValueStep, _ stamp: UInt64) -> KeyValueReply {
    switch step {
    case .change(let change, let key): return change_(change, key, stamp)
    case .once(let change, let key, let once): return make(change, key, once, stamp)
    case .forget(let client, let sequence, let key):
      leave(key, client, sequence)
      return reply(key)
    case .get(let names): return .array(names.map { reply($0) })
    case .count(let names): return .integer(Int64(names.filter { keys[$0] != nil }.count))
    case .delete(let names):
      return .integer(Int64(names.filter { keys.removeValue(forKey: $0) != nil }.count))
    case .set(let pairs):
      for pair in pairs { keys[pair.key] = Value(value: pair.value.array, version: stamp) }
      return .ok
    case .setIfAllMissing(let pairs):
      if pairs.contains(where: { keys[$0.key] != nil }) { return .integer(0) }
      for pair in pairs { keys[pair.key] = Value(value: pair.value.array, version: stamp) }
      return .integer(1)
    case .versions(let names):
      return .array(names.map { .integer(Int64(keys[$0]?.version ?? 0)) })
    case .size: return .integer(Int64(keys.count))
    case .deleteAll:
      keys = [:]
      return .ok
    case .lease(let step): return run(step, stamp)
    case .configure(let limits, _):
      self.limits = limits
      return .ok
    case .list, .letGo: return .null
    }
  }

  private func reply(_ key: Bytes) -> KeyValueReply {
    KeyValueReply(keys[key].map { Bytes($0.value) })
  }

  private mutating func write(_ key: Bytes, _ text: [UInt8], _ stamp: UInt64) {
    keys[key] = Value(value: text, version: stamp)
  }

  private mutating func change_(
    _ change: KeyValueChange, _ key: Bytes, _ stamp: UInt64
  ) -> KeyValueReply {
    let old = keys[key]?.value
    let value = change.value?.array ?? []
    switch change.kind {
    case .get: return reply(key)
    case .exists: return .integer(old == nil ? 0 : 1)
    case .length: return .integer(Int64(old?.count ?? 0))
    case .delete: return .integer(keys.removeValue(forKey: key) == nil ? 0 : 1)
    case .getAndDelete:
      let told = reply(key)
      keys[key] = nil
      return told
    case .set:
      let told: KeyValueReply = change.options.contains(.givesOldValue) ? reply(key) : .ok
      let isRefused =
        change.options.contains(.ifMissing) && old != nil
        || change.options.contains(.ifPresent) && old == nil
      if isRefused { return change.options.contains(.givesOldValue) ? told : .null }
      write(key, value, stamp)
      return told
    case .setIfMissing:
      if old != nil { return .integer(0) }
      write(key, value, stamp)
      return .integer(1)
    case .append:
      write(key, (old ?? []) + value, stamp)
      return .integer(Int64((old ?? []).count + value.count))
    case .add:
      let text = String(decoding: old ?? Array("0".utf8), as: UTF8.self)
      guard let number = Int64(text), String(number) == text else { return .refused(.notAnInteger) }
      let (sum, isOver) = number.addingReportingOverflow(change.delta)
      if isOver { return .refused(.overflow) }
      write(key, Array(String(sum).utf8), stamp)
      return .integer(sum)
    case .compareAndSet:
      guard let old, old == change.expected?.array else { return .integer(0) }
      write(key, value, stamp)
      return .integer(1)
    }
  }

  private mutating func make(
    _ change: KeyValueChange, _ key: Bytes, _ once: Once, _ stamp: UInt64
  ) -> KeyValueReply {
    if let known = kept[key, default: []].first(where: { $0.client == once.client }) {
      if known.sequence > once.sequence { return .refused(.forgotten) }
      if known.sequence == once.sequence {
        return known.change == change ? known.reply : .refused(.forgotten)
      }
    } else if left[key, default: []].contains(where: {
      $0.client == once.client && once.sequence <= $0.sequence
    }) {
      return .refused(.forgotten)
    } else if once.isRetry && lost.contains(key) {
      return .refused(.forgotten)
    }
    let before = keys[key]
    let told = change_(change, key, stamp)
    guard keys[key] != before || once.isRetry && !change.isReadOnly else { return told }
    kept[key, default: []].removeAll { $0.client == once.client }
    left[key, default: []].removeAll { $0.client == once.client }
    if kept[key, default: []].count + left[key, default: []].count == limits.maxSessions {
      if left[key, default: []].isEmpty {
        kept[key]?.removeFirst()
        lost.insert(key)
      } else {
        left[key]?.removeFirst()
      }
    }
    kept[key, default: []].append(
      Kept(client: once.client, sequence: once.sequence, change: change, reply: told))
    return told
  }

  private mutating func leave(_ key: Bytes, _ client: Identity128, _ sequence: UInt64) {
    let known =
      kept[key, default: []].filter { $0.client == client }.map(\.sequence)
      + left[key, default: []].filter { $0.client == client }.map(\.sequence)
    if known.contains(where: { $0 > sequence }) { return }
    kept[key]?.removeAll { $0.client == client }
    left[key, default: []].removeAll { $0.client == client }
    let count = kept[key, default: []].count + left[key, default: []].count
    if count >= limits.maxSessions || left[key, default: []].count == 8 {
      if left[key, default: []].isEmpty { return }
      left[key]?.removeFirst()
    }
    left[key]?.append(Left(client: client, sequence: sequence))
  }

  private mutating func run(_ step: LeaseStep, _ stamp: UInt64) -> KeyValueReply {
    switch step {
    case .take(let name, let holder, let time):
      let token: UInt64
      if let held = leases[name] {
        if held.holder != holder { return .null }
        token = held.token
      } else {
        token = stamp
      }
      leases[name] = Lease(holder: holder, token: token, renewal: stamp, time: time)
      return .integer(Int64(token))
    case .refresh(let name, let holder, let token, let time):
      guard let held = leases[name], held.holder == holder, held.token == token else {
        return .integer(0)
      }
      leases[name] = Lease(holder: holder, token: token, renewal: stamp, time: time)
      return .integer(1)
    case .release(let name, let holder, let token):
      guard let held = leases[name], held.holder == holder, held.token == token else {
        return .integer(0)
      }
      leases[name] = nil
      return .integer(1)
    case .expire(let name, let renewal):
      guard leases[name]?.renewal == renewal else { return .integer(0) }
      leases[name] = nil
      return .integer(1)
    case .get(let name):
      guard let held = leases[name] else { return .null }
      return .array([
        .value(held.holder), .integer(Int64(held.token)), .integer(Int64(held.time)),
      ])
    }
  }
}
