import CASPaxos
import Synod
import SynodRuntime
import Testing
import UV

// The README shows parts of this file, word for word; `ReadmeTests` compares them.

/// A driver of ten lines: its world is three lists.
struct Driver<Machine: ConsensusMachine> {
  var machine: Machine
  let id: VoterID
  var disk = Disk()
  var clients = Clients()
  var ready = Ready<Machine>()

  mutating func turn(at now: Ticks, on network: Network) {
    machine.tick(to: now)
    for (message, sender) in network.arrived(for: id) { machine.receive(message, from: sender) }
    machine.persisted(through: disk.durable)
    while machine.hasReady {
      machine.drain(into: &ready)
      if !ready.persist.isEmpty { disk.append(ready.persist, as: ready.batch) }
      network.send(ready.messages, from: id)
      clients.tell(ready.completed)
    }
  }

  /// Takes a turn to make durable what was appended.
  struct Disk {
    private(set) var records: [Machine.Record] = []
    private var appended = PersistBatch.none
    private var written = PersistBatch.none

    var durable: PersistBatch {
      mutating get {
        defer { written = appended }
        return written
      }
    }

    mutating func append(_ records: [Machine.Record], as batch: PersistBatch) {
      self.records += records
      appended = batch
    }
  }

  struct Clients {
    private(set) var told: [Machine.Completion] = []
    mutating func tell(_ completions: [Machine.Completion]) { told += completions }
  }

  final class Network {
    private let voters: [VoterID]
    private var waiting: [VoterID: [(Machine.Message, VoterID)]] = [:]

    init(_ voters: [VoterID]) { self.voters = voters }

    func send(_ messages: [Envelope<Machine.Message>], from sender: VoterID) {
      for envelope in messages {
        switch envelope.to {
        case .voter(let voter): waiting[voter, default: []].append((envelope.message, sender))
        case .peers:
          for voter in voters where voter != sender {
            waiting[voter, default: []].append((envelope.message, sender))
          }
        }
      }
    }

    func arrived(for voter: VoterID) -> [(Machine.Message, VoterID)] {
      waiting.removeValue(forKey: voter) ?? []
    }
  }
}

typealias Registers = CASPaxos.Machine<ClosureChange<Void, Never>>

private let three = [VoterID(1), VoterID(2), VoterID(3)]

private func machine(_ voter: VoterID) throws -> Registers {
  let configuration = try Configuration(epoch: Epoch(1), voters: three)
  return Registers(Settings(voter: voter, configuration: configuration, seed: 7))
}

private func setHello() -> Proposal<ClosureChange<Void, Never>> {
  Proposal(key: "k", operation: .change(ClosureChange { _ in .write("hello", ()) }))
}

@Test func theLoopOfTheReadmeDrivesThreeMachines() throws {
  let network = Driver<Registers>.Network(three)
  var drivers = try three.map { Driver(machine: try machine($0), id: $0) }
  drivers[0].machine.tick(to: Ticks(1))
  drivers[0].machine.propose(setHello(), as: ProposalID(1))
  for turn in 1...20 {
    for index in drivers.indices { drivers[index].turn(at: Ticks(UInt64(turn)), on: network) }
  }
  let told = drivers[0].clients.told
  #expect(told.count == 1)
  guard case .applied(_, let register)? = told.first?.result else {
    Issue.record("the proposal was not applied")
    return
  }
  #expect(register.value == "hello")
}

@Test func aVoteLeavesOnceItIsDurable() throws {
  var (proposer, acceptor) = (try machine(VoterID(1)), try machine(VoterID(2)))
  var ready = Ready<Registers>()
  proposer.propose(setHello(), as: ProposalID(1))
  proposer.drain(into: &ready)
  proposer.persisted(through: ready.batch)  // the range that its ballots come from
  proposer.drain(into: &ready)
  let prepare = try #require(ready.messages.first?.message)

  acceptor.receive(prepare, from: VoterID(1))
  acceptor.drain(into: &ready)
  #expect(!ready.persist.isEmpty && ready.messages.isEmpty)
  acceptor.persisted(through: ready.batch)
  acceptor.drain(into: &ready)
  #expect(ready.messages.map(\.message.kind) == [.promise])
}

@Test func aNodeTakesAnyTransport() async throws {
  let disks = three.map { _ in MemoryDisk() }
  let network = MemoryNetwork()
  func makeNode(_ voter: VoterID, _ disk: MemoryDisk) throws -> Node<Registers> {
    let settings = Settings(
      voter: voter, configuration: try Configuration(epoch: Epoch(1), voters: three), seed: 7)
    let loop = try Loop()
    let transport = MemoryTransport(loop, network: network, voter: voter, peers: three)
    let storage = MemoryStorage(loop, disk: disk)
    return try Node<Registers>(settings, loop: loop, storage: storage, transport: transport)
  }
  let nodes = try zip(three, disks).map { try makeNode($0, $1) }
  for node in nodes { try node.start() }
  let completion = try await nodes[0].propose(setHello())
  guard case .applied = completion.result else {
    Issue.record("the proposal was not applied: \(completion)")
    return
  }
  for node in nodes { await node.stop() }
}

func decide(_ leader: Bytes, on node: Node<CASPaxos.Machine<Decide>>) async throws -> Bytes? {
  let proposal = Proposal(key: "leader", operation: .change(Decide(leader)))
  switch try await node.propose(proposal).result {
  case .applied(let decided, _): return decided
  case .notApplied, .unknown, .read, .listed, .membership: return nil
  }
}

@Test func aRegisterThatIsWrittenOnceGivesTheSameToAll() async throws {
  let network = MemoryNetwork()
  let nodes = try three.map { voter in
    let loop = try Loop()
    return try Node<CASPaxos.Machine<Decide>>(
      Settings(
        voter: voter, configuration: try Configuration(epoch: Epoch(1), voters: three), seed: 7),
      loop: loop, storage: MemoryStorage(loop, disk: MemoryDisk()),
      transport: MemoryTransport(loop, network: network, voter: voter, peers: three))
  }
  for node in nodes { try node.start() }
  #expect(try await decide("one", on: nodes[0]) == "one")
  #expect(try await decide("two", on: nodes[1]) == "one")
  for node in nodes { await node.stop() }
}
