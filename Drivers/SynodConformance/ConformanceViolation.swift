/// What a storage or a transport did that it must not do.
public struct ConformanceViolation: Error, Hashable, Sendable, CustomStringConvertible {
  /// The rule, and what was seen instead.
  public let description: String

  /// - Parameter description: the rule, and what was seen instead.
  public init(_ description: String) { self.description = description }
}

/// Throws where a rule does not hold.
func demand(_ holds: Bool, _ rule: @autoclosure () -> String) throws(ConformanceViolation) {
  if !holds { throw ConformanceViolation(rule()) }
}
