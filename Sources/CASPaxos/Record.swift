public import Synod

/// What an acceptor and a proposer must not forget.
///
/// Replaying a record over a newer state is harmless, so a checkpoint may be taken while the machine
/// runs: promises, accepted ballots, floors and reserved counters only rise, a configuration is taken
/// where its epoch is the higher, a membership where its revision is, and an erasure leaves alone
/// what is newer than it.
public enum Record: Hashable, Sendable {
  /// The configuration that this store votes in, as long as it knows of no decided membership.
  case configuration(Configuration)
  /// No ballot with a counter above this was drawn (rule of durable counters: Rystsov 2018, §2.1,
  /// leaves it open; reuse after a restart breaks the one value of one ballot).
  case reserve(counter: UInt64)
  /// Promised `ballot` on the register of `key`.
  case promise(key: Bytes, ballot: Ballot)
  /// Accepted `state` at `ballot` on the register of `key`, where `promised` stands from now on: one
  /// record, since the three must not tear.
  case accept(key: Bytes, ballot: Ballot, promised: Ballot, state: RegisterState)
  /// A decided membership, and the configuration of it that this store votes in; or that it votes no
  /// more, for ever.
  case membership(Membership, isRetired: Bool)
  /// Every register whose hash with this seed is not above `through` was accepted anew in this joint
  /// epoch; of those that nobody holds, what was collected before is at or below `floor`.
  case transferred(Epoch, hashSeed: UInt64, through: UInt64, floor: Ballot)
  /// Forgot the register of `key`, whose tombstone every voter had accepted at `ballot`; from now on
  /// `floor` stands: one record, since without the floor older states could return.
  case erase(key: Bytes, ballot: Ballot, floor: Ballot)
  /// Promised `floor` on every register that is absent.
  case floor(Ballot)
}

extension Record: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .configuration(let configuration):
      writer.write(UInt8(1))
      configuration.encode(into: &writer)
    case .reserve(let counter):
      writer.write(UInt8(2))
      writer.write(counter)
    case .promise(let key, let ballot):
      writer.write(UInt8(3))
      writer.write(bytes: key)
      ballot.encode(into: &writer)
    case .accept(let key, let ballot, let promised, let state):
      writer.write(UInt8(4))
      writer.write(bytes: key)
      ballot.encode(into: &writer)
      promised.encode(into: &writer)
      state.encode(into: &writer)
    case .membership(let membership, let isRetired):
      writer.write(UInt8(5))
      writer.write(UInt8(isRetired ? 1 : 0))
      membership.encode(into: &writer)
    case .transferred(let epoch, let seed, let hash, let floor):
      writer.write(UInt8(9))
      writer.write(epoch.rawValue)
      writer.write(seed)
      writer.write(hash)
      floor.encode(into: &writer)
    case .erase(let key, let ballot, let floor):
      writer.write(UInt8(6))
      writer.write(bytes: key)
      ballot.encode(into: &writer)
      floor.encode(into: &writer)
    case .floor(let floor):
      writer.write(UInt8(7))
      floor.encode(into: &writer)
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    switch try reader.read(UInt8.self) {
    case 1: self = .configuration(try Configuration(from: &reader))
    case 2:
      let counter = try reader.read(UInt64.self)
      guard counter <= Ballot.counterLimit else { throw .malformed("counter over its limit") }
      self = .reserve(counter: counter)
    case 3:
      self = .promise(
        key: try reader.read(bytesUpTo: Message.maxKey), ballot: try Ballot(from: &reader))
    case 4:
      self = .accept(
        key: try reader.read(bytesUpTo: Message.maxKey), ballot: try Ballot(from: &reader),
        promised: try Ballot(from: &reader), state: try RegisterState(from: &reader))
    case 5:
      let retired = try reader.read(UInt8.self)
      guard retired <= 1 else { throw .malformed("neither retired nor not") }
      self = .membership(try Membership(from: &reader), isRetired: retired == 1)
    case 8:
      // Of a program that did not ask what was collected: anything of the epochs before may have been.
      let epoch = Epoch(try reader.read(UInt32.self))
      self = .transferred(
        epoch, hashSeed: try reader.read(UInt64.self), through: try reader.read(UInt64.self),
        floor: Ballot(epoch: epoch, counter: 0, voter: .none))
    case 9:
      self = .transferred(
        Epoch(try reader.read(UInt32.self)), hashSeed: try reader.read(UInt64.self),
        through: try reader.read(UInt64.self), floor: try Ballot(from: &reader))
    case 6:
      self = .erase(
        key: try reader.read(bytesUpTo: Message.maxKey), ballot: try Ballot(from: &reader),
        floor: try Ballot(from: &reader))
    case 7: self = .floor(try Ballot(from: &reader))
    default: throw .malformed("unknown kind of record")
    }
  }
}

extension Record: CustomStringConvertible {
  /// For people to read.
  public var description: String {
    switch self {
    case .configuration(let configuration): "configuration \(configuration)"
    case .reserve(let counter): "reserve \(counter)"
    case .promise(let key, let ballot): "promise \(key) \(ballot)"
    case .accept(let key, let ballot, let promised, let state):
      "accept \(key) \(ballot) promised \(promised) = "
        + (state.value.map { "\"\($0)\"" } ?? "nil") + " v\(state.version)"
    case .membership(let membership, let isRetired):
      "membership \(membership)" + (isRetired ? " retired" : "")
    case .transferred(let epoch, _, let hash, let floor):
      "transferred \(epoch) through \(hash)" + (floor.isZero ? "" : " floor \(floor)")
    case .erase(let key, let ballot, let floor): "erase \(key) \(ballot) floor \(floor)"
    case .floor(let floor): "floor \(floor)"
    }
  }
}
