internal import Synod

/// What leaves the machine, and what waits until the records that it relies on are durable.
struct Outbox: Hashable, Sendable {
  struct Held: Hashable, Sendable {
    var batch: PersistBatch
    var to: Destination
    var message: Message
  }

  /// The machine's own voter: what is sent to it comes back through `own`.
  let voter: VoterID
  /// Records of the batch that is still open.
  var persist: [Record] = []
  var messages: [Envelope<Message>] = []
  /// Votes of this node for itself, ready to be counted.
  var own: [Message] = []
  /// In ascending order of batches; those before `firstHeld` have left.
  private var held: [Held] = []
  private var firstHeld = 0
  /// The last batch handed out, and the last known to be durable.
  private(set) var issued = PersistBatch.none
  private(set) var durable = PersistBatch.none

  init(voter: VoterID) { self.voter = voter }

  var isEmpty: Bool { persist.isEmpty && messages.isEmpty }
  /// Messages that wait for a batch.
  var heldCount: Int { held.count - firstHeld }

  /// The last batch that has a record, handed out or open.
  var last: PersistBatch { persist.isEmpty ? issued : issued.next }

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

  mutating func send(_ message: Message, to voter: VoterID) { send(message, to: .voter(voter)) }

  /// Sends once `batch` is durable, or a later one that is already waited for, so that what is held
  /// stays in order.
  mutating func send(_ message: Message, to destination: Destination, after batch: PersistBatch) {
    guard batch > durable else {
      return release(Held(batch: batch, to: destination, message: message))
    }
    let last = firstHeld < held.count ? held[held.count - 1].batch : batch
    held.append(Held(batch: max(batch, last), to: destination, message: message))
  }

  mutating func send(_ message: Message, to voter: VoterID, after batch: PersistBatch) {
    send(message, to: .voter(voter), after: batch)
  }

  private mutating func release(_ one: Held) {
    if one.to == .voter(voter) {
      own.append(one.message)
    } else {
      messages.append(Envelope(to: one.to, message: one.message))
    }
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
    while firstHeld < held.count, held[firstHeld].batch <= batch {
      release(held[firstHeld])
      firstHeld += 1
    }
    if firstHeld == held.count {
      held.removeAll(keepingCapacity: true)
      firstHeld = 0
    } else if firstHeld > 1024, firstHeld * 2 > held.count {
      held.removeFirst(firstHeld)
      firstHeld = 0
    }
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
