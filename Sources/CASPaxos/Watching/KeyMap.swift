internal import Synod

/// What is known of many registers, by their keys. It is 64 dictionaries, of which one at a time grows,
/// is walked or is let go of: to do that with all of a hundred thousand registers would stop the loop
/// for long.
struct KeyMap<Value: Hashable & Sendable>: Hashable, Sendable {
  /// None where nothing is known, else all of them.
  private var parts: [[Bytes: Value]] = []
  private(set) var count = 0

  static var partCount: Int { 64 }

  /// The same in every process: which of them come first can be seen.
  private func place(_ key: Bytes) -> Int {
    Int(truncatingIfNeeded: partHash.hash(key)) & (Self.partCount - 1)
  }

  subscript(key: Bytes) -> Value? {
    get { parts.isEmpty ? nil : parts[place(key)][key] }
    _modify {
      if parts.isEmpty { parts = Array(repeating: [:], count: Self.partCount) }
      let place = place(key)
      let before = parts[place].count
      defer {
        count += parts[place].count - before
        if count == 0 { parts = [] }
      }
      yield &parts[place][key]
    }
  }

  /// The keys in one of the dictionaries of which this holds, and how many it has in all.
  func keys(inPart place: Int, where holds: (Value) -> Bool) -> (keys: [Bytes], looks: Int) {
    if parts.isEmpty { return ([], 0) }
    var keys: [Bytes] = []
    for (key, value) in parts[place] where holds(value) { keys.append(key) }
    keys.sort { $0.precedes($1) }
    return (keys, parts[place].count)
  }

  /// Takes one of the dictionaries that are not empty out.
  mutating func takePart() -> [Bytes: Value]? {
    guard let place = parts.lastIndex(where: { !$0.isEmpty }) else { return nil }
    let part = parts[place]
    parts[place] = [:]
    count -= part.count
    if count == 0 { parts = [] }
    return part
  }
}

private let partHash = SipHash(key: (0x6b65_7973, 0x7061_7274))
