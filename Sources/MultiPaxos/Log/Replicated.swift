internal import Synod

/// What the machine itself replicates, beside the application's state.
@usableFromInline
struct Replicated: Hashable, Sendable {
  /// All slots up to this one are applied.
  @usableFromInline var applied = Slot.none
  @usableFromInline var schedule: Schedule
  /// Which entries were applied.
  var origins = Origins()
  /// What clients' last commands came to.
  @usableFromInline var clients = Clients()
  var leases = Leases()

  init(_ schedule: Schedule) { self.schedule = schedule }

  /// Whether this voter is a member, or was or will be one of the memberships that count.
  func knows(_ voter: VoterID) -> Bool {
    schedule.items.contains { $0.membership.member(voter) != nil }
  }

  /// A hash of all of it, the same on every node that came as far. That of tables is kept up to date
  /// by every change; the rest is small.
  @usableFromInline var digest: UInt64 {
    var writer = ByteWriter(capacity: 1 << 14)
    applied.encode(into: &writer)
    writer.write(schedule.window)
    for item in schedule.items {
      item.from.encode(into: &writer)
      // Where the first members are reached every node was told by its own settings.
      item.membership.withoutAddresses.encode(into: &writer)
    }
    origins.encode(into: &writer)
    clients.forgotten.encode(into: &writer)
    return Digest.of(writer.finish()) &+ clients.digest &+ leases.digest
  }
}

extension Membership {
  fileprivate var withoutAddresses: Membership {
    var membership = self
    for place in membership.members.indices { membership.members[place].address = Bytes() }
    return membership
  }
}

/// Hashes of binary forms: the same on every platform, and no secret.
enum Digest {
  static func of(_ value: some ByteCodable) -> UInt64 {
    var writer = ByteWriter(capacity: 128)
    value.encode(into: &writer)
    return of(writer.finish())
  }

  static func of(_ bytes: Bytes) -> UInt64 { SipHash(key: (0, 0)).hash(bytes) }
}
