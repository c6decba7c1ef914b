/// A ballot: epoch, counter and voter, compared in that order (Rystsov 2018, §2.1, has counter and
/// identity; the epoch is what lets membership change safely).
///
/// One ballot carries one value, ever: it is consumed when its first prepare or accept is emitted.
public struct Ballot: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Drawn by the voter, each once in all lives of its store.
  public var counter: UInt64
  /// The configuration that it belongs to; compared first.
  public var epoch: Epoch
  /// Who drew it; compared last.
  public var voter: VoterID

  /// One made of its parts.
  @inlinable public init(epoch: Epoch, counter: UInt64, voter: VoterID) {
    self.epoch = epoch
    self.counter = counter
    self.voter = voter
  }

  /// Below every real ballot: "never promised", "never accepted".
  @inlinable public static var zero: Ballot { Ballot(epoch: Epoch(0), counter: 0, voter: .none) }

  /// Whether it is below every real ballot.
  @inlinable public var isZero: Bool { self == .zero }

  /// No counter above this is ever drawn or believed, so that arithmetic on counters cannot
  /// overflow, whatever a peer says. At a million ballots a second it lasts for two thousand years.
  @inlinable public static var counterLimit: UInt64 { 1 << 56 }

  #if PlantedBugs
    /// Whether `a` comes before `b`.
    public static func < (a: Ballot, b: Ballot) -> Bool {
      if a.epoch != b.epoch && !PlantedBug.has(.epochlessBallot) { return a.epoch < b.epoch }
      if a.counter != b.counter { return a.counter < b.counter }
      return a.voter < b.voter
    }
  #else
    /// Whether `a` comes before `b`.
    @inlinable public static func < (a: Ballot, b: Ballot) -> Bool {
      if a.epoch != b.epoch { return a.epoch < b.epoch }
      if a.counter != b.counter { return a.counter < b.counter }
      return a.voter < b.voter
    }
  #endif

  /// For people to read.
  public var description: String { isZero ? "-" : "\(epoch).\(counter).\(voter)" }
}

extension Ballot: ByteCodable {
  /// Bytes on the wire and on disk.
  @inlinable public static var encodedSize: Int { 16 }

  /// Appends its binary form.
  @inlinable public func encode(into writer: inout ByteWriter) {
    writer.write(counter)
    writer.write(epoch.rawValue)
    writer.write(voter.rawValue)
  }

  /// Reads its binary form, or says why it cannot.
  @inlinable public init(from reader: inout ByteReader) throws(CodingError) {
    let counter = try reader.read(UInt64.self)
    let epoch = try reader.read(UInt32.self)
    let voter = try reader.read(UInt32.self)
    guard counter <= Ballot.counterLimit else { throw .malformed("ballot counter over its limit") }
    self.init(epoch: Epoch(epoch), counter: counter, voter: VoterID(voter))
  }
}
