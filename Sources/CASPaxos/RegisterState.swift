public import Synod

/// The state of a register as acceptors keep it and messages carry it.
public struct RegisterState: Hashable, Sendable {
  /// Nil where the register was never written, or was deleted.
  public var value: Bytes?
  /// Of the last change that wrote. A round that only writes a state back keeps it.
  public var version: Version
  /// For every voter but the version's own that ever wrote this register: the ballot of its last
  /// write that this state descends from, in ascending order of the voters.
  ///
  /// It answers, at any later time, whether a change whose round ended without an answer is part of
  /// a state: a proposer has one open round a register, so the ballot it asks about is its last one.
  ///
  /// At most `maxLineage`: where more voters have come and gone, the lowest is dropped, and
  /// `forgotten` rises to it.
  public var lineage: [Ballot]
  /// What few registers have; nil where there is nothing of it.
  public var extra: Extra?

  /// One made of its parts.
  @inlinable public init(
    value: Bytes? = nil, version: Version = .zero, lineage: [Ballot] = [], extra: Extra? = nil
  ) {
    self.value = value
    self.version = version
    self.lineage = lineage
    self.extra = extra
  }

  /// Ballots that a lineage holds, at the most.
  public static let maxLineage = 8

  /// A register that was never written.
  @inlinable public static var blank: RegisterState { RegisterState() }

  /// What changes and clients see of it: one that was deleted is as one that was never written, since
  /// what is deleted is collected at some time, and that is not to be seen.
  @inlinable public var register: Register {
    Register(value: value, version: value == nil ? .zero : version)
  }

  /// The same with the version of a deletion: what the deletion itself is told, and watches.
  @inlinable public var written: Register { Register(value: value, version: version) }

  /// Whether the write of `ballot` is among those that this state descends from, if `ballot` is the
  /// last that its voter wrote this register with.
  public func descends(from ballot: Ballot) -> Bool {
    #if PlantedBugs
      if PlantedBug.has(.doubleApply) { return false }
    #endif
    return version.ballot == ballot || lineage.contains(ballot)
  }

  /// The state that a write at `ballot` leaves: the `step`th of the changes folded into its round.
  public func written(_ value: Bytes?, at ballot: Ballot, step: UInt32) -> RegisterState {
    var next = RegisterState(
      value: value, version: Version(ballot: ballot, step: step), lineage: lineage, extra: extra)
    let writer = version.ballot.voter
    if writer == ballot.voter || writer == .none { return next }
    next.lineage.removeAll { $0.voter == ballot.voter || $0.voter == writer }
    let place = next.lineage.firstIndex { writer < $0.voter } ?? next.lineage.count
    next.lineage.insert(version.ballot, at: place)
    if next.lineage.count > Self.maxLineage { next.dropLowest() }
    return next
  }

  private mutating func dropLowest() {
    guard let lowest = lineage.min() else { return }
    lineage.removeAll { $0 == lowest }
    forget(through: lowest)
  }

  /// Bytes that its encoded form takes, about.
  var encodedSize: Int {
    32 + (value?.count ?? 0) + lineage.count * Ballot.encodedSize + (extra?.encodedSize ?? 0)
  }
}

extension RegisterState: ByteCodable {
  /// Bit 0: there is a value. Bit 1: there is more behind the lineage. The other bits are kept for
  /// what comes.
  private static let hasValue: UInt8 = 1
  private static let hasExtra: UInt8 = 2

  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write((value == nil ? 0 : Self.hasValue) | (extra == nil ? 0 : Self.hasExtra))
    writer.write(UInt8(truncatingIfNeeded: lineage.count))
    version.ballot.encode(into: &writer)
    writer.write(version.step)
    for ballot in lineage { ballot.encode(into: &writer) }
    if let extra { extra.encode(into: &writer) }
    if let value { writer.write(bytes: value) }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let flags = try reader.read(UInt8.self)
    guard flags & ~(Self.hasValue | Self.hasExtra) == 0 else {
      throw .malformed("unknown flags of a state")
    }
    let writers = Int(try reader.read(UInt8.self))
    guard writers < QuorumSystem.maxVoters else {
      throw .overLimit(found: UInt64(writers), limit: QuorumSystem.maxVoters)
    }
    let ballot = try Ballot(from: &reader)
    let step = try reader.read(UInt32.self)
    var lineage: [Ballot] = []
    if writers > 0 {
      lineage.reserveCapacity(writers)
      for _ in 0..<writers { lineage.append(try Ballot(from: &reader)) }
    }
    let extra = flags & Self.hasExtra != 0 ? try Extra(from: &reader) : nil
    let value: Bytes? =
      flags & Self.hasValue != 0 ? try reader.read(bytesUpTo: Message.maxValue) : nil
    self.init(
      value: value, version: Version(ballot: ballot, step: step), lineage: lineage, extra: extra)
  }
}
