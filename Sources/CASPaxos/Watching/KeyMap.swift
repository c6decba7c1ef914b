internal import Synod

/// What is known of many registers, by their keys. Where they are more than a few it is 64 dictionaries,
/// of which one at a time grows, is walked or is let go of: to do that with all of a hundred thousand
/// registers would stop the loop for long.
struct KeyMap<Value: Hashable & Sendable>: Hashable, Sendable {
  /// One, or as many as it is cut into.
  private var parts: [[Bytes: Value]] = [[:]]
  private(set) var count = 0

  private static var most: Int { 64 }
  /// It is cut when it has more keys than this.
  private static var few: Int { 512 }

  /// How many dictionaries there are.
  var partCount: Int { parts.count }

  private func place(_ key: Bytes) -> Int {
    // The same in every process: which of them come first can be seen.
    parts.count == 1 ? 0 : Int(truncatingIfNeeded: partHash.hash(key)) & (Self.most - 1)
  }

  subscript(key: Bytes) -> Value? {
    get { parts[place(key)][key] }
    _modify {
      let place = place(key)
      let before = parts[place].count
      defer {
        count += parts[place].count - before
        if count > Self.few && parts.count == 1 { cut() }
      }
      yield &parts[place][key]
    }
  }

  /// The key as it is kept here, which costs no copy; nil where it is not there.
  func own(_ key: Bytes) -> Bytes? {
    let place = place(key)
    return parts[place].index(forKey: key).map { parts[place][$0].key }
  }

  private mutating func cut() {
    let whole = parts[0]
    parts = Array(repeating: [:], count: Self.most)
    for (key, value) in whole { parts[place(key)][key] = value }
  }

  /// The keys in one of the dictionaries of which this holds, and how many it has in all.
  func keys(inPart place: Int, where holds: (Value) -> Bool) -> (keys: [Bytes], looks: Int) {
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
    return part
  }

  static func == (a: KeyMap, b: KeyMap) -> Bool {
    if a.parts.count == b.parts.count { return a.parts == b.parts }
    return a.count == b.count
      && a.parts.allSatisfy { $0.allSatisfy { key, value in b[key] == value } }
  }

  func hash(into hasher: inout Hasher) { hasher.combine(count) }
}

private let partHash = SipHash(key: (0x6b65_7973, 0x7061_7274))
