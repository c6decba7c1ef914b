#if SQLite
  import CASPaxos
  import Synod
  import SynodConformance
  import SynodRuntime
  import Testing
  import UV

  @Suite struct SQLiteStorageTests {
    /// Databases in directories of their own.
    static var conformance: StorageConformance {
      StorageConformance {
        let directory = TemporaryDirectory()
        return { loop in
          try SQLiteStorage(loop, path: "\(directory.path)/store", checkpointAfter: 1 << 20)
        }
      }
    }

    @Test(arguments: conformance.rules.map(\.name))
    func theStorageOnSQLiteHoldsToTheRules(rule: String) throws {
      try Self.conformance.rules.first { $0.name == rule }?.check()
    }

    @Test func aNodeOnSQLiteGoesOnAfterACheckpoint() async throws {
      let directory = TemporaryDirectory()
      func start() throws -> Node<CASPaxos.Machine<Increment>> {
        let loop = try Loop()
        let configuration = try Configuration(epoch: Epoch(1), voters: [VoterID(1)])
        let node = try Node<CASPaxos.Machine<Increment>>(
          Settings(voter: VoterID(1), configuration: configuration, seed: 3), loop: loop,
          storage: SQLiteStorage(loop, path: "\(directory.path)/store", checkpointAfter: 500),
          transport: MemoryTransport(
            loop, network: MemoryNetwork(), voter: VoterID(1), peers: [VoterID(1)]))
        try node.start()
        return node
      }
      for life in 0..<3 as Range<Int64> {
        let node = try start()
        for visit in 1...20 as ClosedRange<Int64> {
          #expect(try await countVisit(on: node) == life * 20 + visit)
        }
        await node.stop()
      }
    }
  }
#else
  import Testing

  @Test(.disabled("install libsqlite3-dev, and say: swift test --traits SQLite"))
  func theStorageOnSQLiteHoldsToTheRules() {}
#endif
