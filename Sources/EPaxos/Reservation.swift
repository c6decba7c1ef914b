internal import Synod

/// Draws the numbers of this node's own instances, each once in all lives of this store (rule 3): they
/// are reserved durably in blocks, and a life begins above all that earlier lives reserved. So a
/// proposal leaves while its own record is still being written (rule 28).
///
/// What is reserved and never drawn has to be made void behind a restart, so blocks begin small, and
/// grow when proposals had to wait for one.
struct Reservation: Hashable, Sendable {
  /// The last drawn.
  private(set) var last: UInt64 = 0
  /// Up to this they may be drawn: the reservation is durable.
  private(set) var reserved: UInt64 = 0
  /// What is reserved, durable or not.
  private(set) var requested: UInt64 = 0
  /// Up to this, earlier lives may have drawn them.
  private(set) var inherited: UInt64 = 0
  private var batch: PersistBatch?
  private var block: UInt64
  private var isShort = false
  private let longest: UInt64

  /// How long the first block is.
  private static let shortest: UInt64 = 8

  init(longest: UInt64) {
    self.longest = max(longest, 2)
    block = min(Self.shortest, self.longest)
  }

  /// A number never drawn before; nil until a reservation is durable, or where there is none left.
  mutating func draw() -> UInt64? {
    guard last < reserved else { return nil }
    last += 1
    return last
  }

  /// A proposal has to wait for the next block: that is to be longer.
  mutating func grow() { isShort = true }

  /// Whether the next number waits for a reservation.
  var isDry: Bool { last >= reserved }

  /// Whether no number can ever be drawn again.
  var isExhausted: Bool { last >= InstanceID.numberLimit }

  /// Reserves more where what is reserved runs out.
  mutating func request(_ row: Row, in outbox: inout Outbox) {
    guard batch == nil, last + block / 2 >= requested, requested < InstanceID.numberLimit else {
      return
    }
    if isShort { block = min(2 * block, longest) }
    isShort = false
    requested = min(max(last, requested) + block, InstanceID.numberLimit)
    batch = outbox.record(.reserve(row, requested))
  }

  mutating func persisted(through durable: PersistBatch) {
    guard let batch, batch <= durable else { return }
    self.batch = nil
    reserved = requested
  }

  /// An earlier life reserved this much, and may have drawn all of it.
  mutating func restore(_ number: UInt64) {
    last = max(last, number)
    inherited = last
    requested = max(requested, number)
    reserved = max(reserved, number)
  }
}
