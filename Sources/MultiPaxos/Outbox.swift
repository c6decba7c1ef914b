internal import Synod

/// What leaves the machine, and what waits until the records that it relies on are durable.
struct Outbox: Hashable, Sendable {
  struct Held: Hashable, Sendable {
    var batch: PersistBatch
    var to: VoterID
    var message: Message
  }

  /// The machine's own voter: what is sent to it comes back through `own`.
  let voter: VoterID
  /// Records of the batch that is still open.
  var persist: [Record] = []
  var messages: [Envelope<Message>] = []
  /// Votes of this node's acceptor for itself, ready to be counted.
  var own: [Message] = []
  /// In ascending order of batches; those before `firstHeld` have left.
  private var held: [Held] = []
  private var firstHeld = 0
  /// The last batch handed out, and the last known to be durable.
  private(set) var issued = PersistBatch.none
  private(set) var durable = PersistBatch.none

  init(voter: VoterID) { self.voter = voter }

  var isEmpty: Bool { persist.isEmpty && messages.isEmpty }
  /// Replies that wait for a batch.
  var heldCount: Int { held.count - firstHeld }

  /// Adds a record to the open batch and gives the batch's number.
  @discardableResult
  mutating func record(_ record: Record) -> PersistBatch {
    persist.append(record)
    return issued.next
  }

  /// Sends what relies on nothing that is not durable.
  mutating func send(_ message: Message, to destination: Destination) {
    messages.append(Envelope(to: destination, message: message))
  }

  /// Sends a reply once `batch` is durable. It may wait for a later batch that is already waited
  /// for, so that what is held stays in order.
  mutating func send(_ message: Message, to voter: VoterID, after batch: PersistBatch) {
    guard batch > durable else { return release(Held(batch: batch, to: voter, message: message)) }
    guard firstHeld < held.count else {
      held.append(Held(batch: batch, to: voter, message: message))
      return
    }
    let last = held.count - 1
    let batch = max(batch, held[last].batch)
    if held[last].batch == batch, held[last].to == voter, held[last].message.absorb(message) {
      return
    }
    held.append(Held(batch: batch, to: voter, message: message))
  }

  private mutating func release(_ reply: Held) {
    if reply.to == voter {
      own.append(reply.message)
    } else {
      messages.append(Envelope(to: .voter(reply.to), message: reply.message))
    }
  }

  /// Whether a promise of this ballot waits already: whoever asks again need not be told twice.
  func holdsPromise(of ballot: Ballot) -> Bool {
    held[firstHeld...].contains { $0.message.promises(ballot) }
  }

  /// Drops promises that wait and that a promise of this ballot overtakes: they are of no use.
  mutating func dropPromises(before ballot: Ballot) {
    guard firstHeld < held.count else { return }
    held = held[firstHeld...].filter { !$0.message.promises(before: ballot) }
    firstHeld = 0
  }

  /// Closes the open batch and gives its number.
  mutating func issue() -> PersistBatch {
    issued = issued.next
    return issued
  }

  /// Lets go of what waited for batches up to `batch`.
  mutating func persisted(through batch: PersistBatch) {
    guard batch > durable else { return }
    durable = batch
    while firstHeld < held.count && held[firstHeld].batch <= batch {
      release(held[firstHeld])
      firstHeld += 1
    }
    if firstHeld == held.count {
      held.removeAll(keepingCapacity: true)
      firstHeld = 0
    } else if firstHeld > 1024 && firstHeld * 2 > held.count {
      held.removeFirst(firstHeld)
      firstHeld = 0
    }
  }

  /// Counts batches from the last durable one on.
  /// - Returns: by how much their numbers fell.
  mutating func renumber() -> UInt64 {
    let shift = durable.rawValue
    held = held[firstHeld...].map {
      Held(batch: PersistBatch($0.batch.rawValue - shift), to: $0.to, message: $0.message)
    }
    firstHeld = 0
    issued = PersistBatch(issued.rawValue - shift)
    durable = .none
    return shift
  }

  /// Forgets all that has not left.
  mutating func discard() {
    persist.removeAll()
    messages.removeAll()
    own.removeAll()
    held.removeAll()
    firstHeld = 0
  }
}

extension Message {
  fileprivate func promises(_ ballot: Ballot) -> Bool {
    if case .promise(let promise) = self { promise.ballot == ballot } else { false }
  }

  fileprivate func promises(before ballot: Ballot) -> Bool {
    if case .promise(let promise) = self { promise.ballot < ballot } else { false }
  }

  /// Takes in a message that says the same of the slots that follow (rule 11).
  /// - Returns: whether it did.
  fileprivate mutating func absorb(_ other: Message) -> Bool {
    guard case .accepted(let ballot, let first, let last) = self,
      case .accepted(ballot, let otherFirst, let otherLast) = other,
      otherFirst <= last.next, otherFirst >= first
    else { return false }
    self = .accepted(ballot, first: first, last: max(last, otherLast))
    return true
  }
}
