import Synod

extension TracePage {
  /// The run as the page's script reads it.
  var data: String {
    var json = JSONText()
    let ballots = ballotsInOrder()
    json.object { json in
      json.member("title", title)
      write(outcome, into: &json)
      json.name("facts")
      json.array { json in for fact in facts { write(fact, into: &json) } }
      if let command { json.member("command", command) }
      json.member("leftOut", leftOut)
      json.name("voters")
      json.array { json in for voter in voters { json.number(UInt64(voter.rawValue)) } }
      json.name("ballots")
      json.array { json in
        for ballot in ballots.all {
          json.array { json in
            json.string("\(ballot)")
            json.number(UInt64(ballot.voter.rawValue))
          }
        }
      }
      json.name("guide")
      guide.write(into: &json)
      json.name("events")
      json.array { json in
        for event in events { write(event, ballots.places, into: &json) }
      }
    }
    return json.text
  }

  /// Whoever has a lane, in order.
  private var voters: [VoterID] {
    var seen: Set<VoterID> = []
    for event in events {
      if let voter = event.voter { seen.insert(voter) }
      if let other = event.kind.other { seen.insert(other) }
    }
    return seen.sorted()
  }

  /// All ballots in the order in which they first come, which is what colours them.
  private func ballotsInOrder() -> (all: [Ballot], places: [Ballot: Int]) {
    var all: [Ballot] = []
    var places: [Ballot: Int] = [:]
    for case let ballot? in events.map(\.text.ballot) where !ballot.isZero {
      if places[ballot] == nil {
        places[ballot] = all.count
        all.append(ballot)
      }
    }
    return (all, places)
  }

  private func write(_ outcome: RunReport.Outcome?, into json: inout JSONText) {
    guard let outcome else { return }
    json.name("outcome")
    json.array { json in
      switch outcome {
      case .passed: json.string("passed")
      case .failed(let what, let event):
        json.string("failed")
        json.string(what)
        json.number(event)
      case .undecided(let why):
        json.string("undecided")
        json.string(why)
      }
    }
  }

  private func write(_ field: TraceText.Field, into json: inout JSONText) {
    json.array { json in
      json.string(field.name)
      json.string(field.value)
    }
  }

  private func write(_ event: TraceEvent, _ places: [Ballot: Int], into json: inout JSONText) {
    json.object { json in
      json.member("n", event.number)
      json.member("t", event.time)
      if let voter = event.voter { json.member("v", UInt64(voter.rawValue)) }
      json.member("k", event.kind.name)
      if let message = event.kind.message { json.member("m", "\(message)") }
      if let other = event.kind.other { json.member("o", UInt64(other.rawValue)) }
      if let batch = event.kind.batch { json.member("g", "\(batch.rawValue)") }
      switch event.kind {
      case .invoked(let id, let client):
        json.member("p", "\(id)")
        json.member("c", UInt64(clamping: client))
      case .completed(let id): json.member("p", "\(id)")
      case .sent, .delivered, .dropped, .appended, .syncBegan, .syncEnded, .durable, .crashed,
        .restarted, .paused, .resumed, .retired, .fault, .healed, .violation:
        break
      }
      if let place = event.text.ballot.flatMap({ places[$0] }) { json.member("b", UInt64(place)) }
      json.member("x", event.text.title)
      if !event.text.fields.isEmpty {
        json.name("f")
        json.array { json in for field in event.text.fields { write(field, into: &json) } }
      }
    }
  }
}

extension TraceEvent.Kind {
  /// As the page's script knows it.
  fileprivate var name: String {
    switch self {
    case .invoked: "invoked"
    case .completed: "completed"
    case .sent: "sent"
    case .delivered: "delivered"
    case .dropped: "dropped"
    case .appended: "appended"
    case .syncBegan: "syncBegan"
    case .syncEnded: "syncEnded"
    case .durable: "durable"
    case .crashed: "crashed"
    case .restarted: "restarted"
    case .paused: "paused"
    case .resumed: "resumed"
    case .retired: "retired"
    case .fault: "fault"
    case .healed: "healed"
    case .violation: "violation"
    }
  }

  /// Which arrow it is an end of.
  fileprivate var message: UInt64? {
    switch self {
    case .sent(let message, _), .delivered(let message, _), .dropped(let message): message
    case .invoked, .completed, .appended, .syncBegan, .syncEnded, .durable, .crashed, .restarted,
      .paused, .resumed, .retired, .fault, .healed, .violation:
      nil
    }
  }

  /// The voter at the other end.
  fileprivate var other: VoterID? {
    switch self {
    case .sent(_, let voter), .delivered(_, let voter): voter
    case .invoked, .completed, .dropped, .appended, .syncBegan, .syncEnded, .durable, .crashed,
      .restarted, .paused, .resumed, .retired, .fault, .healed, .violation:
      nil
    }
  }

  fileprivate var batch: PersistBatch? {
    switch self {
    case .appended(let batch), .durable(let batch): batch
    case .invoked, .completed, .sent, .delivered, .dropped, .syncBegan, .syncEnded, .crashed,
      .restarted, .paused, .resumed, .retired, .fault, .healed, .violation:
      nil
    }
  }
}
