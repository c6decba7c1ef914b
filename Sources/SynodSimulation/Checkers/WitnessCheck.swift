/// Judges a history whose answers carry versions: the versions say in which order everything took
/// effect, so that there is nothing to search for, only to verify. Near-linear.
///
/// What it passes is linearizable. What it refuses may have another order that no version admits:
/// a register that gives wrong versions is wrong as well. Where versions are missing, because answers
/// were lost, it may not be able to tell; a search can.
public struct WitnessCheck<Model: SequentialModel, Version: Comparable & Sendable>: Sendable {
  /// An operation with what its answer tells of the object.
  public struct Witnessed: Sendable {
    /// What was asked, what came of it, and when.
    public var timed: TimedOperation<Model.Operation>
    /// What the answer saw, or left where it wrote; nil where there was no answer.
    public var sight: Sight?

    /// One made of its parts.
    @inlinable
    public init(_ timed: TimedOperation<Model.Operation>, _ sight: Sight?) {
      self.timed = timed
      self.sight = sight
    }
  }

  /// A state and its version.
  public struct Sight: Sendable {
    /// The larger the later; equal for the same state only.
    public var version: Version
    /// After the operation.
    public var state: Model.State
    /// Whether the operation made this version.
    public var wrote: Bool

    /// One made of its parts.
    @inlinable
    public init(version: Version, state: Model.State, wrote: Bool) {
      self.version = version
      self.state = state
      self.wrote = wrote
    }
  }

  /// What is wrong. The numbers are places in the history that was given.
  public enum Violation: Hashable, Sendable {
    /// Two answers carry one version, and differ in the state.
    case twoStates(Int, Int)
    /// Two writes have one version.
    case twoWrites(Int, Int)
    /// Nobody wrote what it saw: no unanswered operation can have.
    case nobodyWrote(Int)
    /// What came of it contradicts the state of the version before, or its own.
    case contradiction(Int)
    /// The second was called after the first was answered, and saw an older version, or wrote one
    /// that is not newer.
    case inversion(Int, Int)
  }

  /// What one object does.
  public let model: Model
  /// Of the initial state.
  public let initial: Version

  /// One that judges by `model`; every written version is above `initial`.
  @inlinable
  public init(_ model: Model, initial: Version) {
    self.model = model
    self.initial = initial
  }

  /// What a check came to.
  public enum Result: Hashable, Sendable {
    /// The order of the versions explains every answer.
    case good
    /// Nothing explains an answer.
    case violation(Violation)
    /// Only operations without an answer can explain what this one came to, and it is not obvious
    /// how.
    case doubtful(Int)
  }

  /// Judges the history of one object.
  /// - Parameter history: in any order. No answer may be earlier than its call.
  @inlinable
  public func check(_ history: [Witnessed]) -> Result {
    var chain = VersionChain(history)
    if let violation = chain.gather() ?? inversion(history) { return .violation(violation) }
    return chain.verify(model, initial)
  }

  /// Sweeps through time: at every call, the newest version that was answered before it.
  @inlinable
  func inversion(_ history: [Witnessed]) -> Violation? {
    var calls: [(moment: UInt64, number: Int)] = []
    var returns: [(moment: UInt64, number: Int)] = []
    calls.reserveCapacity(history.count)
    returns.reserveCapacity(history.count)
    for number in history.indices where history[number].sight != nil {
      calls.append((history[number].timed.invoked, number))
      returns.append((history[number].timed.returned ?? .max, number))
    }
    calls.sort { $0.moment < $1.moment }
    returns.sort { $0.moment < $1.moment }
    var newest: (version: Version, number: Int)?
    var next = 0
    for call in calls {
      while next < returns.count, returns[next].moment < call.moment {
        let number = returns[next].number
        if let sight = history[number].sight {
          if newest == nil || newest.map({ $0.version < sight.version }) == true {
            newest = (sight.version, number)
          }
        }
        next += 1
      }
      guard let newest, let sight = history[call.number].sight else { continue }
      let isOlder = sight.version < newest.version
      if isOlder || sight.wrote && !(newest.version < sight.version) {
        return .inversion(newest.number, call.number)
      }
    }
    return nil
  }
}
