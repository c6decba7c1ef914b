public import Synod

/// A function from a register's state to its next one, as a value (Rystsov 2018, §2.2; Kshaka's
/// change functions).
///
/// Only the proposer runs it, so it never crosses the wire, and it need not be deterministic. It may
/// run several times for one proposal, each time on a state that no longer includes its earlier
/// effect, so it must be free of side effects, total, and quick.
///
/// There are ready-made ones: `Decide` (a register that is written once), `SetValue`, `PutIfAbsent`,
/// `CompareAndSet`, `Increment`, `Append`, `Delete`, and `Then`, which makes one of two. A machine
/// takes changes of one type: where different ones are needed, an enum that hands over to them, or
/// `ClosureChange`.
public protocol Change<Output, Rejection>: Sendable {
  /// What a client is told when the change was applied.
  associatedtype Output: Sendable
  /// Why the change may refuse.
  associatedtype Rejection: Sendable

  /// Decides what becomes of the register.
  func apply(to current: Register) -> Decision<Output, Rejection>

  /// Whether it never writes. A hint: such changes take the one-round-trip read.
  var isReadOnly: Bool { get }

  /// What is kept of an output with the register, so that a retry can be told it (`Once`); nil where
  /// that cannot be. The shorter, the better; up to `RegisterState.Session.maxResult` bytes. It may
  /// also say which change it was: a client that gives two of them one number is then told so.
  func remember(_ output: Output) -> Bytes?
  /// The output that was kept as these bytes; nil where they are not of a change like this.
  func recall(_ result: Bytes) -> Output?
}

extension Change {
  /// Changes write unless they say otherwise.
  public var isReadOnly: Bool { false }

  /// Changes cannot be asked for once unless they say how to keep what they told.
  public func remember(_ output: Output) -> Bytes? { nil }
  /// As `remember`.
  public func recall(_ result: Bytes) -> Output? { nil }
}

/// What a change makes of a register.
public enum Decision<Output: Sendable, Rejection: Sendable>: Sendable {
  /// Give it this value (nil deletes it) and tell the client this.
  case write(Bytes?, Output)
  /// Leave it as it is and tell the client this.
  case keep(Output)
  /// Refuse: nothing happens, and the client is told why, once the state that the change saw is
  /// settled.
  case reject(Rejection)

  /// The same in other words.
  @inlinable public func map<O: Sendable, R: Sendable>(
    output: (Output) -> O, rejection: (Rejection) -> R
  ) -> Decision<O, R> {
    switch self {
    case .write(let value, let told): .write(value, output(told))
    case .keep(let told): .keep(output(told))
    case .reject(let why): .reject(rejection(why))
    }
  }
}

extension Decision: Equatable where Output: Equatable, Rejection: Equatable {}
extension Decision: Hashable where Output: Hashable, Rejection: Hashable {}

/// The state of a register as a change and a client see it. A register that was never written and
/// one that was deleted have no value, both.
public struct Register: Hashable, Sendable {
  /// Nil where there is none.
  public var value: Bytes?
  /// Of the last change that wrote; rises with every write and never starts anew after a deletion.
  /// Zero where there is no value: whether there was one before is not to be seen. (The deletion
  /// itself is told its version, and so are watches.)
  public var version: Version

  /// One made of its parts.
  @inlinable public init(value: Bytes? = nil, version: Version = .zero) {
    self.value = value
    self.version = version
  }
}

/// Names one write of one register: the ballot that carried it, and its place among the changes
/// that were folded into that ballot's round. Two states of a register never share a version.
public struct Version: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Of the round that wrote.
  public var ballot: Ballot
  /// Its place among the changes that wrote in that round, from 1.
  public var step: UInt32

  /// One made of its parts.
  @inlinable public init(ballot: Ballot, step: UInt32) {
    self.ballot = ballot
    self.step = step
  }

  /// Of a register that was never written.
  @inlinable public static var zero: Version { Version(ballot: .zero, step: 0) }

  /// Whether `a` comes before `b`.
  @inlinable public static func < (a: Version, b: Version) -> Bool {
    a.ballot != b.ballot ? a.ballot < b.ballot : a.step < b.step
  }

  /// For people to read.
  public var description: String { ballot.isZero ? "-" : "\(ballot)+\(step)" }
}
