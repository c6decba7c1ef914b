public import Synod

/// What a command touches, and how: two commands whose spans do not interfere may be taken in any order,
/// to the same end and with the same replies.
public struct KeyValueSpan: Hashable, Sendable {
  /// One thing that is touched.
  public struct Element: Hashable, Sendable {
    /// What it is a name in.
    public var space: Space
    /// A key, or the name of a lease.
    public var name: Bytes
    /// Whether it may be written; else it is read.
    public var isWrite: Bool
  }

  /// Keys and leases have names of their own.
  public enum Space: UInt8, Sendable { case key, lease }

  /// What all keys together are to a command.
  public enum Whole: UInt8, Comparable, Sendable {
    case untouched, read, written

    /// Whether `a` is less than `b`.
    public static func < (a: Whole, b: Whole) -> Bool { a.rawValue < b.rawValue }
  }

  /// In the order of the command; a name may come several times.
  public private(set) var elements: [Element] = []
  /// What it does to all keys, whatever their names.
  public private(set) var keys = Whole.untouched

  /// The span of a command.
  public init(_ command: KeyValueCommand) {
    switch command {
    case .one(let step): add(step)
    case .several(let steps, let guards):
      for one in guards { add(one.key, isWrite: false) }
      for step in steps { add(step) }
    }
  }

  /// Whether it writes anything.
  public var isWrite: Bool { keys == .written || elements.contains(where: \.isWrite) }

  /// Whether the order of two commands matters: both touch one thing, and one of them writes it.
  public func interferes(with other: KeyValueSpan) -> Bool {
    if Self.interferes(keys, other) || Self.interferes(other.keys, self) { return true }
    if max(keys, other.keys) == .written && min(keys, other.keys) != .untouched { return true }
    return elements.contains { mine in
      other.elements.contains {
        mine.space == $0.space && mine.name == $0.name && (mine.isWrite || $0.isWrite)
      }
    }
  }

  private static func interferes(_ keys: Whole, _ other: KeyValueSpan) -> Bool {
    switch keys {
    case .untouched: false
    case .read: other.elements.contains { $0.space == .key && $0.isWrite }
    case .written: other.elements.contains { $0.space == .key }
    }
  }

  private mutating func add(_ name: Bytes, in space: Space = .key, isWrite: Bool) {
    elements.append(Element(space: space, name: name, isWrite: isWrite))
  }

  private mutating func add(_ step: KeyValueStep) {
    switch step {
    case .change(let change, let key): add(key, isWrite: !change.isReadOnly)
    case .once(let change, let key, _): add(key, isWrite: !change.isReadOnly)
    case .forget(_, _, let key): add(key, isWrite: true)
    case .get(let keys), .count(let keys), .versions(let keys):
      for key in keys { add(key, isWrite: false) }
    case .delete(let keys): for key in keys { add(key, isWrite: true) }
    case .set(let pairs), .setIfAllMissing(let pairs):
      for pair in pairs { add(pair.key, isWrite: true) }
    case .size, .list: keys = max(keys, .read)
    case .deleteAll: keys = .written
    case .configure:
      keys = .written
    case .lease(let step): add(step.name, in: .lease, isWrite: !step.isReadOnly)
    }
  }
}
