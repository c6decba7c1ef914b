public import Synod

// What whoever draws the run is told. Not a word is built where nobody does.
extension World {
  @usableFromInline @inline(never)
  func tell(_ kind: TraceEvent.Kind, of node: Int?, _ text: TraceText) {
    let voter = node.map { VoterID(UInt32($0 + 1)) }
    record?(TraceEvent(time: now, number: eventNumber, voter: voter, kind: kind, text: text))
  }

  func tellFault(_ kind: FaultKind, of node: Int? = nil, links: [Int] = []) {
    guard record != nil else { return }
    let pairs = links.map { "\($0 / network.size + 1)→\($0 % network.size + 1)" }
    let fields = pairs.isEmpty ? [] : [TraceText.Field("links", pairs.joined(separator: " "))]
    tell(.fault, of: node, TraceText(kind.name, fields))
  }

  @usableFromInline @inline(never)
  func tellSent(_ payload: Bytes, from process: SimulatedProcess<Machine>, to peer: Int) {
    let to = VoterID(UInt32(peer + 1))
    for words in words(of: payload) {
      tell(.sent(message: network.sent + 1, to: to), of: process.index, words)
    }
  }

  @usableFromInline @inline(never)
  func tellDelivered(_ parcel: Parcel) {
    let from = VoterID(UInt32(parcel.from) + 1)
    for words in words(of: parcel.payload) {
      tell(.delivered(message: parcel.number, from: from), of: Int(parcel.to), words)
    }
  }

  @usableFromInline @inline(never)
  mutating func tellLost() {
    for number in network.lostNumbers { tellDropped(number, TraceText("lost")) }
    network.lostNumbers.removeAll()
  }

  func tellDropped(_ number: UInt64, _ text: TraceText) {
    tell(.dropped(message: number), of: nil, text)
  }

  /// Of each message of a payload: each belongs to a round of its own.
  private func words(of payload: Bytes) -> [TraceText] {
    var reader = ByteReader(payload)
    var words: [TraceText] = []
    while !reader.isAtEnd, let message = try? Machine.Message(from: &reader) {
      words.append(Subject.describe(message))
    }
    return words
  }

  @usableFromInline @inline(never)
  func tellAppended(_ process: SimulatedProcess<Machine>) {
    for record in process.ready.persist {
      tell(.appended(process.ready.batch), of: process.index, Subject.describe(record))
    }
  }

  @usableFromInline @inline(never)
  func tellInvoked(
    _ proposal: Machine.Proposal, _ id: ProposalID, _ name: Int,
    _ process: SimulatedProcess<Machine>
  ) {
    tell(.invoked(id, client: name), of: process.index, Subject.describe(proposal))
  }

  @usableFromInline @inline(never)
  func tellCompleted(_ completion: Machine.Completion, _ process: SimulatedProcess<Machine>) {
    tell(.completed(completion.proposal), of: process.index, Subject.describe(completion))
  }
}
