public import Synod

/// A function from a register's state to its next one, as a value (Rystsov 2018, §2.2; Kshaka's
/// change functions).
///
/// Only the proposer runs it, so it never crosses the wire, and it need not be deterministic. It may
/// run several times for one proposal, each time on a state that no longer includes its earlier
/// effect, so it must be free of side effects, total, and quick.
public protocol Change: Sendable {
  /// What a client is told when the change was applied.
  associatedtype Output: Sendable
  /// Why the change may refuse.
  associatedtype Rejection: Sendable

  /// Decides what becomes of the register.
  func apply(to current: Register) -> Decision<Output, Rejection>

  /// Whether it never writes. A hint: such changes take the one-round-trip read.
  var isReadOnly: Bool { get }
}

extension Change {
  /// Changes write unless they say otherwise.
  public var isReadOnly: Bool { false }
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
}

/// The state of a register as a change and a client see it. A register that was never written and
/// one that was deleted have no value, both.
public struct Register: Hashable, Sendable {
  /// Nil where there is none.
  public var value: Bytes?
  /// Of the last change that wrote; rises with every write and never starts anew after a deletion.
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

/// A change given as a closure, as in Kshaka: `propose(key) { current in … }`.
public struct ClosureChange<Output: Sendable, Rejection: Sendable>: Change {
  /// What it does.
  public let body: @Sendable (Register) -> Decision<Output, Rejection>

  /// One made of its parts.
  public init(_ body: @escaping @Sendable (Register) -> Decision<Output, Rejection>) {
    self.body = body
  }

  /// Runs the closure.
  public func apply(to current: Register) -> Decision<Output, Rejection> { body(current) }
}
