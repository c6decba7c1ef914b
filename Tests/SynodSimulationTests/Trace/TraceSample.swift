import Synod
import SynodSimulation

/// A conversation made by hand: 2 writes under 1.2 while 1 is cut off; a message is lost, one comes
/// twice, 3 crashes between its promise and its answer, and 1 takes over under 2.1.
enum TraceSample {
  static let events: [TraceEvent] = {
    var script = Script()
    script.conversation()
    return script.events
  }()

  struct Script {
    var events: [TraceEvent] = []
    private var time: UInt64 = 0

    mutating func say(
      _ voter: UInt32?, _ kind: TraceEvent.Kind, _ title: String, _ ballot: Ballot? = nil,
      after microseconds: UInt64 = 0, _ fields: [TraceText.Field] = []
    ) {
      time += microseconds
      events.append(
        TraceEvent(
          time: time, number: UInt64(events.count), voter: voter.map { VoterID($0) }, kind: kind,
          text: TraceText(title, ballot: ballot, fields)))
    }

    mutating func send(
      _ voter: UInt32, _ to: UInt32, _ message: UInt64, _ word: String, _ b: Ballot
    ) {
      say(voter, .sent(message: message, to: VoterID(to)), word, b, [.init("key", "k")])
    }

    mutating func arrive(
      _ voter: UInt32, _ from: UInt32, _ message: UInt64, _ word: String, _ b: Ballot
    ) {
      say(
        voter, .delivered(message: message, from: VoterID(from)), word, b, after: 400,
        [.init("key", "k")])
    }

    mutating func append(_ voter: UInt32, _ batch: UInt64, _ word: String, _ b: Ballot) {
      say(voter, .appended(PersistBatch(batch)), word, b, [.init("key", "k")])
      say(voter, .syncBegan, "sync")
    }

    mutating func sync(_ voter: UInt32, _ batch: UInt64, _ word: String, _ b: Ballot) {
      say(voter, .syncEnded, "sync", after: 250)
      say(voter, .durable(PersistBatch(batch)), word, b)
    }

    mutating func conversation() {
      let first = Ballot(epoch: Epoch(0), counter: 1, voter: VoterID(2))
      let second = Ballot(epoch: Epoch(0), counter: 2, voter: VoterID(1))
      say(nil, .fault, "partition", after: 100, [.init("sides", "1 | 2 3")])
      say(
        2, .invoked(ProposalID(1), client: 0), "add 10", after: 200,
        [.init("key", "k"), .init("change", "add 10")])
      append(2, 1, "promise", first)
      send(2, 1, 1, "prepare", first)
      send(2, 3, 2, "prepare", first)
      say(nil, .dropped(message: 1), "prepare", first)
      sync(2, 1, "promise", first)
      arrive(3, 2, 2, "prepare", first)
      append(3, 1, "promise", first)
      arrive(3, 2, 2, "prepare", first)
      say(3, .crashed, "power cut", after: 90)
      say(3, .restarted, "restarted", after: 40_000)
      say(nil, .healed, "partition", after: 10)
      say(1, .invoked(ProposalID(2), client: 1), "add 1", after: 500, [.init("key", "k")])
      append(1, 1, "promise", second)
      send(1, 2, 3, "prepare", second)
      send(1, 3, 4, "prepare", second)
      sync(1, 1, "promise", second)
      arrive(3, 1, 4, "prepare", second)
      append(3, 2, "promise", second)
      sync(3, 2, "promise", second)
      send(3, 1, 5, "promise", second)
      say(2, .paused, "paused", after: 5)
      arrive(1, 3, 5, "promise", second)
      append(1, 2, "accept", second)
      send(1, 2, 6, "accept", second)
      send(1, 3, 7, "accept", second)
      sync(1, 2, "accept", second)
      arrive(3, 1, 7, "accept", second)
      append(3, 3, "accept", second)
      sync(3, 3, "accept", second)
      send(3, 1, 8, "accepted", second)
      arrive(1, 3, 8, "accepted", second)
      say(1, .completed(ProposalID(2)), "applied", nil, [.init("key", "k"), .init("output", "1")])
      say(2, .resumed, "resumed", after: 2_000)
      say(3, .fault, "bit rot", after: 10, [.init("file", "log 1")])
      say(3, .retired, "log refused", after: 300)
      say(2, .violation, "the answer to operation 1 is \"11\" & not <10>", after: 20)
    }
  }
}
