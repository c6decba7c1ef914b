internal import Synod

/// What leaves the machine, and what waits until the records that it relies on are durable.
struct Outbox: Hashable, Sendable {
  struct Held: Hashable, Sendable {
    var batch: PersistBatch
    var to: VoterID
    var message: Message
  }

  /// The machine's own voter: what is sent to it comes back through `own`.
  private(set) var voter: VoterID
  /// Records of the batch that is still open.
  var persist: [Record] = []
  var messages: [Envelope<Message>] = []
  /// Replies of this node's acceptor to its own proposer, ready to be counted.
  var own: [Message] = []
  /// In ascending order of batches; those before `firstHeld` have left.
  private var held: [Held] = []
  private var firstHeld = 0
  /// Pages held since none was, and the last batch that any of them waits for: they are large.
  private var heldPages = 0
  private var pagesUntil = PersistBatch.none
  /// The last batch handed out, and the last known to be durable.
  private(set) var issued = PersistBatch.none
  private(set) var durable = PersistBatch.none

  init(voter: VoterID) { self.voter = voter }

  var isEmpty: Bool { persist.isEmpty && messages.isEmpty }
  /// Replies that wait for a batch.
  var heldCount: Int { held.count - firstHeld }

  /// Adds a record to the open batch and gives the batch's number.
  mutating func record(_ record: Record) -> PersistBatch {
    persist.append(record)
    return issued.next
  }

  /// Sends a reply once `batch` is durable. It may wait for a later batch that is already waited
  /// for, so that what is held stays in order.
  mutating func send(_ message: Message, to voter: VoterID, after batch: PersistBatch) {
    #if PlantedBugs
      let batch = PlantedBug.has(.sentBeforeDurable) ? durable : batch
    #endif
    if batch <= durable {
      release(Held(batch: batch, to: voter, message: message))
    } else {
      let last = firstHeld < held.count ? held[held.count - 1].batch : batch
      held.append(Held(batch: max(batch, last), to: voter, message: message))
      if message.kind == .page { countPage(until: max(batch, last)) }
    }
  }

  private mutating func countPage(until batch: PersistBatch) {
    heldPages = pagesUntil <= durable ? 1 : heldPages + 1
    pagesUntil = batch
  }

  /// Whether there is room for a page that waits.
  var mayHoldPage: Bool { pagesUntil <= durable || heldPages < 16 }

  private mutating func release(_ reply: Held) {
    if reply.to == voter {
      own.append(reply.message)
    } else {
      messages.append(Envelope(to: .voter(reply.to), message: reply.message))
    }
  }

  /// Closes the open batch and gives its number.
  mutating func issue() -> PersistBatch {
    issued = issued.next
    return issued
  }

  /// Whether `batch` was ever handed out.
  func wasIssued(_ batch: PersistBatch) -> Bool { batch <= issued }

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

  /// Forgets all that has not left.
  mutating func discard() {
    persist.removeAll()
    messages.removeAll()
    own.removeAll()
    held.removeAll()
    firstHeld = 0
  }

  /// Replies that wait for a batch, in the order in which they leave.
  var waiting: ArraySlice<Held> { held[firstHeld...] }

  /// Nothing is left to be drained or counted.
  var isDrained: Bool { persist.isEmpty && messages.isEmpty && own.isEmpty }

  /// Batches that are durable are forgotten, and the others count from there.
  mutating func rebase(by shift: UInt64) {
    held.removeFirst(firstHeld)
    firstHeld = 0
    for index in held.indices {
      held[index].batch = PersistBatch(held[index].batch.rawValue - shift)
    }
    issued = PersistBatch(issued.rawValue - shift)
    durable = .none
  }

  /// Replies that wait for one batch leave together. To others, so that order and number say nothing
  /// where the network may repeat and reorder; this node's own are counted in order, and once.
  mutating func sortHeld() {
    precondition(firstHeld == 0)
    let isSorted = held.indices.dropFirst().allSatisfy {
      held[$0 - 1].leaves(before: held[$0], voter)
    }
    if isSorted { return }
    var sorted: [Held] = []
    for reply in held where !sorted.contains(reply) {
      var place = sorted.count
      while place > 0, reply.leaves(before: sorted[place - 1], voter) { place -= 1 }
      sorted.insert(reply, at: place)
    }
    held = sorted
  }

  /// Whether this is `before` but for replies to others that are held as well.
  func holdsOnlyMore(than before: Self) -> Bool {
    guard held.count > before.held.count else { return false }
    var same = self
    same.held = before.held
    return same == before
      && held.filter { !before.held.contains($0) }.allSatisfy { $0.to != voter }
      && before.held.allSatisfy { held.contains($0) }
  }

  mutating func dropHeld(to isGone: (VoterID) -> Bool) {
    held.removeFirst(firstHeld)
    firstHeld = 0
    held.removeAll { isGone($0.to) }
  }

  /// The same with two voters in each other's place.
  mutating func swapVoters(_ swapped: (VoterID) -> VoterID) {
    voter = swapped(voter)
    for index in held.indices { held[index].to = swapped(held[index].to) }
  }
}

extension Outbox.Held {
  fileprivate func leaves(before other: Self, _ voter: VoterID) -> Bool {
    if batch != other.batch { return batch < other.batch }
    if to != other.to { return to < other.to }
    if to == voter { return false }
    if message.ballot != other.message.ballot { return message.ballot < other.message.ballot }
    if message.kind != other.message.kind {
      return message.kind.rawValue < other.message.kind.rawValue
    }
    return (message.promised, message.accepted) < (other.message.promised, other.message.accepted)
  }
}
