public import Synod

/// Leases.
extension KeyValueState {
  static func cost(_ lease: Lease, _ name: Bytes) -> Int { name.count + lease.holder.count + 128 }

  /// The lease of a name; nil where nobody has it.
  public func lease(_ name: Bytes) -> Lease? {
    leases.find(name, hash: hash(name)).map { leases[$0] }
  }

  /// Tells of every lease that is held, in the order of their names' hashes.
  public func forEachLease(_ body: (Bytes, Lease) -> Void) {
    for shard in leases.shards {
      for cell in shard.cells { body(cell.name, cell.value) }
    }
  }

  func read(lease name: Bytes) -> KeyValueReply {
    guard let lease = lease(name) else { return .null }
    return .array([
      .value(lease.holder), .integer(Int64(bitPattern: lease.token)),
      .integer(Int64(lease.time)),
    ])
  }

  mutating func run(
    _ step: LeaseStep, _ stamp: UInt64, _ events: inout [LeaseEvent]
  ) -> KeyValueReply {
    let hash = hash(step.name)
    let place = leases.find(step.name, hash: hash)
    let held = place.map { leases[$0] }
    switch step {
    case .get(let name): return read(lease: name)
    case .take(let name, let holder, let time):
      guard held == nil || held?.holder == holder else { return .null }
      let lease = Lease(
        holder: holder.compacted(), token: held?.token ?? stamp, renewal: stamp, time: time)
      if held == nil, bytes + Self.cost(lease, name) > limits.maxBytes {
        return .refused(.full(limit: limits.maxBytes))
      }
      keep(lease, name, hash, at: place, &events)
      return .integer(Int64(bitPattern: lease.token))
    case .refresh(let name, let holder, let token, let time):
      guard let held, held.holder == holder, held.token == token else { return .integer(0) }
      let lease = Lease(holder: held.holder, token: token, renewal: stamp, time: time)
      keep(lease, name, hash, at: place, &events)
      return .integer(1)
    case .release(let name, let holder, let token):
      guard let place, let held, held.holder == holder, held.token == token else {
        return .integer(0)
      }
      end(place, name, hash, &events)
      return .integer(1)
    case .expire(let name, let renewal):
      guard let place, let held, held.renewal == renewal else { return .integer(0) }
      end(place, name, hash, &events)
      return .integer(1)
    }
  }

  private mutating func keep(
    _ lease: Lease, _ name: Bytes, _ hash: UInt64, at place: ShardedTable<Lease>.Place?,
    _ events: inout [LeaseEvent]
  ) {
    if let place {
      let old = leases[place]
      inRest.sum &-= Fingerprint.of(lease: hash, old)
      inRest.bytes -= Self.cost(old, name)
      leases.replace(place, with: lease)
    } else {
      leases.insert(name.compacted(), hash: hash, lease)
    }
    inRest.sum &+= Fingerprint.of(lease: hash, lease)
    inRest.bytes += Self.cost(lease, name)
    events.append(.begins(name: name, renewal: lease.renewal, milliseconds: lease.time))
  }

  private mutating func end(
    _ place: ShardedTable<Lease>.Place, _ name: Bytes, _ hash: UInt64, _ events: inout [LeaseEvent]
  ) {
    let old = leases[place]
    inRest.sum &-= Fingerprint.of(lease: hash, old)
    inRest.bytes -= Self.cost(old, name)
    leases.remove(place)
    events.append(.ended(name: name))
  }
}
