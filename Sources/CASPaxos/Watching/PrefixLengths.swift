internal import Synod

/// Which lengths a set of prefixes has: to find those that a key begins with, it is cut to each of
/// them, however many prefixes there are.
struct PrefixLengths: Hashable, Sendable {
  private struct Length: Hashable {
    let bytes: Int
    var prefixes: Int
  }

  /// In ascending order.
  private var lengths: [Length] = []

  mutating func add(_ prefix: Bytes) {
    let place = lengths.firstIndex { $0.bytes >= prefix.count } ?? lengths.count
    if place == lengths.count || lengths[place].bytes != prefix.count {
      lengths.insert(Length(bytes: prefix.count, prefixes: 0), at: place)
    }
    lengths[place].prefixes += 1
  }

  mutating func remove(_ prefix: Bytes) {
    guard let place = lengths.firstIndex(where: { $0.bytes == prefix.count }) else { return }
    lengths[place].prefixes -= 1
    if lengths[place].prefixes == 0 { lengths.remove(at: place) }
  }

  /// How many prefixes there are.
  var count: Int { lengths.reduce(0) { $0 + $1.prefixes } }

  /// The subjects that cover the key, if they are watched: shorter ones first. Reserved keys are in no
  /// prefix.
  func subjects(covering key: Bytes, _ body: (WatchSubject) -> Void) {
    if lengths.isEmpty || key.isReserved { return }
    for length in lengths {
      if length.bytes > key.count { return }
      body(WatchSubject(key: key[0..<length.bytes], isPrefix: true))
    }
  }
}
