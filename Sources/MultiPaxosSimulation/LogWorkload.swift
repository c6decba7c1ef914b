public import Synod

/// What the clients of a simulated log ask for. A user tries a state of their own by giving one.
public protocol LogWorkload: Sendable {
  /// The state that the log replicates.
  associatedtype App: ReplicatedState where App.Answer: Hashable & Sendable, App.Event: Hashable

  /// Draws what a run leaves open.
  init(random: inout SplitMix)

  /// The next command. No two are equal, so that each can be told from all others in the log.
  /// - Parameters:
  ///   - number: counts the operations of the run, from 1.
  ///   - random: what may be drawn from: nothing else, or a run could not be repeated.
  mutating func command(number: UInt64, random: inout SplitMix) -> App.Command

  /// The next query.
  mutating func query(random: inout SplitMix) -> App.Query

  /// What is asked when the faults are over, so that the end of every history is seen.
  var closing: [App.Query] { get }
}
