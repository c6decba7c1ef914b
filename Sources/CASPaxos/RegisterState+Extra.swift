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

    /// Of clients that asked for their changes to be made once, in the order of their writes.
    public let sessions: [Session]
    /// A session was dropped whose client may still come back: of this register, or of one that may
    /// have been collected before this one was begun anew.
    public let lostSessions: Bool

    /// One made of its parts.
    public init(
      forgotten: Ballot = .zero, sessions: [Session] = [], lostSessions: Bool = false
    ) {
      self.forgotten = forgotten
      self.sessions = sessions
      self.lostSessions = lostSessions
    }

    /// Bytes that its encoded form takes, about.
    var encodedSize: Int {
      2 + (forgotten.isZero ? 0 : Ballot.encodedSize)
        + sessions.reduce(0) { $0 + $1.encodedSize }
    }
  }

  /// See `Extra.forgotten`.
  public var forgotten: Ballot { extra?.forgotten ?? .zero }

  /// Nobody holds anything: what there may have been was collected at or below `floor`, with all that
  /// it knew of clients.
  mutating func beginAnew(above floor: Ballot) {
    extra = Extra(forgotten: floor, lostSessions: true)
  }

  /// Nothing at or below `ballot` can be told any more.
  mutating func forget(through ballot: Ballot) {
    if ballot > forgotten {
      extra = Extra(
        forgotten: ballot, sessions: sessions, lostSessions: extra?.lostSessions ?? false)
    }
  }
}

extension RegisterState.Extra: Hashable {
  /// Whether their contents are the same.
  public static func == (a: RegisterState.Extra, b: RegisterState.Extra) -> Bool {
    a === b
      || a.forgotten == b.forgotten && a.lostSessions == b.lostSessions && a.sessions == b.sessions
  }
  /// Feeds its contents.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(forgotten)
    hasher.combine(sessions)
    hasher.combine(lostSessions)
  }
}

extension RegisterState.Extra {
  /// Which parts follow. Bit 0: what is forgotten. Bit 1: sessions. Bit 2, and nothing follows:
  /// sessions were lost. Bit 3: which of the sessions may be late, a bit each. The other bits are kept
  /// for what comes.
  private static let hasForgotten: UInt8 = 1
  private static let hasSessions: UInt8 = 2
  private static let hasLostSessions: UInt8 = 4
  private static let hasLateSessions: UInt8 = 8

  /// Appends its binary form.
  func encode(into writer: inout ByteWriter) {
    var late: UInt32 = 0
    for index in sessions.indices where sessions[index].mayBeLate { late |= 1 << UInt32(index) }
    writer.write(
      (forgotten.isZero ? 0 : Self.hasForgotten) | (sessions.isEmpty ? 0 : Self.hasSessions)
        | (lostSessions ? Self.hasLostSessions : 0) | (late == 0 ? 0 : Self.hasLateSessions))
    if !forgotten.isZero { forgotten.encode(into: &writer) }
    if sessions.isEmpty { return }
    writer.write(UInt8(truncatingIfNeeded: sessions.count))
    for session in sessions { session.encode(into: &writer) }
    if late != 0 { writer.write(late) }
  }

  /// Reads its binary form, or says why it cannot.
  convenience init(from reader: inout ByteReader) throws(CodingError) {
    let parts = try reader.read(UInt8.self)
    let known =
      Self.hasForgotten | Self.hasSessions | Self.hasLostSessions | Self.hasLateSessions
    guard parts & ~known == 0 else { throw .malformed("unknown parts of a state") }
    let forgotten = parts & Self.hasForgotten != 0 ? try Ballot(from: &reader) : .zero
    var sessions: [RegisterState.Session] = []
    if parts & Self.hasSessions != 0 {
      let count = Int(try reader.read(UInt8.self))
      guard (1...RegisterState.Session.limit).contains(count) else {
        throw .overLimit(found: UInt64(count), limit: RegisterState.Session.limit)
      }
      for _ in 0..<count { sessions.append(try RegisterState.Session(from: &reader)) }
    }
    if parts & Self.hasLateSessions != 0 {
      let late = try reader.read(UInt32.self)
      guard late != 0, UInt64(late) < 1 << UInt64(sessions.count) else {
        throw .malformed("of sessions that are not there none is late")
      }
      for index in sessions.indices { sessions[index].mayBeLate = late >> UInt32(index) & 1 != 0 }
    }
    self.init(
      forgotten: forgotten, sessions: sessions,
      lostSessions: parts & Self.hasLostSessions != 0)
  }
}
