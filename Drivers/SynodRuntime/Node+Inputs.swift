internal import Logging
public import Synod
public import UV

// Inputs of the machine, on the loop's thread.
extension Node {
  /// Proposes; exactly one call of `onCompletion` follows, unless the node stops before.
  /// - Parameters:
  ///   - id: with a clear top bit; the others are the asynchronous face's.
  ///   - needsSpace: false for what writes nothing.
  /// - Returns: false where the node stops, or its store is low on space or too far behind: nothing
  ///   was proposed, and no completion follows.
  @inlinable public func submit(
    _ proposal: Machine.Proposal, as id: ProposalID, needsSpace: Bool = true
  ) -> Bool {
    guard !isStopping, !(needsSpace && (isLowOnSpace || isStoreBehind)) else { return false }
    tickBeforeInput()
    core.propose(proposal, as: id)
    return true
  }

  /// Gives up an open proposal; its completion says what is known. Nothing happens where it is not
  /// open.
  @inlinable public func cancel(_ id: ProposalID) {
    guard !isStopping else { return }
    tickBeforeInput()
    core.cancel(id)
  }

  /// Says that an effect is done.
  @inlinable public func finish(_ effect: EffectID) {
    guard !isStopping else { return }
    tickBeforeInput()
    core.finished(effect)
  }

  /// A stale clock must not serve a lease: no input is taken before the time is told.
  @inlinable @inline(__always)
  func tickBeforeInput() {
    if !hasTicked { tick() }
  }

  @inlinable func tick() {
    hasTicked = true
    core.tick(to: Ticks(loop.now))
  }

  @inlinable func receive(_ payload: Bytes, from sender: VoterID) {
    guard !isStopping else { return }
    tickBeforeInput()
    var reader = ByteReader(payload)
    var received: UInt64 = 0
    do {
      while !reader.isAtEnd {
        let message = try Machine.Message(from: &reader)
        received += 1
        if isStoreBehind, Machine.asksToWrite(message) {
          count.requestsDropped += 1
          continue
        }
        core.receive(message, from: sender)
      }
    } catch {
      refuse(sender, error)
    }
    count.messagesReceived += received
  }

  @usableFromInline @inline(never)
  func refuse(_ sender: VoterID, _ error: CodingError) {
    count.payloadsRefused += 1
    logger.warning("voter \(sender) sent what is not a message: \(error)")
    transport.refuse(sender, because: error.description)
  }

  @inlinable func persisted(through batch: PersistBatch) {
    guard !isStopping else { return }
    tickBeforeInput()
    core.persisted(through: batch)
  }

  @inlinable func storageFailed(_ reason: String) {
    guard storageFailure == nil else { return }
    noteStorageFailure(reason)
    guard !isStopping else { return }
    tickBeforeInput()
    core.storageFailed()
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
        if isStopping {
          reply.resume(returning: .failure(.stopped))
        } else if submit(proposal, as: id, needsSpace: needsSpace) {
          waiting[id] = reply
        } else {
          reply.resume(returning: .failure(isLowOnSpace ? .lowOnSpace : .storeBehind))
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
