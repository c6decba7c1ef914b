/// A small world, all of whose runs can be walked: states, and the moves that lead from one to the
/// next.
///
/// A state is a value that says all that can influence what comes. Two states that are equal have the
/// same future; two that have the same future need not be equal, but the fewer differ the more is
/// reached.
public protocol ExplorableWorld {
  associatedtype State: Hashable

  /// Where every run begins.
  var start: State { get }

  /// Appends the states that one move leads to: always the same, in the same order. A move that
  /// changes nothing may be left out.
  mutating func successors(of state: State, into found: inout [State])

  /// A digest of all of the state. Equal for equal states, in every process.
  func fingerprint(of state: State) -> Fingerprint

  /// What is wrong with the state, for people; nil where nothing is.
  func violation(of state: State) -> String?

  /// The move that leads to the successor in this place, in words.
  mutating func describe(move place: Int, from state: State) -> String

  /// Bytes that the world itself holds, about.
  var bytes: Int { get }

  /// What was seen on the way and is worth telling: so that a world which proves nothing is noticed.
  var sights: [String] { get }
}

/// 128 bits that stand for a state.
public struct Fingerprint: Hashable, Sendable {
  /// The first 64 bits.
  public var high: UInt64
  /// The last 64 bits.
  public var low: UInt64

  /// Of nothing.
  @inlinable public init() {
    high = 0x243f_6a88_85a3_08d3
    low = 0x1319_8a2e_0370_7344
  }

  /// Adds a number: two multiplications to twice the width whose halves are folded, with keys of
  /// their own (the digits of pi and of e).
  @inlinable public mutating func add(_ number: UInt64) {
    let a = (high ^ number).multipliedFullWidth(by: 0xa409_3822_299f_31d1)
    let b = (low ^ number).multipliedFullWidth(by: 0xadf8_5458_a2bb_4a9b)
    high = (a.high ^ a.low) &+ 0x082e_fa98_ec4e_6c89
    low = (b.high ^ b.low) &+ (high << 32 | high >> 32)
  }
}
