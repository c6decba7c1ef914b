public import Synod

/// What a node must not forget (rule 26).
///
/// A checkpoint is a frozen copy restated, and then all batches from the one that was next when it was
/// frozen. Replaying a record over a state that contains it already changes nothing: reserved numbers
/// and promises only rise; an instance is pre-accepted only from its beginning; an acceptance is taken
/// where its ballot is not lower, and one ballot has one value; a decision is final; what is executed
/// or forgotten stays so; and of an epoch that this node has left, nothing is of account.
public enum Record: Hashable, Sendable {
  /// With what this store began, and which it is: with the first voters of its cluster; or, where it
  /// joins, with those that it knew of, and without any state.
  case begun(Configuration, store: Identity128?, joins: Bool)
  /// No instance of this node's own with a higher number was let out, in this row.
  case reserve(Row, UInt64)
  /// What its owner proposed, behind what, and behind what it is held here.
  case preaccepted(InstanceID, Value, held: Dependencies)
  /// Promised.
  case promised(InstanceID, Ballot)
  /// Accepted, and promised; nil for what is held already, behind these.
  case accepted(InstanceID, Ballot, Batch?, Dependencies)
  /// What its owner proposed, as a recovery told (rule 18).
  case validated(InstanceID, Value)
  /// Decided; nil for what is held already, behind these.
  case committed(InstanceID, Batch?, Dependencies)
  /// These are forgotten (rule 43).
  case truncated(Dependencies)
  /// This node left an epoch for the next, by this change: it votes in no earlier one any more.
  case entered(Membership, by: InstanceID)
  /// An instance restated as a whole.
  case instance(InstanceID, Instance)
  /// What is known of a snapshot begins anew.
  case stateBegins(UInt64)
  /// One piece of it.
  case statePiece(Bytes)
  /// It is whole, and is this node's state from now on where that has not come as far.
  case installed(UInt64)
}

extension Record: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .begun(let configuration, let store, let joins):
      writer.write(UInt8(1))
      writer.write(UInt8(store == nil ? 0 : 1) | UInt8(joins ? 2 : 0))
      store?.encode(into: &writer)
      configuration.encode(into: &writer)
    case .reserve(let row, let number):
      writer.write(UInt8(2))
      row.encode(into: &writer)
      writer.write(number)
    case .preaccepted(let id, let value, let held):
      writer.write(UInt8(3))
      id.encode(into: &writer)
      value.encode(into: &writer)
      held.encode(into: &writer)
    case .promised(let id, let ballot):
      writer.write(UInt8(4))
      id.encode(into: &writer)
      ballot.encode(into: &writer)
    case .accepted(let id, let ballot, let batch, let dep):
      writer.write(UInt8(batch == nil ? 5 : 6))
      id.encode(into: &writer)
      ballot.encode(into: &writer)
      dep.encode(into: &writer)
      batch?.encode(into: &writer)
    case .validated(let id, let value):
      writer.write(UInt8(7))
      id.encode(into: &writer)
      value.encode(into: &writer)
    case .committed(let id, let batch, let dep):
      writer.write(UInt8(batch == nil ? 8 : 9))
      id.encode(into: &writer)
      dep.encode(into: &writer)
      batch?.encode(into: &writer)
    case .truncated(let through):
      writer.write(UInt8(10))
      through.encode(into: &writer)
    case .instance(let id, let instance):
      writer.write(UInt8(11))
      id.encode(into: &writer)
      instance.encode(into: &writer)
    case .stateBegins(let snapshot):
      writer.write(UInt8(12))
      writer.write(snapshot)
    case .statePiece(let bytes):
      writer.write(UInt8(13))
      writer.write(bytes: bytes)
    case .installed(let snapshot):
      writer.write(UInt8(14))
      writer.write(snapshot)
    case .entered(let membership, let id):
      writer.write(UInt8(15))
      id.encode(into: &writer)
      membership.encode(into: &writer)
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let kind = try reader.read(UInt8.self)
    switch kind {
    case 1:
      let mark = try reader.read(UInt8.self)
      guard mark <= 3 else { throw .malformed("unknown marks of a store") }
      let store = mark & 1 == 0 ? nil : try Identity128(from: &reader)
      self = .begun(try Configuration(from: &reader), store: store, joins: mark & 2 != 0)
    case 2:
      let row = try Row(from: &reader)
      let number = try reader.read(UInt64.self)
      guard number <= InstanceID.numberLimit else { throw .malformed("no number of an instance") }
      self = .reserve(row, number)
    case 3:
      self = .preaccepted(
        try InstanceID(from: &reader), try Value(proposed: &reader),
        held: try Dependencies(from: &reader))
    case 4: self = .promised(try InstanceID(from: &reader), try Ballot(recovering: &reader))
    case 5, 6:
      let id = try InstanceID(from: &reader)
      let ballot = try Ballot(of: &reader)
      let dep = try Dependencies(from: &reader)
      self = .accepted(id, ballot, kind == 5 ? nil : try Batch(from: &reader), dep)
    case 7: self = .validated(try InstanceID(from: &reader), try Value(proposed: &reader))
    case 8, 9:
      let id = try InstanceID(from: &reader)
      let dep = try Dependencies(from: &reader)
      self = .committed(id, kind == 8 ? nil : try Batch(from: &reader), dep)
    case 10: self = .truncated(try Dependencies(from: &reader))
    case 11: self = .instance(try InstanceID(from: &reader), try Instance(from: &reader))
    case 12: self = .stateBegins(try reader.read(UInt64.self))
    case 13: self = .statePiece(try reader.read(bytesUpTo: Message.maxPiece))
    case 14: self = .installed(try reader.read(UInt64.self))
    case 15:
      let id = try InstanceID(from: &reader)
      self = .entered(try Membership(from: &reader), by: id)
    default: throw .malformed("unknown kind of record")
    }
  }
}

extension Instance: ByteCodable {
  private static let hasExecuted: UInt8 = 0x10
  private static let hasCommand: UInt8 = 0x20
  private static let hasInitial: UInt8 = 0x40
  /// What is held is what its owner proposed.
  private static let isSame: UInt8 = 0x80

  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    let same = initCmd != nil && initCmd == cmd
    var mark = phase.rawValue
    if isExecuted { mark |= Self.hasExecuted }
    if cmd != nil { mark |= Self.hasCommand }
    if initCmd != nil { mark |= same ? Self.isSame : Self.hasInitial }
    writer.write(mark)
    bal.encode(into: &writer)
    abal.encode(into: &writer)
    dep.encode(into: &writer)
    initDep.encode(into: &writer)
    cmd?.encode(into: &writer)
    if !same { initCmd?.encode(into: &writer) }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    self.init()
    let mark = try reader.read(UInt8.self)
    guard let phase = Phase(rawValue: mark & 0x0f) else { throw .malformed("unknown phase") }
    self.phase = phase
    isExecuted = mark & Self.hasExecuted != 0
    bal = try Ballot(of: &reader)
    abal = try Ballot(of: &reader)
    dep = try Dependencies(from: &reader)
    initDep = try Dependencies(from: &reader)
    if mark & Self.hasCommand != 0 { cmd = try Batch(from: &reader) }
    if mark & Self.isSame != 0 { initCmd = cmd }
    if mark & Self.hasInitial != 0 { initCmd = try Batch(from: &reader) }
    guard phase == .initial || cmd != nil, !isExecuted || phase == .committed else {
      throw .malformed("an instance without what its phase needs")
    }
  }
}
