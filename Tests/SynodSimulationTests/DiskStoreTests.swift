import Synod
import SynodJournal
import SynodSimulation
import Testing

/// A store's life on a simulated disk, step by step.
@Suite struct DiskStoreTests {
  @Test func aFailedCommitIsFinal() {
    let lives = DiskLives(seed: 1)
    #expect(lives.open())
    lives.append(10)
    lives.settle()
    #expect(lives.acknowledged == 1)
    lives.disk.faults.failedSyncs = 1_000_000
    lives.append(10)
    lives.settle()
    lives.disk.faults.failedSyncs = 0
    lives.append(10)
    lives.settle()
    #expect(lives.store?.failure != nil && lives.acknowledged == 1)
    lives.crash(.kill)
    #expect(lives.open() && lives.violations == [])
  }

  @Test func aLostDiskComesBackBlankWithAnotherIdentity() {
    let lives = DiskLives(seed: 2)
    #expect(lives.open())
    let before = lives.store?.identity.store
    lives.crash(.kill)
    lives.disk.lose()
    let opening = SimulatedStore.open(
      on: lives.disk, cluster: DiskLives.cluster, voter: VoterID(1),
      ifBlank: StoreID(Identity128(high: 9, low: 9)), settings: DiskLives.settings)
    guard case .opened(let store) = opening else {
      Issue.record("not opened")
      return
    }
    #expect(store.isNew && store.identity.store != before && lives.disk.isDamaged)
  }

  @Test func aStoreOfAnotherVoterIsRefused() {
    let lives = DiskLives(seed: 3)
    #expect(lives.open())
    lives.crash(.kill)
    let opening = SimulatedStore.open(
      on: lives.disk, cluster: DiskLives.cluster, voter: VoterID(2),
      ifBlank: StoreID(Identity128(high: 9, low: 9)), settings: DiskLives.settings)
    guard case .refused(.foreign(_, VoterID(1))) = opening else {
      Issue.record("not refused")
      return
    }
  }

  /// Why a plan never rolls a whole disk back: the store is sound, and knows nothing.
  @Test func aWholeDiskThatGoesBackIsNotNoticed() {
    let lives = DiskLives(seed: 4)
    #expect(lives.open())
    lives.append(10)
    lives.settle()
    let snapshot = lives.disk.snapshot()
    lives.append(10)
    lives.settle()
    #expect(lives.acknowledged == 2)
    lives.crash(.kill)
    lives.disk.restore(snapshot)
    #expect(lives.open())
    #expect(lives.violations.count == 1 && lives.refusal == nil)
  }

  @Test func aLogThatGoesBackIsRefused() {
    let lives = DiskLives(seed: 5)
    lives.disk.mayBeDamaged = true
    lives.disk.faults.rolledBack = 1
    #expect(lives.live())
    #expect(lives.open())
    lives.append(10)
    lives.settle()
    for _ in 0..<100 where lives.disk.damageAtRest() != nil { break }
    lives.crash(.powerCut)
    #expect(lives.disk.counts[.rolledBack] == 1)
    #expect(!lives.open() && lives.refusal != nil && lives.violations == [])
  }

  @Test func onAFullDiskVotesGoOnFromTheBallastAndSpaceComesBack() {
    let lives = DiskLives(seed: 6)
    #expect(lives.open())
    lives.append(10)
    lives.settle()
    lives.disk.capacity = lives.disk.usedBytes
    for _ in 0..<12 {
      lives.append(4000)
      lives.settle()
    }
    #expect(lives.store?.isLowOnSpace == true && lives.store?.failure == nil)
    #expect(lives.acknowledged > 9)
    lives.disk.capacity = nil
    for _ in 0..<1000 where lives.store?.isLowOnSpace == true { _ = lives.step() }
    lives.settle()
    #expect(lives.store?.isLowOnSpace == false && lives.acknowledged == lives.issued)
    lives.crash(.powerCut)
    #expect(lives.open() && lives.violations == [])
  }

  @Test func aPinThatWasAnsweredIsThereAfterAPowerCut() {
    let lives = DiskLives(seed: 7)
    #expect(lives.open())
    lives.pin()
    #expect(lives.pinned.isEmpty)
    lives.settle()
    #expect(lives.pinned == [2])
    lives.crash(.powerCut)
    #expect(lives.open() && lives.violations == [])
    #expect(lives.store?.pinned(VoterID(2)) == StoreID(Identity128(high: 1, low: 2)))
  }

  @Test func aCleanEndIsFound() {
    let lives = DiskLives(seed: 8)
    #expect(lives.open())
    lives.append(10)
    lives.close()
    #expect(lives.store == nil && lives.acknowledged == 1)
    #expect(lives.open() && lives.store?.survey?.superblock.isClean == true)
  }
}
