public import Synod

/// What proposers and acceptors say to each other. One flat shape for all kinds; which fields a kind
/// uses is said at the kind. The ballot's leading part is the epoch, so every message carries it.
public struct Message: Hashable, Sendable {
  /// What a message says.
  public enum Kind: UInt8, Sendable {
    /// Asks for a promise: `key`, `ballot`.
    case prepare = 1
    /// Promises `ballot`: `accepted` and `state` are what was accepted so far, `floor` as in
    /// `conflict`.
    case promise = 2
    /// Asks to accept `state` at `ballot`, and to promise `promised` too where that is not zero:
    /// `key`.
    case accept = 3
    /// Accepted at `ballot`; `promised` is the promise that now stands.
    case accepted = 4
    /// Refuses a prepare or an accept at `ballot` because of `promised`, `accepted` or `floor`:
    /// three fields, never their maximum, since what was refused for one reason is not known to be
    /// impossible for another.
    case conflict = 5
    /// Asks for the accepted state, from durable state alone, and changes nothing: `key`; `ballot`
    /// names the attempt and is never used again.
    case read = 6
    /// Answers a read: `accepted`, `state`.
    case readReply = 7
    /// Asks to be told of what is accepted, for `slot` ticks from now (zero: no more): of `key`, or,
    /// where there is a `state.value`, of all keys that begin with that. `accepted` is the ballot of
    /// the newest state known; `ballot` names no round, only who asks, and in which epoch.
    case watch = 14
    /// Tells that `state` was accepted at `ballot`, where a state of version ballot `promised` was
    /// before: `key`. An acceptance of one voter: it proves nothing alone. With a `slot` of one, that
    /// the sender holds nothing of `key`, which the request named `ballot` knows of.
    case observed = 15
    /// Asks for a piece of the list of registers: `state` carries a `KeyPage.Request`; `ballot`
    /// names the attempt and is never used again.
    case list = 8
    /// Answers a list, from durable state alone: `state` carries a `KeyPage`; `floor` as in `conflict`.
    case page = 9
    /// These are the members, decided: `state` holds them; `ballot` names the epoch and, as its
    /// counter, the revision plus one.
    case configuration = 12
    /// Says what the sender knows of the members, as `ballot`, and asks for more.
    case behind = 13
    /// Says that every voter accepted the tombstone at `ballot`, which may be forgotten: `key`.
    case erase = 10
  }

  /// What it says, and so which fields count.
  public var kind: Kind
  /// The proposer's own number of its round, echoed by the reply: where to look, never proof.
  public var slot: UInt32
  /// The round's ballot, or the name of a read; echoed by the reply.
  public var ballot: Ballot
  /// A promise: that stands, or that is asked for. See the kinds.
  public var promised: Ballot
  /// The ballot of the accepted state; zero for none.
  public var accepted: Ballot
  /// Below this the sender accepts nothing on registers of which it holds nothing: they may have
  /// been collected. Zero as long as none was.
  public var floor: Ballot
  /// The register; only in requests, since a ballot names one round of one register.
  public var key: Bytes
  /// The accepted state, or the one to accept.
  public var state: RegisterState

  @inlinable init(
    _ kind: Kind, slot: UInt32, ballot: Ballot, promised: Ballot = .zero, accepted: Ballot = .zero,
    floor: Ballot = .zero, key: Bytes = Bytes(), state: RegisterState = .blank
  ) {
    self.kind = kind
    self.slot = slot
    self.ballot = ballot
    self.promised = promised
    self.accepted = accepted
    self.floor = floor
    self.key = key
    self.state = state
  }

  /// The largest key and the largest value that any message or record can carry, in bytes; settings
  /// may ask for less.
  public static let maxKey = 64 * 1024
  /// The longest value, in bytes.
  public static let maxValue = 768 * 1024
}

