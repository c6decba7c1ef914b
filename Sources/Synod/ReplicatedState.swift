/// A state that every node of a cluster holds, and that only agreed commands change.
///
/// **Deterministic by contract**: the same commands in the same order give the same state, outcomes
/// and events on every node and platform. `apply` reads no clock, draws no randomness, iterates no
/// standard dictionary or set where their order shows, and depends on nothing but the state, the
/// command and the context.
///
/// **A copy is a snapshot**: nodes take checkpoints from frozen copies while the original goes on. So
/// a state is made of parts that are copied when they are written (shards): a copy costs as much as
/// there are shards, the first write after it clones one shard only. With one large dictionary the
/// first write clones all of it.
///
/// `init()` is the state before any command.
public protocol ReplicatedState: Sendable {
  /// What changes it. Commands that a node could not decode are applied nowhere. Byte strings in a
  /// decoded command may share the memory of a whole message: what the state keeps for long is
  /// `compacted()` first.
  associatedtype Command: ByteCodable & Hashable & Sendable
  /// What whoever proposed a command is told; kept for clients that ask for their commands to be
  /// applied once, so it has a binary form.
  associatedtype Outcome: ByteCodable & Hashable & Sendable
  /// What every node is told of a command that was applied; `Never` for nothing.
  associatedtype Event: Sendable
  /// What a client asks without changing anything.
  associatedtype Query: Sendable
  /// What it is told.
  associatedtype Answer: Sendable
  /// How far a snapshot has come.
  associatedtype Cursor: Sendable

  /// The state before any command.
  init()

  /// Applies an agreed command.
  mutating func apply(
    _ command: Command, at context: ApplyContext
  ) -> (outcome: Outcome, event: Event?)

  /// Answers from the state at hand.
  func answer(_ query: Query) -> Answer

  /// Gives the next pieces of a snapshot. It is called on a frozen copy until it returns nil; the
  /// pieces, restored in order into `init()`, make an equal state.
  /// - Parameters:
  ///   - cursor: where the last call ended; nil for the first.
  ///   - limit: about how many bytes to give in this call. No piece may be much longer.
  ///   - pieces: where they are added.
  /// - Returns: where to go on; nil after the last piece.
  func snapshot(after cursor: Cursor?, limit: Int, into pieces: inout [Bytes]) -> Cursor?

  /// Lets go of what a snapshot has come past, in the frozen copy that it is taken of, which is asked
  /// for the pieces behind `cursor` only: what the original has rewritten meanwhile is given back little
  /// by little, and not all at once with the copy. To do nothing is right, too.
  mutating func release(before cursor: Cursor)

  /// Takes one piece of a snapshot; all of them, in order, into a fresh state.
  /// - Throws: where it is not a piece of this state's; the state is then thrown away.
  mutating func restore(_ piece: Bytes) throws(RestoreError)

  /// A hash of the whole state, the same on every node that applied the same: kept up to date by
  /// every change (the sum of the parts' hashes, say), since it is asked for often.
  var digest: UInt64 { get }
}

extension ReplicatedState {
  /// Does nothing.
  public mutating func release(before cursor: Cursor) {}
}

/// Where an agreed command stands.
public struct ApplyContext: Hashable, Sendable {
  /// Rises from each command to the next that it could interfere with, the same on every node: the
  /// slot of a log. It serves as a version and as a fencing token.
  public var position: UInt64

  /// One made of its parts.
  @inlinable public init(position: UInt64) { self.position = position }
}
