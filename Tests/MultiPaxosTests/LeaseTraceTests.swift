import MultiPaxos
import Synod
import Testing

/// What a leader that reads alone relies on, where each part of rule 45 is needed.
@Suite struct LeaseTraceTests {
  private typealias Machine = CalculatorMachine
  private let first = ReadTests.ballot(5, 1)
  private let second = ReadTests.ballot(9, 3)

  private func heartbeat(_ ballot: Ballot, _ round: UInt64, to machine: inout Machine) {
    machine.receive(.heartbeat(ballot, chosen: .none, round: round), from: ballot.voter)
  }

  /// What the machine grants in answer to a heartbeat.
  private func granted(in round: UInt64, by machine: inout Machine) -> UInt64? {
    heartbeat(first, round, to: &machine)
    var ready = Ready<Machine>()
    machine.drain(into: &ready)
    for envelope in ready.messages {
      if case .echo(_, round, _, let granted) = envelope.message { return granted }
    }
    return nil
  }

  /// Whoever led first is no exception from what was granted to a later one.
  @Test func theFirstLeaderIsRefusedDuringAGrantOfALaterOne() {
    var machine = ReadTests().granted(to: first)
    machine.tick(to: Ticks(201))
    heartbeat(second, 1, to: &machine)
    #expect(machine.status.promised == second)
    machine.tick(to: Ticks(202))
    let again = ReadTests.ballot(12, 1)
    machine.tick(to: Ticks(401))
    machine.receive(.prepare(again, from: Slot(1)), from: VoterID(1))
    heartbeat(again, 1, to: &machine)
    #expect(machine.status.promised == second)
    machine.tick(to: Ticks(402))
    machine.receive(.prepare(again, from: Slot(1)), from: VoterID(1))
    #expect(machine.status.promised == again)
  }

  /// How long grants may be is durable before one is given: a restart refuses everyone for so long.
  @Test func nothingIsGrantedBeforeItsLengthIsDurable() throws {
    let before = ReadTests().granted(to: first)
    var records: [Record] = []
    var cursor: Machine.Cursor?
    repeat {
      cursor = before.restate(after: cursor, limit: 100, into: &records)
    } while cursor != nil
    var settings = before.settings
    settings.leaseDuration = 1000
    var machine = Machine(settings)
    for record in records { try machine.restore(record) }
    machine.tick(to: Ticks(1000))
    var ready = Ready<Machine>()
    machine.drain(into: &ready)
    #expect(ready.persist.contains(.grants(1000)))
    // What an earlier life granted is over.
    machine.tick(to: Ticks(1200))
    #expect(granted(in: 2, by: &machine) == 0)
    machine.persisted(through: ready.batch)
    #expect(granted(in: 3, by: &machine) == 1000)
  }

  /// A lease is trusted from when it was asked for, however late the answer is.
  @Test func aLeaseCountsFromTheQuestion() {
    var world = World(3) {
      ReadTests.leased(&$0)
      $0.decorations.checksQuorum = false
    }
    world.elect()
    let leader = world.leader!
    _ = world.end(.command(.add(3)), at: leader.rawValue)
    world.pass(60)
    world.isHeldBack = { if case .echo = $0.message { true } else { false } }
    world.now += 190
    world.turn(leader)
    world.calm()
    // Answered 150 ticks later, when no earlier answer counts any more; what is asked then, never.
    world.isHeldBack = { if case .heartbeat = $0.message { true } else { false } }
    world.now += 150
    world.turn(leader)
    world.calm()
    #expect(ReadTests().readUnderLease(at: leader, after: 40, &world)?.number == 3)
    let late = ReadTests().readUnderLease(at: leader, after: 10, &world)
    #expect(late == .notApplied(.noLease))
  }

  /// {A, B, C} become {B, C, D} from slot 2 on. b1 is led by D, which reads alone by what B granted it; b2
  /// by C, with A, which know nothing of that. B restarts, and C asks it for slot 2.
  @Test func nothingIsChosenWhileAnotherLeaderReadsAlone() {
    var world = World(3, window: 1) {
      ReadTests.leased(&$0)
      $0.decorations.checksQuorum = false
      $0.decorations.standsForLeader = $0.voter == VoterID(3)
    }
    var joiner = MembershipTests.joiner(4, window: 1)
    ReadTests.leased(&joiner)
    joiner.decorations.checksQuorum = false
    joiner.decorations.standsForLeader = false
    world.add(joiner)
    TraceTests().led(by: 2, &world)
    let start = world[2].status.applied
    // A and C accept the change, and are not told that it is chosen.
    let isOutside = { (voter: VoterID) in voter.rawValue % 2 == 1 }
    world.isHeldBack = { parcel in
      guard isOutside(parcel.to), !isOutside(parcel.from) else { return false }
      switch parcel.message {
      case .accept(let accept): return accept.first > start.next
      case .heartbeat(_, let chosen, _): return chosen > start
      default: return false
      }
    }
    world.propose(
      .changeMembership(
        MembershipChange([.remove(VoterID(1)), .add(MembershipTests.member(4))])), at: 2)
    world.calm()
    world.pass(30)
    world.pass(30)
    #expect(world[4].status.isVoter)
    world.isHeldBack = { isOutside($0.from) != isOutside($0.to) }
    #expect(world.end(.transferLeadership(to: VoterID(4)), at: 2) == .transferred(to: VoterID(4)))
    // b2 is the higher one.
    world.with(VoterID(3)) {
      $0.receive(.refused(.zero, promised: ReadTests.ballot(20, 2)), from: VoterID(2))
    }
    for _ in 0..<60 where !world[3].status.isLeading { world.pass(20) }
    for _ in 0..<5 { world.pass(20) }
    #expect(world[3].status.isLeading && world[4].status.isLeading)
    #expect(world[3].status.promised > world[4].status.promised)
    #expect(world[3].status.applied == start.next)
    #expect(ReadTests().readUnderLease(at: VoterID(4), &world)?.number == 0)

    // From here on D is heard by nobody.
    world.restart(VoterID(2))
    world.isHeldBack = { $0.from == VoterID(4) || $0.to == VoterID(4) }
    // What C asked of B arrives now.
    world.network.removeAll { $0.from != VoterID(3) || $0.to != VoterID(2) }
    let told = world.add(10, at: 3)
    var trusted = 0
    for _ in 0..<400 where world.completions[told] == nil {
      world.now += 5
      for voter in 1...3 as ClosedRange<UInt32> { world.turn(VoterID(voter)) }
      world.calm()
      let answer = ReadTests().readUnderLease(at: VoterID(4), &world)
      guard answer?.number != nil else { continue }
      #expect(world.completions[told] == nil)
      trusted += 1
    }
    #expect(world.completions[told] == .applied(.value(10), at: start.next.next))
    #expect(trusted > 20)
    #expect(world.problems == [])
  }
}
