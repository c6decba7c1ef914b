public import Synod

/// What an acceptor and a proposer must not forget.
///
/// A checkpoint is a frozen copy restated, and then all batches from the one that was next when it was
/// frozen. Replaying a record over a state that contains it already changes nothing: promises,
/// reserved counters and grants only rise; an acceptance is taken where its ballot is not lower and
/// its slot is not applied; what is chosen is applied in order of the slots, once; pieces of a snapshot
/// are taken by their places, each once, and count for nothing without the `installed` behind them, and
/// that for nothing where the state has come as far; and a store is given up once.
public enum Record: Hashable, Sendable {
  /// With what the cluster began, which store this is, and whether it is one of those that the cluster
  /// began with.
  case begun(Schedule, store: Identity128?, isFounder: Bool)
  /// No ballot with a higher counter, no entry with a higher number and no question with a higher name
  /// was let out.
  case reserve(counter: UInt64, number: UInt64, read: UInt64)
  /// Promised this ballot, on all slots (rule 2).
  case promise(Ballot)
  /// Accepted these at `ballot`, in slots that follow each other; promised it too.
  case accept(Ballot, first: Slot, [Entry])
  /// These are chosen. They are kept as accepted at no ballot of this node's.
  case learned(first: Slot, [Entry])
  /// All slots up to this one are chosen, and what this node holds of them is what was chosen: a hint
  /// that saves asking (rule 35).
  case chosen(through: Slot)
  /// What is known of a snapshot of the state after this slot begins anew.
  case stateBegins(Slot)
  /// One piece of it, and its place: a checkpoint may hold pieces that the log gives once more.
  case statePiece(UInt32, Bytes)
  /// It is whole, and is this node's state from now on where that had not come as far (rule 26): what
  /// was accepted behind it stays, and so does the promise.
  case installed(Slot)
  /// Grants of up to this many ticks may be given from now on (rule 45).
  case grants(UInt64)
  /// This store is not to be used again: its node votes and answers no more, however often it is started.
  case gaveUp(GivenUp)
}

extension Record: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .begun(let schedule, let store, let isFounder):
      writer.write(UInt8(1))
      writer.write(UInt8(store == nil ? 0 : 1) | UInt8(isFounder ? 2 : 0))
      store?.encode(into: &writer)
      schedule.encode(into: &writer)
    case .reserve(let counter, let number, let read):
      writer.write(UInt8(2))
      writer.write(counter)
      writer.write(number)
      writer.write(read)
    case .promise(let ballot):
      writer.write(UInt8(3))
      ballot.encode(into: &writer)
    case .accept(let ballot, let first, let entries):
      writer.write(UInt8(4))
      ballot.encode(into: &writer)
      first.encode(into: &writer)
      Entry.encode(entries, into: &writer)
    case .learned(let first, let entries):
      writer.write(UInt8(5))
      first.encode(into: &writer)
      Entry.encode(entries, into: &writer)
    case .chosen(let through):
      writer.write(UInt8(6))
      through.encode(into: &writer)
    case .stateBegins(let slot):
      writer.write(UInt8(7))
      slot.encode(into: &writer)
    case .statePiece(let index, let bytes):
      writer.write(UInt8(8))
      writer.write(index)
      writer.write(bytes: bytes)
    case .installed(let slot):
      writer.write(UInt8(9))
      slot.encode(into: &writer)
    case .grants(let ticks):
      writer.write(UInt8(10))
      writer.write(ticks)
    case .gaveUp(let reason):
      writer.write(UInt8(11))
      writer.write(reason.rawValue)
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    switch try reader.read(UInt8.self) {
    case 1:
      let mark = try reader.read(UInt8.self)
      guard mark <= 3 else { throw .malformed("unknown marks of a store") }
      let store = mark & 1 == 0 ? nil : try Identity128(from: &reader)
      self = .begun(try Schedule(from: &reader), store: store, isFounder: mark & 2 != 0)
    case 2:
      self = .reserve(
        counter: try reader.read(UInt64.self), number: try reader.read(UInt64.self),
        read: try reader.read(UInt64.self))
    case 3: self = .promise(try Ballot(real: &reader))
    case 4:
      let ballot = try Ballot(real: &reader)
      let first = try Slot(from: &reader)
      guard first > .none else { throw .malformed("an entry before the first slot") }
      self = .accept(ballot, first: first, try Entry.decode(from: &reader))
    case 5:
      let first = try Slot(from: &reader)
      guard first > .none else { throw .malformed("an entry before the first slot") }
      self = .learned(first: first, try Entry.decode(from: &reader))
    case 6: self = .chosen(through: try Slot(from: &reader))
    case 7: self = .stateBegins(try Slot(from: &reader))
    case 8:
      self = .statePiece(
        try reader.read(UInt32.self), try reader.read(bytesUpTo: Message.maxPiece))
    case 9: self = .installed(try Slot(from: &reader))
    case 10: self = .grants(try reader.read(UInt64.self))
    case 11:
      guard let reason = GivenUp(rawValue: try reader.read(UInt8.self)) else {
        throw .malformed("given up for an unknown reason")
      }
      self = .gaveUp(reason)
    default: throw .malformed("unknown kind of record")
    }
  }
}
