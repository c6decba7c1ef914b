public import Synod

/// How far a node has come with an instance.
public enum Phase: UInt8, Hashable, Comparable, Sendable {
  case initial = 0
  case preaccepted = 1
  case accepted = 2
  /// For good (rule 13).
  case committed = 3

  /// Whether `a` comes before `b`.
  public static func < (a: Phase, b: Phase) -> Bool { a.rawValue < b.rawValue }
}

/// What a node holds of an instance (rule 4).
///
/// Two ballots: what is promised, and at what ballot the value that is held was accepted. With one
/// field for both, a promise would lend an old value a new rank, and recovery choose it over a newer
/// one (Sutra 2019).
public struct Instance: Hashable, Sendable {
  /// How far it is.
  public var phase = Phase.initial
  /// Whether it was executed here, or needs no executing.
  public var isExecuted = false
  /// The highest ballot promised.
  public var bal = Ballot.zero
  /// The ballot at which what is held was accepted.
  public var abal = Ballot.zero
  /// What is held; nil where nothing is known of it.
  public var cmd: Batch?
  /// What that comes behind.
  public var dep = Dependencies()
  /// What its owner proposed; nil where that is not known.
  public var initCmd: Batch?
  /// What its owner proposed that it come behind.
  public var initDep = Dependencies()

  /// The last batch with a record of it.
  var batch = PersistBatch.none
  /// Since when it is known here that there is such an instance, and not what it decided.
  var noticedAt: Ticks?

  init() {}

  /// Whether it is held as its owner sent it (`Rmax`, rule 17).
  var isUnchanged: Bool { phase == .preaccepted && dep == initDep }
}

/// What is decided, or may be: a command and what it comes behind.
public struct Value: Hashable, Sendable {
  /// What.
  public var batch: Batch
  /// Behind what.
  public var dep: Dependencies

  /// One made of its parts.
  public init(_ batch: Batch, _ dep: Dependencies) {
    self.batch = batch
    self.dep = dep
  }

  /// Nothing, behind nothing.
  public static var nop: Value { Value(.nop, Dependencies()) }
}

extension Value: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    dep.encode(into: &writer)
    batch.encode(into: &writer)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let dep = try Dependencies(from: &reader)
    self.init(try Batch(from: &reader), dep)
  }
}
