import Synod
import Testing

@testable import CASPaxos

/// Inputs that are handed over together, and the looks ahead that this allows.
struct TogetherTests {
  /// A machine that was started, its first batch durable.
  private func machine(_ voter: UInt32) -> CounterMachine {
    var machine = CounterMachine(.test(voter))
    var ready = Ready<CounterMachine>()
    machine.tick(to: Ticks(1))
    machine.drain(into: &ready)
    machine.persisted(through: ready.batch)
    return machine
  }

  private func drain(_ machine: inout CounterMachine) -> Ready<CounterMachine> {
    var ready = Ready<CounterMachine>()
    machine.drain(into: &ready)
    if !ready.persist.isEmpty { machine.persisted(through: ready.batch) }
    return ready
  }

  @Test func whatComesTogetherIsAsIfItCameOneByOne() {
    var (alone, together) = (machine(1), machine(1))
    var (peerAlone, peerTogether) = (machine(2), machine(2))
    var (ends, random) = (0, SplitMix(seed: 7))
    for turn in 0..<40 {
      let proposals = (0..<UInt64(random.next() % 70)).map { number in
        // Some keys are deleted again and again, so that registers move within the table.
        let key = Bytes("key number \(random.next() % 300)")
        return (
          proposal: Proposal<Counter>(
            key: key, operation: .change(random.next() % 4 == 0 ? .get : .add(1))),
          id: ProposalID(UInt64(turn) << 32 | number)
        )
      }
      for (proposal, id) in proposals { alone.propose(proposal, as: id) }
      together.propose(proposals)
      #expect(alone == together)
      // Until nothing is said any more.
      while alone.hasReady || peerAlone.hasReady {
        let (ready, sameReady) = (drain(&alone), drain(&together))
        ends += ready.completed.count
        #expect(ready.persist == sameReady.persist && ready.messages == sameReady.messages)
        #expect(ready.completed == sameReady.completed)
        let requests = ready.messages.map(\.message)
        for message in requests { peerAlone.receive(message, from: VoterID(1)) }
        peerTogether.receive(requests, from: VoterID(1))
        #expect(peerAlone == peerTogether)
        var replies = drain(&peerAlone).messages.map(\.message)
        _ = drain(&peerTogether)
        replies += drain(&peerAlone).messages.map(\.message)
        _ = drain(&peerTogether)
        for message in replies { alone.receive(message, from: VoterID(2)) }
        together.receive(replies, from: VoterID(2))
        #expect(alone == together)
      }
    }
    #expect(ends > 1000 && together.openProposals == 0)
  }

  @Test func keysThatDifferInOneByteAreDifferentKeys() {
    var table = RegisterTable(shards: 1, seed: 1)
    var keys: [Bytes] = [Bytes()]
    for length in 1...24 {
      let zeros = [UInt8](repeating: 0, count: length)
      keys.append(Bytes(zeros))
      for place in 0..<length {
        var other = zeros
        other[place] = 1
        keys.append(Bytes(other))
      }
    }
    // All under one hash: only the keys tell them apart.
    let places = keys.map { table.findOrInsert($0, hash: 3) }
    #expect(table.count == keys.count)
    for (key, place) in zip(keys, places) { #expect(table.find(key, hash: 3) == place) }
  }
}
