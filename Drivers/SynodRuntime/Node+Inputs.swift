internal import Logging
public import Synod
public import UV

// Inputs of the machine, on the loop's thread.
extension Node {
  /// Proposes; exactly one call of `onCompletion` follows, unless the node stops before.
  /// - Parameters:
  ///   - proposal: what is asked.
  ///   - id: with a clear top bit; the others are the asynchronous face's.
  ///   - needsSpace: false for what writes nothing.
  /// - Returns: false where the node stops, or its store is low on space or too far behind: nothing
  ///   was proposed, and no completion follows.
  @inlinable public func submit(
    _ proposal: Machine.Proposal, as id: ProposalID, needsSpace: Bool = true
  ) -> Bool {
    guard !hot.pointee.isStopping else { return false }
    if needsSpace && (hot.pointee.isLowOnSpace || hot.pointee.isStoreBehind) { return false }
    hot.pointee.submitted.append((proposal, id))
    if hot.pointee.submitted.count == Self.messagesAtOnce { propose() }
    return true
  }

  /// Hands the machine what was submitted.
  @inlinable func propose() {
    guard !hot.pointee.submitted.isEmpty else { return }
    if !hot.pointee.hasTicked { tick() }
    hot.pointee.core.propose(hot.pointee.submitted)
    hot.pointee.submitted.removeAll(keepingCapacity: true)
  }

  /// Gives up an open proposal; its completion says what is known. Nothing happens where it is not
  /// open.
  @inlinable public func cancel(_ id: ProposalID) {
    guard !hot.pointee.isStopping else { return }
    tickBeforeInput()
    hot.pointee.core.cancel(id)
  }

  /// Gives up several, at once.
  @inlinable public func cancel(_ ids: [ProposalID]) {
    guard !hot.pointee.isStopping, !ids.isEmpty else { return }
    tickBeforeInput()
    hot.pointee.core.cancel(ids)
  }

  /// Says that an effect is done.
  @inlinable public func finish(_ effect: EffectID) {
    guard !hot.pointee.isStopping else { return }
    tickBeforeInput()
    hot.pointee.core.finished(effect)
  }

  /// A stale clock must not serve a lease: no input is taken before the time is told. And inputs are
  /// taken in their order, so what was submitted goes first.
  @inlinable @inline(__always)
  func tickBeforeInput() {
    if !hot.pointee.hasTicked { tick() }
    propose()
  }

  @inlinable func tick() {
    hot.pointee.hasTicked = true
    hot.pointee.core.tick(to: Ticks(loop.now))
  }

  /// - Parameter isGuest: its store is not pinned: it is heard on the members alone.
  @inlinable func receive(_ payload: Bytes, from sender: VoterID, isGuest: Bool = false) {
    guard !hot.pointee.isStopping else { return }
    tickBeforeInput()
    var reader = ByteReader(payload)
    var messages = messages
    self.messages = []
    do {
      while !reader.isAtEnd {
        messages.append(try Machine.Message(from: &reader))
        if isGuest, let last = messages.last, !Machine.isOnMembers(last) { messages.removeLast() }
        if messages.count == Self.messagesAtOnce { take(&messages, from: sender) }
      }
      take(&messages, from: sender)
    } catch {
      take(&messages, from: sender)
      refuse(sender, error)
    }
    self.messages = messages
  }

  /// Hands the machine what was decoded, and leaves the list empty.
  @inlinable func take(_ messages: inout [Machine.Message], from sender: VoterID) {
    count.messagesReceived += UInt64(messages.count)
    if hot.pointee.isStoreBehind {
      let all = messages.count
      messages.removeAll(where: Machine.asksToWrite)
      count.requestsDropped += UInt64(all - messages.count)
    }
    hot.pointee.core.receive(messages, from: sender)
    messages.removeAll(keepingCapacity: true)
  }

  @usableFromInline @inline(never)
  func refuse(_ sender: VoterID, _ error: CodingError) {
    count.payloadsRefused += 1
    logger.warning("voter \(sender) sent what is not a message: \(error)")
    transport.refuse(sender, because: error.description)
  }

  @inlinable func persisted(through batch: PersistBatch) {
    guard !hot.pointee.isStopping else { return }
    tickBeforeInput()
    hot.pointee.core.persisted(through: batch)
  }

  @inlinable func storageFailed(_ reason: String) {
    guard storageFailure == nil else { return }
    noteStorageFailure(reason)
    guard !hot.pointee.isStopping else { return }
    tickBeforeInput()
    hot.pointee.core.storageFailed()
  }

  @usableFromInline func noteStorageFailure(_ reason: String) {
    storageFailure = reason
    logger.critical("the store failed, this node votes no more: \(reason)")
    onStorageFailure?(reason)
  }

  /// Takes what other threads posted.
  @inlinable func collect() {
    var letters = letters
    self.letters = []
    mailbox.exchange(&letters)
    for index in letters.indices {
      switch letters[index] {
      case .propose(let proposal, let id, let needsSpace, let reply):
        if hot.pointee.isStopping {
          reply.resume(returning: .failure(.stopped))
        } else if submit(proposal, as: id, needsSpace: needsSpace) {
          waiting[id] = reply
        } else {
          reply.resume(returning: .failure(hot.pointee.isLowOnSpace ? .lowOnSpace : .storeBehind))
        }
      case .cancel(let id): cancel(id)
      case .call(let body): body()
      case .stop: beginStop()
      }
    }
    letters.removeAll(keepingCapacity: true)
    self.letters = letters
  }
}
