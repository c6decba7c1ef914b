internal import Synod

/// What this node's reads ask the leader: how far it must have come. Many reads share one question.
@usableFromInline
struct Indexes: Hashable, Sendable {
  struct Answer: Hashable, Sendable {
    var token: UInt64
    var slot: Slot
  }

  /// A question that was asked, by its name, and how many were before it.
  struct Question: Hashable, Sendable {
    var name: UInt64
    var number: UInt64
  }

  /// The question that is asked next. A read is answered by one that was asked after it came.
  var next: UInt64 = 1
  /// Those that may still be answered, the oldest first: where answers take longer than it waits to ask
  /// again, the first that comes counts all the same.
  var open: [Question] = []
  static let mostOpen = 32
  /// The name of the question that is out: never used in an earlier life, whose answers may still be
  /// on their way.
  var asked: UInt64?
  var retryAt: Ticks?
  /// Some read waits for a leader to ask.
  var isWanted = false
  var answers: [Answer] = []

  init() {}

  /// What was asked last is waited for no more: it may be asked again.
  mutating func forget() {
    asked = nil
    retryAt = nil
  }
}

/// Linearizable reads (rules 43, 44).
extension Core {
  /// Asks how far this node must have come, unless that is asked already.
  mutating func askIndex() {
    guard indexes.asked == nil else { return }
    indexes.isWanted = role != .leading && (leader == nil || leader == me)
    guard !indexes.isWanted else { return }
    guard let token = reservation.drawRead() else { return }
    if indexes.open.count >= Indexes.mostOpen { indexes.open.removeFirst() }
    indexes.open.append(Indexes.Question(name: token, number: indexes.next))
    indexes.next += 1
    indexes.asked = token
    indexes.retryAt = now.advanced(by: settings.retransmitAfter)
    if role == .leading {
      enqueueIndex(from: me, token)
    } else if let leader {
      outbox.send(.askIndex(round: token), to: .voter(leader))
    }
  }

  mutating func receiveAskIndex(_ token: UInt64, from sender: VoterID) {
    guard sender != me else { return }
    guard role == .leading else {
      return outbox.send(.notLeading(leader == me ? nil : leader), to: .voter(sender))
    }
    enqueueIndex(from: sender, token)
  }

  private mutating func enqueueIndex(from voter: VoterID, _ token: UInt64) {
    // Whoever asks anew has given up what it asked before, and a newer read may count for both.
    for index in 0..<lead.reads.count
    where lead.reads[index].from == voter && lead.reads[index].round == 0 {
      lead.reads[index].token = token
      return answerIndexes()
    }
    guard lead.reads.count < 4096 else { return }
    lead.reads.append(
      Leadership.IndexRead(from: voter, token: token))
    answerIndexes()
  }

  /// Whether all that could have been chosen before is known: promises of quorums of every
  /// configuration of the window, and all that they told of chosen (rule 43 i).
  var knowsAllChosen: Bool {
    #if PlantedBugs
      if PlantedBug.has(.readWithoutPromises) { return role == .leading }
    #endif
    guard role == .leading, state.applied == chosenThrough,
      lead.highestReported <= chosenThrough
    else { return false }
    return windowItems.allSatisfy { item in
      isPromised(max(chosenThrough.next, state.schedule.items[item].from))
    }
  }

  /// Goes on with the reads that wait: those that may count from now on get their index and a round
  /// of heartbeats after them; those whose round a quorum of every configuration of the window
  /// answered are told.
  mutating func answerIndexes() {
    guard !lead.reads.isEmpty else { return }
    let mayCount = knowsAllChosen
    for index in 0..<lead.reads.count where lead.reads[index].round == 0 && mayCount {
      lead.reads[index].index = max(lead.highestChosen, lead.highestReported, chosenThrough)
      lead.reads[index].window = windowSpan
      lead.reads[index].round = lead.round + 1
      lead.wantsRound = true
    }
    // Looked at anew (rule 43): the window may have moved on to others since, whose promises are needed.
    while mayCount, let read = lead.reads.first, read.round > 0, isEchoed(read.round) {
      lead.reads.removeFirst()
      // Who left may have had something chosen that was learned since, who came what they have only now
      // told of by their promises: of neither the answers to the round say anything.
      let index =
        read.window == windowSpan
        ? read.index : max(read.index, lead.highestReported, chosenThrough)
      if read.from == me {
        receiveIndex(read.token, index)
      } else {
        outbox.send(.index(round: read.token, index), to: .voter(read.from))
      }
    }
  }

  /// From where on those count who have the window's first slot, and those who have its last.
  private var windowSpan: Leadership.Span {
    let items = windowItems
    return Leadership.Span(
      first: state.schedule.items[items.lowerBound].from,
      last: state.schedule.items[items.upperBound].from)
  }

  private func isEchoed(_ round: UInt64) -> Bool {
    isQuorum { $0.echoed >= round }
  }

  /// Whether those are a quorum in every configuration of the window: one that meets all by which
  /// another could become leader.
  private func isQuorum(_ counts: (Leadership.Peer) -> Bool) -> Bool {
    let voters = lead.peers.filter(counts).map(\.voter)
    return windowItems.allSatisfy { item in
      configuration(item).isAcceptQuorum(votes(of: voters, in: configuration(item)))
    }
  }

  mutating func receiveIndex(_ token: UInt64, _ slot: Slot) {
    guard let place = indexes.open.firstIndex(where: { $0.name == token }) else { return }
    let question = indexes.open[place]
    indexes.open.removeSubrange(...place)
    if indexes.open.isEmpty { indexes.forget() }
    indexes.answers.append(Indexes.Answer(token: question.number, slot: slot))
  }

  /// How far one must have come to read now, alone; nil where this leader has no lease. It is looked
  /// at after the read came, and after the clock was (rule 44).
  var leaseIndex: Slot? {
    guard knowsAllChosen, lead.transfer == nil, isQuorum({ $0.leaseUntil > now }) else {
      return nil
    }
    return max(lead.highestChosen, chosenThrough)
  }
}
