internal import Synod

/// The leases that are held.
@usableFromInline
struct Leases: Hashable, Sendable {
  struct Named: Hashable, Sendable {
    var name: Bytes
    var lease: Lease
  }

  /// Leases, at the most. The same on every node.
  static let limit = 65_536

  private(set) var table: [Bytes: Lease] = [:]
  /// The sum of all leases' hashes.
  private(set) var digest: UInt64 = 0

  private mutating func set(_ lease: Lease?, of name: Bytes) {
    if let old = table[name] { digest &-= Digest.of(Named(name: name, lease: old)) }
    table[name] = lease
    if let lease { digest &+= Digest.of(Named(name: name, lease: lease)) }
  }

  /// Applies a request, the same on every node.
  /// - Returns: what came of it, and the lease that ended by it.
  mutating func apply(_ request: LeaseRequest, at slot: Slot) -> (LeaseOutcome, ended: Named?) {
    switch request {
    case .take(let name, let holder, let ticks):
      let fence: Slot
      if let held = table[name] {
        guard held.holder == holder else { return (.taken(held), nil) }
        fence = held.fence
      } else {
        guard table.count < Self.limit else { return (.tooMany, nil) }
        fence = slot
      }
      let lease = Lease(
        holder: holder.compacted(), fence: fence, version: slot, ticks: ticks)
      set(lease, of: name.compacted())
      return (.held(lease), nil)
    case .refresh(let name, let fence):
      guard var held = table[name], held.fence == fence else { return (.lost, nil) }
      held.version = slot
      set(held, of: name)
      return (.held(held), nil)
    case .release(let name, let fence):
      guard let held = table[name], held.fence == fence else { return (.lost, nil) }
      set(nil, of: name)
      return (.ended, Named(name: name, lease: held))
    case .expire(let name, let version):
      guard let held = table[name], held.version == version else { return (.lost, nil) }
      set(nil, of: name)
      return (.ended, Named(name: name, lease: held))
    }
  }

  /// All of them, in the order of their fences, of which each has another.
  var inOrder: [Named] {
    table.map { Named(name: $0.key, lease: $0.value) }.sorted { $0.lease.fence < $1.lease.fence }
  }

  mutating func restore(_ named: Named) { set(named.lease, of: named.name) }
}

extension Leases.Named: ByteCodable {
  func encode(into writer: inout ByteWriter) {
    writer.write(bytes: name)
    lease.encode(into: &writer)
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    name = try reader.read(bytesUpTo: LeaseRequest.maxName)
    lease = try Lease(from: &reader)
  }
}
