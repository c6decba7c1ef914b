import CASPaxos
import Synod
import Testing

/// A runtime of your own: what drives one machine. Its world is three lists.
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
    private var waiting: [Machine.Record] = []
    private var appended = PersistBatch.none

    var durable: PersistBatch {
      mutating get {
        records += waiting
        waiting = []
        return appended
      }
    }

    mutating func append(_ records: [Machine.Record], as batch: PersistBatch) {
      waiting += records
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

private typealias Machine = CASPaxos.Machine<SetValue>

private let voters = [VoterID(1), VoterID(2), VoterID(3)]

private func settings(_ voter: VoterID) throws -> Settings {
  Settings(voter: voter, configuration: try Configuration(epoch: Epoch(1), voters: voters), seed: 7)
}

@Test func aLoopOfTenLinesDrivesThreeMachines() throws {
  let network = Driver<Machine>.Network(voters)
  var drivers = try voters.map { Driver(machine: Machine(try settings($0)), id: $0) }
  let hello = Proposal(key: "k", operation: .change(SetValue("hello")))
  drivers[0].machine.propose(hello, as: ProposalID(1))
  for turn in 1...20 as ClosedRange<UInt64> {
    for index in drivers.indices { drivers[index].turn(at: Ticks(turn), on: network) }
  }
  #expect(drivers[0].clients.told.count == 1)
  guard case .applied(_, let register)? = drivers[0].clients.told.first?.result else {
    Issue.record("the proposal was not applied")
    return
  }
  #expect(register.value == "hello")
}

/// Whichever turn a node loses its memory after: what it had made durable is enough to go on.
@Test(arguments: 1...12) func aMachineGoesOnFromItsRecords(crash: Int) throws {
  let network = Driver<Machine>.Network(voters)
  var drivers = try voters.map { Driver(machine: Machine(try settings($0)), id: $0) }
  let hello = Proposal(key: "k", operation: .change(SetValue("hello")))
  drivers[0].machine.propose(hello, as: ProposalID(1))
  for turn in 1...400 {
    if turn == crash {
      let disk = drivers[1].disk
      drivers[1] = Driver(machine: Machine(try settings(voters[1])), id: voters[1])
      for record in disk.records { try drivers[1].machine.restore(record) }
    }
    for index in drivers.indices { drivers[index].turn(at: Ticks(UInt64(turn)), on: network) }
    if turn == 200 {
      drivers[1].machine.propose(Proposal(key: "k", operation: .read), as: ProposalID(2))
    }
  }
  guard case .read(let register)? = drivers[1].clients.told.last?.result else {
    Issue.record("the read did not end: \(drivers[1].clients.told)")
    return
  }
  #expect(register.value == "hello")
}
