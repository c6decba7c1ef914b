import Synchronization
import Synod
import Testing
import UV

@testable import SynodRuntime

@Suite struct NodeTests {
  let voters = [VoterID(1), VoterID(2), VoterID(3)]

  func alone(
    _ disk: MemoryDisk, syncMilliseconds: UInt64 = 0, checkpointEvery: Int = 10_000
  ) throws -> Node<Ledger> {
    let loop = try Loop()
    return try Node(
      Ledger.Settings(voter: VoterID(1)), loop: loop,
      storage: MemoryStorage(
        loop, disk: disk, syncMilliseconds: syncMilliseconds, checkpointEvery: checkpointEvery),
      transport: MemoryTransport(loop, network: MemoryNetwork(), voter: VoterID(1), peers: []))
  }

  @Test func aProposalIsAppliedOnceItIsDurableAndSurvivesARestart() async throws {
    let disk = MemoryDisk()
    let node = try alone(disk)
    try node.start()
    #expect(try await node.add(5) == .applied(total: 5))
    #expect(try await node.add(6) == .applied(total: 11))
    #expect(disk.unsyncedCount == 0)
    await node.stop()
    let again = try alone(disk)
    try again.start()
    #expect(try await again.add(1) == .applied(total: 12))
    await again.stop()
    await again.stop()
  }

  @Test func whatManyTasksProposeIsGroupedAndNothingIsLost() async throws {
    let disk = MemoryDisk()
    let node = try alone(disk, syncMilliseconds: 1)
    try node.start()
    let count = 500
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<count { group.addTask { _ = try await node.add(1) } }
      try await group.waitForAll()
    }
    #expect(try await node.add(0) == .applied(total: UInt64(count)))
    await node.stop()
    #expect(node.counters.records == UInt64(count + 1))
    #expect(node.storage.statistics.syncs < UInt64(count))
  }

  @Test func aStoppedNodeTakesNothingAndSaysSo() async throws {
    let node = try alone(MemoryDisk())
    try node.start()
    await node.stop()
    await #expect {
      _ = try await node.add(1)
    } throws: {
      if case NodeError.stopped = $0 { true } else { false }
    }
    #expect(!node.onLoop { _ in })
  }

  @Test func whatWasTakenWhileANodeBeginsToStopIsRun() async throws {
    let node = try alone(MemoryDisk())
    let isTaken = Atomic(false)
    let isRun = Atomic(false)
    node.onStopping = { [unowned node] in
      let taken = node.onLoop { _ in isRun.store(true, ordering: .relaxed) }
      isTaken.store(taken, ordering: .relaxed)
    }
    try node.start()
    await node.stop()
    #expect(isTaken.load(ordering: .relaxed) && isRun.load(ordering: .relaxed))
  }

  @Test func aNodeThatNeverStartedCanBeStopped() async throws {
    let node = try alone(MemoryDisk())
    await node.stop()
  }

  /// A node whose store never answers: what is proposed stays open.
  func stuck() throws -> Node<Ledger> {
    let loop = try Loop()
    return try Node(
      Ledger.Settings(voter: VoterID(1)), loop: loop, storage: StubStorage(),
      transport: StubTransport())
  }

  @Test func stoppingAnswersWhatIsOpen() async throws {
    let node = try stuck()
    try node.start()
    async let outcome = node.add(1)
    let isOpen = Mutex(false)
    while !isOpen.withLock({ $0 }) {
      node.onLoop { node in
        if node.counters.records > 0 { isOpen.withLock { $0 = true } }
      }
      await Task.yield()
    }
    await node.stop()
    #expect(try await outcome == .cancelled)
  }

  @Test func aCancelledTaskGivesItsProposalUp() async throws {
    let node = try stuck()
    try node.start()
    let task = Task { try await node.add(1) }
    let early = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await node.add(1)
    }
    #expect(try await early.value == .cancelled)
    task.cancel()
    #expect(try await task.value == .cancelled)
    await node.stop()
  }

  @Test func aDeadlineIsKeptThoughNothingElseHappens() async throws {
    let node = try stuck()
    let now = Ticks(node.loop.now)
    try node.start()
    let proposal = Ledger.Proposal(amount: 1, deadline: now.advanced(by: 20))
    #expect(try await node.propose(proposal).outcome == .expired)
    await node.stop()
  }

  @Test func aFailedSyncIsFinalAndEveryClientIsTold() async throws {
    let disk = MemoryDisk()
    let node = try alone(disk)
    let reasons = Mutex<[String]>([])
    node.onStorageFailure = { reason in reasons.withLock { $0.append(reason) } }
    try node.start()
    #expect(try await node.add(1) == .applied(total: 1))
    disk.failSyncs(because: "the disk is on fire")
    #expect(try await node.add(2) == .storageFailed)
    #expect(reasons.withLock { $0 } == ["the disk is on fire"])
    await node.stop()
    #expect(node.storageFailure == "the disk is on fire")
  }

  @Test func aCrashLosesOnlyWhatWasNotAcknowledged() async throws {
    for kept in 0...2 {
      let disk = MemoryDisk()
      let node = try alone(disk)
      try node.start()
      for _ in 0..<10 { _ = try await node.add(1) }
      disk.crash(keepingUnsynced: kept)
      let again = try alone(disk)
      #expect(again.machine.total == 10)
      await node.stop()
      try again.start()
      #expect(try await again.add(1) == .applied(total: 11))
      await again.stop()
    }
  }

  @Test func checkpointsKeepTheLogShortAndLoseNothing() async throws {
    let disk = MemoryDisk()
    let node = try alone(disk, checkpointEvery: 20)
    try node.start()
    for _ in 0..<300 { _ = try await node.add(1) }
    await node.stop()
    #expect(node.storage.statistics.checkpoints > 1)
    #expect(disk.batchCount < 300)
    let again = try alone(disk)
    #expect(again.machine.total == 300)
  }

  @Test func threeNodesOverALossyNetworkAnswerInTheEnd() async throws {
    let network = MemoryNetwork()
    network.lose(permille: 200, seed: 7)
    var nodes: [Node<Ledger>] = []
    for voter in voters {
      let loop = try Loop()
      let settings = Ledger.Settings(voter: voter, peers: voters.filter { $0 != voter })
      nodes.append(
        try Node(
          settings, loop: loop, storage: MemoryStorage(loop, disk: MemoryDisk()),
          transport: MemoryTransport(loop, network: network, voter: voter, peers: voters)))
    }
    for node in nodes { try node.start() }
    try await withThrowingTaskGroup(of: Void.self) { [nodes] group in
      for i in 0..<60 { group.addTask { _ = try await nodes[i % 3].add(1) } }
      try await group.waitForAll()
    }
    for node in nodes { await node.stop() }
    #expect(nodes.map(\.machine.total) == [20, 20, 20])
    #expect(nodes.map(\.machine.inputsBeforeTick) == [0, 0, 0])
  }
}
