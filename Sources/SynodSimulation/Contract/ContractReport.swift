/// How much a check of the contract looked at, so that a test can tell that it looked at something.
public struct ContractReport: Hashable, Sendable {
  /// Things that happened.
  public var steps = 0
  /// Readies that were taken.
  public var readies = 0
  /// Messages that were let out.
  public var messages = 0
  /// Proposals that ended.
  public var completions = 0
  /// Batches that were issued.
  public var batches = 0
  /// Acknowledgements that were given.
  public var acknowledgements = 0
  /// Most batches of one machine that were in flight together.
  public var mostInFlight = 0
  /// Machines that were made anew from their stores.
  public var crashes = 0
  /// Those of them that were made by way of a checkpoint.
  public var checkpoints = 0
  /// Copies of the run that went another way.
  public var forks = 0
  /// Of all that was let out, in order.
  public var hash = RunHash()

  /// Nothing looked at yet.
  public init() {}

  /// Adds what a fork did.
  mutating func add(fork: ContractReport, since start: ContractReport) {
    forks += 1 + fork.forks - start.forks
    steps += fork.steps - start.steps
    readies += fork.readies - start.readies
    messages += fork.messages - start.messages
    completions += fork.completions - start.completions
    batches += fork.batches - start.batches
    acknowledgements += fork.acknowledgements - start.acknowledgements
    mostInFlight = max(mostInFlight, fork.mostInFlight)
    crashes += fork.crashes - start.crashes
    checkpoints += fork.checkpoints - start.checkpoints
  }
}

/// A property of the contract that a machine does not have.
public struct ContractViolation: Error, Hashable, Sendable, CustomStringConvertible {
  /// The five properties of `ConsensusMachine`.
  public enum Property: String, Sendable {
    case orderFree = "order-free"
    case pipelined
    case lossTolerant = "loss-tolerant"
    case crashTolerant = "crash-tolerant"
    case value = "a value"
  }

  /// The property.
  public var property: Property
  /// The seed that shows it.
  public var seed: UInt64
  /// Steps into the run, or into the fork.
  public var step: Int
  /// What was seen.
  public var what: String

  /// One line.
  public var description: String {
    "not \(property.rawValue) (seed \(seed), step \(step)): \(what)"
  }
}
