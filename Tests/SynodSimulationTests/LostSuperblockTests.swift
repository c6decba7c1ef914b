import Synod
import SynodJournal
import SynodSimulation
import Testing

/// Of two superblocks one may be written and never land, and the other be torn.
@Suite struct LostSuperblockTests {
  private static let settings = JournalSettings(
    logBytes: 32 << 10, maxPayload: 4 << 10, checkpointAfter: 64 << 10, ballastBytes: 0,
    choreBytes: 8 << 10)

  private static func open(_ disk: SimulatedDisk) -> SimulatedStore? {
    for _ in 0..<200 {
      let opening = SimulatedStore.open(
        on: disk, cluster: ClusterID(token: "", voters: []), voter: VoterID(1),
        ifBlank: StoreID(Identity128(high: 1, low: 2)), settings: settings)
      if case .opened(let store) = opening { return store }
    }
    return nil
  }

  @Test(arguments: 0..<150)
  func whatWasPinnedStaysPinned(_ seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    var faults = DiskFaults()
    faults.lostWrites = 20_000
    let disk = SimulatedDisk(seed: seed, faults: faults)
    var pinned: [VoterID] = []
    var next: UInt32 = 2
    for _ in 0..<8 {
      let store = try #require(Self.open(disk))
      for voter in pinned { #expect(store.pinned(voter) != nil, "\(voter)") }
      var steps = 1 + random.next() % 40
      while steps > 0, store.failure == nil {
        store.pin(VoterID(next), StoreID(Identity128(high: 9, low: 9)), token: UInt64(next))
        next += 1
        guard store.begin(.chores) != nil else { break }
        steps -= 1
        while steps > 0, store.finish(.chores).goesOn != nil { steps -= 1 }
        for case .pinned(let token, true) in store.takeEvents() {
          pinned.append(VoterID(UInt32(token)))
        }
      }
      store.crash(.powerCut)
    }
  }
}