extension Message: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(kind.rawValue)
    writer.write(slot)
    ballot.encode(into: &writer)
    switch kind {
    case .prepare, .read, .erase:
      writer.write(bytes: key)
    case .promise:
      accepted.encode(into: &writer)
      floor.encode(into: &writer)
      state.encode(into: &writer)
    case .accept:
      promised.encode(into: &writer)
      writer.write(bytes: key)
      state.encode(into: &writer)
    case .accepted:
      promised.encode(into: &writer)
    case .conflict:
      promised.encode(into: &writer)
      accepted.encode(into: &writer)
      floor.encode(into: &writer)
    case .readReply:
      accepted.encode(into: &writer)
      state.encode(into: &writer)
    case .watch:
      accepted.encode(into: &writer)
      writer.write(bytes: key)
      state.encode(into: &writer)
    case .observed:
      promised.encode(into: &writer)
      writer.write(bytes: key)
      state.encode(into: &writer)
    case .list:
      writer.write(bytes: state.value ?? Bytes())
    case .page:
      floor.encode(into: &writer)
      writer.write(bytes: state.value ?? Bytes())
    case .configuration: state.encode(into: &writer)
    case .behind: break
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    guard let kind = Kind(rawValue: try reader.read(UInt8.self)) else {
      throw .malformed("unknown kind of message")
    }
    let slot = try reader.read(UInt32.self)
    let ballot = try Ballot(from: &reader)
    guard ballot.counter > 0, ballot.voter != .none else {
      throw .malformed("a message without a real ballot")
    }
    self.init(kind, slot: slot, ballot: ballot)
    switch kind {
    case .prepare, .read, .erase:
      key = try reader.read(bytesUpTo: Self.maxKey)
    case .promise:
      accepted = try Ballot(from: &reader)
      floor = try Ballot(from: &reader)
      state = try RegisterState(from: &reader)
    case .accept:
      promised = try Ballot(from: &reader)
      key = try reader.read(bytesUpTo: Self.maxKey)
      state = try RegisterState(from: &reader)
      guard promised.isZero || asksForItsOwnNext else {
        throw .malformed("an accept that asks for a promise not its own")
      }
    case .accepted:
      promised = try Ballot(from: &reader)
    case .conflict:
      promised = try Ballot(from: &reader)
      accepted = try Ballot(from: &reader)
      floor = try Ballot(from: &reader)
    case .readReply:
      accepted = try Ballot(from: &reader)
      state = try RegisterState(from: &reader)
    case .watch:
      accepted = try Ballot(from: &reader)
      key = try reader.read(bytesUpTo: Self.maxKey)
      state = try RegisterState(from: &reader)
    case .observed:
      promised = try Ballot(from: &reader)
      key = try reader.read(bytesUpTo: Self.maxKey)
      state = try RegisterState(from: &reader)
    case .list:
      state.value = try reader.read(bytesUpTo: Self.maxValue)
    case .page:
      floor = try Ballot(from: &reader)
      state.value = try reader.read(bytesUpTo: Self.maxValue)
    case .configuration: state = try RegisterState(from: &reader)
    case .behind: break
    }
  }
}

extension Message {
  /// Whether an accept asks for the promise of a later ballot of its own proposer and epoch: another
  /// would lock the register for everyone.
  var asksForItsOwnNext: Bool {
    promised > ballot && promised.voter == ballot.voter && promised.epoch == ballot.epoch
  }
}

extension Message {
  /// A state installed under the ballot that it had: a planted mistake.
  @inline(__always) var isCopy: Bool {
    #if PlantedBugs
      return PlantedBug.has(.copiedStates) && kind == .accept && slot == .max
    #else
      return false
    #endif
  }
}

extension Message: CustomStringConvertible {
  /// For people to read.
  public var description: String {
    let members = state.value.flatMap { try? Membership($0) }
    let value = members?.description ?? state.value.map { "\"\($0)\"" } ?? "nil"
    switch kind {
    case .prepare: return "prepare(\(ballot)) \(key)"
    case .promise:
      let below = floor.isZero ? "" : " floor \(floor)"
      return "promise(\(ballot)) accepted \(accepted)\(below) \(value)"
    case .accept:
      let next = promised.isZero ? "" : " next \(promised)"
      return "accept(\(ballot)) \(key) = \(value) v\(state.version)\(next)"
    case .accepted: return "accepted(\(ballot)) promised \(promised)"
    case .conflict:
      let below = floor.isZero ? "" : " floor \(floor)"
      return "conflict(\(ballot)) promised \(promised) accepted \(accepted)\(below)"
    case .read: return "read(\(ballot)) \(key)"
    case .readReply: return "readReply(\(ballot)) accepted \(accepted) \(value)"
    case .watch:
      let what = state.value == nil ? "\(key)" : "prefix \(value)"
      return "watch(\(ballot)) \(what) for \(slot) knows \(accepted)"
    case .observed:
      return "observed(\(ballot)) \(key) = \(value) v\(state.version) after \(promised)"
    case .list:
      return "list(\(ballot)) "
        + (state.value.flatMap { KeyPage.Request(encoded: $0) }?.description ?? "malformed")
    case .page:
      let below = floor.isZero ? "" : "floor \(floor) "
      return "page(\(ballot)) " + below
        + (state.value.flatMap { KeyPage(encoded: $0) }?.description ?? "malformed")
    case .configuration: return "configuration(\(ballot))"
    case .behind: return "behind(\(ballot))"
    case .erase: return "erase(\(ballot)) \(key)"
    }
  }
}
