/// What one object does when its operations come one after the other: what a history of overlapping
/// operations is judged by.
public protocol SequentialModel: Sendable {
  /// All there is to know of the object.
  associatedtype State: Hashable & Sendable
  /// What was asked and, where it was answered, what came of it.
  associatedtype Operation: Sendable

  /// Before the first operation.
  var initial: State { get }

  /// The state that `operation` leaves, or nil where what came of it contradicts `state`. Where
  /// nothing is known of what came of it, nothing contradicts.
  func after(_ operation: Operation, on state: State) -> State?

  /// Whether two operations do the same to every state. Where many operations have no answer, much
  /// fewer orders of them need be tried. By default: whether they are equal, where that can be told.
  func isSame(_ one: Operation, as other: Operation) -> Bool
}

extension SequentialModel {
  /// It cannot be told.
  @inlinable public func isSame(_ one: Operation, as other: Operation) -> Bool { false }
}

extension SequentialModel where Operation: Equatable {
  /// Whether they are equal.
  @inlinable public func isSame(_ one: Operation, as other: Operation) -> Bool { one == other }
}

/// An operation, and when it was called and answered.
public struct TimedOperation<Operation: Sendable>: Sendable {
  /// Who called it. For people: a client that never learnt what came of a call may go on.
  public var client: Int
  /// What was asked, and what came of it.
  public var operation: Operation
  /// When it was called. Any unit, one clock for the whole history.
  public var invoked: UInt64
  /// When it was answered, not before `invoked`. Nil where it never was: it may take effect at any
  /// moment after its call, or never.
  public var returned: UInt64?

  /// One made of its parts.
  @inlinable
  public init(client: Int, operation: Operation, invoked: UInt64, returned: UInt64?) {
    self.client = client
    self.operation = operation
    self.invoked = invoked
    self.returned = returned
  }
}

extension TimedOperation: Equatable where Operation: Equatable {}
extension TimedOperation: Hashable where Operation: Hashable {}
