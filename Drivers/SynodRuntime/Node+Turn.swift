public import Synod
public import UV
public import UV

// The end of a turn: everything that the machine made ready is handed on.
extension Node {
  @inlinable func turn() {
    guard !hot.pointee.isStopping else {
      atEndOfTurn?()
      return
    }
    propose()
    if !hot.pointee.hasTicked {
      if hot.pointee.core.hasReady {
        tick()
      } else if let deadline = hot.pointee.core.nextDeadline, deadline <= Ticks(loop.now) {
        tick()
      }
    }
    // A neighbour may answer at once, and a completion's handler may submit.
    repeat {
      propose()
      while hot.pointee.core.hasReady { handOn() }
      advanceCheckpoint()
      outbox.send()
      count.messagesTooLarge = outbox.tooLarge
      // Peers have their own disks to write: they hear of it before this one is asked.
      transport.flush()
      storage.flush()
    } while hasMore
    atEndOfTurn?()
    if hasMore { loop.soon {} }
    hot.pointee.isLowOnSpace = storage.isLowOnSpace
    hot.pointee.isStoreBehind = storage.queuedBytes > Self.mostQueuedBytes
    arm()
    hot.pointee.hasTicked = false
  }

  /// Whether something waits for the machine, or for its neighbours.
  @inlinable var hasMore: Bool { hot.pointee.core.hasReady || !hot.pointee.submitted.isEmpty }

  @inlinable func handOn() {
    var ready = ready
    self.ready = Ready()
    hot.pointee.core.drain(into: &ready)
    count.turns += 1
    if !ready.persist.isEmpty { persist(ready.batch, ready.persist) }
    if !ready.messages.isEmpty {
      count.messagesSent += UInt64(ready.messages.count)
      ready.messages.withUnsafeBufferPointer { messages in
        for index in messages.indices {
          outbox.add(messages[index].message, to: messages[index].to)
        }
      }
    }
    if !ready.completed.isEmpty { complete(ready.completed) }
    if let onEffect, !ready.effects.isEmpty {
      for effect in ready.effects { onEffect(effect) }
    }
    ready.removeAll()
    self.ready = ready
  }

  @inlinable func persist(_ batch: PersistBatch, _ records: [Machine.Record]) {
    count.batches += 1
    count.records += UInt64(records.count)
    storage.append(batch) { Self.encode(records, into: &$0) }
  }

  @inlinable static func encode(_ records: [Machine.Record], into writer: inout ByteWriter) {
    records.withUnsafeBufferPointer { records in
      for index in records.indices { records[index].encode(into: &writer) }
    }
  }

  @inlinable func complete(_ completions: [Machine.Completion]) {
    count.completions += UInt64(completions.count)
    let onCompletion = onCompletion
    completions.withUnsafeBufferPointer { completions in
      for index in completions.indices {
        let id = completions[index].proposal
        if id.rawValue & NodeMailbox<Machine>.asynchronousBit == 0 {
          onCompletion?(completions[index])
        } else if let reply = waiting.removeValue(forKey: id) {
          reply.resume(returning: .success(completions[index]))
        }
      }
    }
  }

  /// One piece a turn, while the storage has room: a checkpoint never stops the loop.
  @inlinable func advanceCheckpoint() {
    if !checkpoint.isUnderWay {
      guard storage.wantsCheckpoint, storageFailure == nil else { return }
      // Every batch that the machine issued was appended, so what is appended from here on is what
      // recovery replays behind the pieces.
      storage.beginCheckpoint()
      checkpoint.isUnderWay = true
      checkpoint.cursor = nil
    }
    guard storageFailure == nil else {
      checkpoint = Checkpoint()
      return
    }
    guard storage.isReadyForPiece else { return }
    var records = checkpoint.records
    checkpoint.records = []
    let cursor = hot.pointee.core.restate(
      after: checkpoint.cursor, limit: Self.checkpointPiece, into: &records)
    if !records.isEmpty { storage.appendPiece { Self.encode(records, into: &$0) } }
    records.removeAll(keepingCapacity: true)
    checkpoint.records = records
    checkpoint.cursor = cursor
    if cursor == nil {
      storage.endCheckpoint()
      checkpoint = Checkpoint()
    } else if storage.isReadyForPiece {
      loop.soon {}
    }
  }

  /// Starts the timer for the machine's next deadline. One that is due too early is left alone: it
  /// fires, finds nothing due and is started again, which costs less than moving it every turn.
  @inlinable func arm() {
    guard let deadline = hot.pointee.core.nextDeadline else { return }
    if let armed, armed <= deadline { return }
    let now = Ticks(loop.now)
    armed = deadline
    timer?.start(after: deadline > now ? deadline.rawValue - now.rawValue : 0)
  }
}
