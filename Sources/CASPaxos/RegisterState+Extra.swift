public import Synod

extension RegisterState {
  /// What most registers have nothing of, behind one reference, so that the others pay little for it.
  /// Two are the same where their contents are.
  public final class Extra: Sendable {
    /// Whether a write at or below this ballot, which is not in the lineage, is part of the state,
    /// cannot be told any more; zero where nothing is forgotten.
    ///
    /// It is the highest floor that was told when the register was begun anew, where an earlier one
    /// may have been collected (`Record.erase`), or the highest ballot that a full lineage dropped.
    public let forgotten: Ballot

    /// One made of its parts.
    public init(forgotten: Ballot = .zero) { self.forgotten = forgotten }

    /// Bytes that its encoded form takes, about.
    var encodedSize: Int { 1 + (forgotten.isZero ? 0 : Ballot.encodedSize) }
  }

  /// See `Extra.forgotten`.
  public var forgotten: Ballot { extra?.forgotten ?? .zero }

  /// Nothing at or below `ballot` can be told any more.
  mutating func forget(through ballot: Ballot) {
    if ballot > forgotten { extra = Extra(forgotten: ballot) }
  }
}

extension RegisterState.Extra: Hashable {
  /// Whether their contents are the same.
  public static func == (a: RegisterState.Extra, b: RegisterState.Extra) -> Bool {
    a === b || a.forgotten == b.forgotten
  }
  /// Feeds its contents.
  public func hash(into hasher: inout Hasher) { hasher.combine(forgotten) }
}

extension RegisterState.Extra {
  /// Which parts follow. Bit 0: what is forgotten. The other bits are kept for what comes.
  private static let hasForgotten: UInt8 = 1

  /// Appends its binary form.
  func encode(into writer: inout ByteWriter) {
    writer.write(forgotten.isZero ? 0 : Self.hasForgotten)
    if !forgotten.isZero { forgotten.encode(into: &writer) }
  }

  /// Reads its binary form, or says why it cannot.
  convenience init(from reader: inout ByteReader) throws(CodingError) {
    let parts = try reader.read(UInt8.self)
    guard parts & ~Self.hasForgotten == 0 else {
      throw .malformed("unknown parts of a state")
    }
    self.init(forgotten: parts & Self.hasForgotten != 0 ? try Ballot(from: &reader) : .zero)
  }
}
