public import Synod

// A digest is far cheaper than what `Hasher` makes of all that a machine holds: settings and keys,
// which do not differ between the machines of a search, are left out.

extension Machine {
  /// The same for machines that are equal; of those that differ, few have the same.
  @inlinable
  package var digest: UInt64 {
    var digest = Fingerprint64()
    core.add(to: &digest)
    for fold in folds {
      digest.add(UInt64(fold.results.count) << 32 | UInt64(fold.earlier.count) << 1)
      if fold.isBurial { digest.add(1) }
      for pending in fold.folded {
        let marks: UInt64 = (pending.mayHaveWritten ? 1 : 0) | (pending.isAbandoned ? 2 : 0)
        digest.add(pending.number << 2 | marks)
      }
      digest.add(.max)
      for pending in fold.waiting { digest.add(pending.number) }
      for attempt in fold.earlier { digest.add(attempt.ballot) }
    }
    return digest.value
  }
}

extension Fold.Pending {
  @inlinable
  var number: UInt64 {
    switch origin {
    case .client(let id): id.rawValue
    case .task: .max >> 2
    }
  }
}

extension Core {
  @usableFromInline
  func add(to digest: inout Fingerprint64) {
    digest.add(now.rawValue)
    digest.add(random.state ^ trips.eightfold << 48)
    digest.add(trips.measuredAt.rawValue)
    digest.add(nextWake)
    digest.add(stopped == nil ? 0 : 1)
    digest.add(floor)
    digest.add(ballots.counter)
    digest.add(ballots.reserved ^ ballots.requested << 32)
    outbox.add(to: &digest)
    members.add(to: &digest)
    for listing in listings.open { listing.add(to: &digest) }
    for (round, alarm) in zip(rounds, alarms) {
      round.add(to: &digest)
      digest.add(alarm.rawValue)
    }
    for slot in freeSlots { digest.add(UInt64(slot)) }
    for slot in starved { digest.add(UInt64(slot) << 32) }
    for shard in table.shards {
      for cell in shard.cells { cell.add(to: &digest) }
    }
  }
}

extension Members {
  fileprivate func add(to digest: inout Fingerprint64) {
    let marks: UInt64 = (isRetired ? 1 : 0) | (isDriver ? 2 : 0) | (isStepping ? 4 : 0)
    digest.add(adopted.revision << 8 | marks)
    digest.add(batch.rawValue << 32 ^ UInt64(tasks))
    digest.add(dutySince)
    digest.add(resumeAt ?? 0)
    digest.add(resumeFloor)
    for learner in ready { digest.add(UInt64(learner.voter.rawValue) ^ learner.at.rawValue << 32) }
    for driver in heardDrivers {
      digest.add(UInt64(driver.voter.rawValue) << 32 ^ UInt64(driver.progress))
    }
    guard let transfer else { return }
    digest.add(transfer.through ?? 1)
    digest.add(transfer.floor)
    digest.add(UInt64(transfer.waiting.count) << 32 ^ UInt64(transfer.begun.count))
    switch transfer.phase {
    case .waiting(let time): digest.add(time.rawValue)
    case .listing: digest.add(2)
    case .settling: digest.add(3)
    case .concluding: digest.add(4)
    }
  }
}

extension Listing {
  fileprivate func add(to digest: inout Fingerprint64) {
    digest.add(UInt64(number))
    digest.add(name)
    digest.add(votes.bits)
    for answer in answers {
      digest.add(UInt64(answer.page.entries.count))
      for entry in answer.page.entries { digest.add(entry.accepted) }
    }
  }
}

extension Outbox {
  fileprivate func add(to digest: inout Fingerprint64) {
    digest.add(issued.rawValue << 32 ^ durable.rawValue)
    for held in waiting {
      digest.add(held.batch.rawValue << 32 ^ UInt64(held.to.rawValue) << 8)
      digest.add(UInt64(held.message.kind.rawValue) << 32 ^ UInt64(held.message.slot))
      digest.add(held.message.ballot)
      digest.add(held.message.accepted)
      digest.add(held.message.promised)
      digest.add(held.message.floor)
    }
  }
}

extension Round {
  fileprivate func add(to digest: inout Fingerprint64) {
    digest.add(UInt64(phase.number) << 32 | UInt64(failures) << 8 | (mustPrepare ? 1 : 0))
    digest.add(ballot)
    digest.add(votes.bits ^ refused.bits << 20 ^ agreeing.bits << 40)
    digest.add(promising.bits)
    digest.add(highest)
    digest.add(next)
    digest.add(base)
    digest.add(wake)
    digest.add(waitsUntil)
    digest.add(deadline)
    digest.add(retransmitAt.rawValue << 32 ^ sentAt.rawValue)
  }
}

extension Round.Phase {
  fileprivate var number: UInt8 {
    switch self {
    case .free: 0
    case .idle: 1
    case .reading: 2
    case .preparing: 3
    case .accepting: 4
    case .backingOff: 5
    case .starved: 6
    }
  }
}

extension RegisterTable.Cell {
  fileprivate func add(to digest: inout Fingerprint64) {
    digest.add(hash)
    digest.add(promised)
    digest.add(accepted)
    digest.add(state)
    digest.add(batch.rawValue << 40 ^ UInt64(truncatingIfNeeded: round) << 8 ^ UInt64(streak))
    digest.add(armed)
    digest.add(rivals.bits)
    digest.add(restUntil.rawValue)
  }
}

/// Numbers folded into one.
@usableFromInline
struct Fingerprint64 {
  @usableFromInline private(set) var value: UInt64 = 0x9e37_79b9_7f4a_7c15

  @inlinable init() {}

  @inlinable
  mutating func add(_ number: UInt64) {
    let wide = (value ^ number).multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
    value = wide.high ^ wide.low &+ 0xa076_1d64_78bd_642f
  }

  @inlinable
  mutating func add(_ ballot: Ballot) {
    add(ballot.counter << 24 ^ UInt64(ballot.voter.rawValue) ^ UInt64(ballot.epoch.rawValue) << 16)
  }

  @usableFromInline
  mutating func add(_ time: Ticks?) { add(time.map(\.rawValue) ?? .max) }

  @usableFromInline
  mutating func add(_ state: RegisterState) {
    add(state.version.ballot)
    add(UInt64(state.version.step) << 32 | UInt64(state.lineage.count))
  }
}
