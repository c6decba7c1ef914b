/// Looks for one order of a history's operations that explains all that was answered: each operation
/// takes effect at one moment between its call and its answer.
///
/// Depth first, as Wing and Gong (1993) do it, and never twice through the same set of operations and
/// the same state (Lowe 2017). An operation without an answer is tried last and need not be placed.
public struct LinearizabilitySearch<Model: SequentialModel>: Sendable {
  /// An operation of the history.
  public typealias Timed = TimedOperation<Model.Operation>

  /// What one object does.
  public let model: Model
  /// Steps that the search of one history may take: placements that are tried.
  public let budget: Int

  /// One that judges by `model`.
  @inlinable
  public init(_ model: Model, budget: Int = 1_000_000) {
    self.model = model
    self.budget = budget
  }

  /// What a search came to.
  public enum Result: Sendable {
    /// There is such an order.
    case good
    /// There is none.
    case violation(Violation)
    /// The budget ran out before either was found. Never a pass.
    case unknown
  }

  /// The shortest part of a history that has no order, for people.
  public struct Violation: Sendable {
    /// In which states the object may have been before it. Never empty.
    public var states: [Model.State]
    /// Answered operations, by the moment of their call; the answer of the last one to be answered
    /// is what nothing explains.
    public var operations: [Timed]
    /// Operations that may or may not have taken effect by then, by the moment of their call.
    public var open: [Timed]

    /// One made of its parts.
    @inlinable
    public init(states: [Model.State], operations: [Timed], open: [Timed]) {
      self.states = states
      self.operations = operations
      self.open = open
    }
  }

  /// Judges the history of one object.
  /// - Parameter history: in any order. No answer may be earlier than its call.
  @inlinable
  public func check(_ history: [Timed]) -> Result {
    var walk = OrderWalk(model, history)
    switch walk.run(budget: budget) {
    case .found: return .good
    case .outOfBudget: return .unknown
    case .none: return .violation(shortestViolation(in: history))
    }
  }
}
