/// Something that a storage or a transport must hold to, and did not.
public struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
  /// What must hold.
  public let rule: String
  /// What was seen instead.
  public let seen: String

  /// - Parameters:
  ///   - rule: what must hold, as a sentence.
  ///   - seen: what was seen instead.
  public init(_ rule: String, seen: String) {
    self.rule = rule
    self.seen = seen
  }

  /// Both, for people.
  public var description: String { "must hold: \(rule); seen: \(seen)" }
}
