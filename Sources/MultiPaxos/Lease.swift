public import Synod

/// What may be asked of a lease: a lock with a time limit, kept in the replicated state (rule 46).
///
/// No clock is in the state. Every node times a lease from when it applied it, and when that time is
/// over the leader proposes its end, void where it was refreshed meanwhile. Its holder trusts it from
/// when it **sent** its request, less a margin for the clocks' rates. What the lease protects is
/// fenced by `fence`: whoever guards it refuses numbers lower than one that it saw.
///
/// These are for applications that have none of their own: the machine counts their time itself. A state
/// that is to have the same leases over any protocol, or to change them together with what else it
/// holds, keeps them itself, as `KeyValueState` does, and has its driver count.
public enum LeaseRequest: Hashable, Sendable {
  /// Takes the lease of a name for so many ticks; refreshes it where this holder has it.
  case take(Bytes, holder: Bytes, ticks: UInt64)
  /// Begins its time anew, where it still has this fence.
  case refresh(Bytes, fence: Slot)
  /// Gives it back, where it still has this fence.
  case release(Bytes, fence: Slot)
  /// Its time is over, where it was not refreshed since `version`. Only machines ask for it: a proposal of
  /// it ends as malformed.
  case expire(Bytes, version: Slot)

  /// Longest name and longest holder, in bytes.
  public static let maxName = 1024
  /// Longest time, in ticks.
  public static let maxTicks: UInt64 = 1 << 40
}

/// A lease that is held.
public struct Lease: Hashable, Sendable {
  /// Who has it.
  public var holder: Bytes
  /// The slot in which it was taken: rises with every holder.
  public var fence: Slot
  /// The slot in which it was taken or last refreshed.
  public var version: Slot
  /// Its time, in ticks from there.
  public var ticks: UInt64

  /// One made of its parts.
  public init(holder: Bytes, fence: Slot, version: Slot, ticks: UInt64) {
    self.holder = holder
    self.fence = fence
    self.version = version
    self.ticks = ticks
  }
}

/// What came of a request of a lease.
public enum LeaseOutcome: Hashable, Sendable {
  /// The one who asked has it.
  case held(Lease)
  /// Another has it.
  case taken(Lease)
  /// Given back, or over.
  case ended
  /// Nobody has it with that fence.
  case lost
  /// There are too many leases.
  case tooMany
  /// The request could not be read.
  case malformed
}

extension LeaseRequest: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .take(let name, let holder, let ticks):
      writer.write(UInt8(1))
      writer.write(bytes: name)
      writer.write(bytes: holder)
      writer.write(ticks)
    case .refresh(let name, let fence): Self.encode(2, name, fence, into: &writer)
    case .release(let name, let fence): Self.encode(3, name, fence, into: &writer)
    case .expire(let name, let version): Self.encode(4, name, version, into: &writer)
    }
  }

  private static func encode(
    _ kind: UInt8, _ name: Bytes, _ slot: Slot, into writer: inout ByteWriter
  ) {
    writer.write(kind)
    writer.write(bytes: name)
    slot.encode(into: &writer)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let kind = try reader.read(UInt8.self)
    let name = try reader.read(bytesUpTo: Self.maxName)
    switch kind {
    case 1:
      let holder = try reader.read(bytesUpTo: Self.maxName)
      let ticks = try reader.read(UInt64.self)
      guard ticks <= Self.maxTicks else { throw .malformed("a lease for longer than is allowed") }
      self = .take(name, holder: holder, ticks: ticks)
    case 2: self = .refresh(name, fence: try Slot(from: &reader))
    case 3: self = .release(name, fence: try Slot(from: &reader))
    case 4: self = .expire(name, version: try Slot(from: &reader))
    default: throw .malformed("unknown request of a lease")
    }
  }
}

extension Lease: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(bytes: holder)
    fence.encode(into: &writer)
    version.encode(into: &writer)
    writer.write(ticks)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    holder = try reader.read(bytesUpTo: LeaseRequest.maxName)
    fence = try Slot(from: &reader)
    version = try Slot(from: &reader)
    ticks = try reader.read(UInt64.self)
  }
}
