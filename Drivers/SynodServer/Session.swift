import CASPaxos
import Glibc
import KeyValue
import Logging
import RESP
import Synod
import SynodRuntime
import UV

/// One client's connection: a stream and the conversation over it.
///
/// Happy path: bytes come in, proposals go to the node, and at the end of the turn all replies that
/// are due leave in one write. Failure modes: a client that does not read is not read from, and
/// closed after a while; one whose bytes are no commands gets its last replies, then the end of the
/// stream, and a moment to read them.
///
/// The server's table owns it until its stream has closed; the stream's handlers hold it as well.
final class Session<Backend: Replica> {
  unowned let server: KeyServer<Backend>
  let stream: TCPStream
  /// Who is counted for it.
  let origin: NetworkOrigin
  /// Between the two, where clients connect with TLS.
  private let filter: (any StreamFilter)?
  /// The upper half of the identities of its proposals.
  let prefix: UInt64
  var conversation: Conversation
  var facts: ClientFacts
  /// Whether the server will flush it at the end of this turn.
  var isDirty = false
  private var isReading = false
  private var hasEnded = false
  /// The other side sends no more.
  private var isHalfClosed = false
  /// Our side has ended; what still comes is read and dropped.
  private var isShutDown = false
  /// When a connection whose last reply was taken is closed (milliseconds).
  private var lingersUntil: UInt64?
  /// Nothing was under way when it was asked to stop.
  private var wasIdleAtStop = false
  /// What the server has counted of it.
  private var accountedCost = 0
  private var accountedReplies = 0
  private var accountedCommands: UInt64 = 0
  private var written: UInt64 = 0
  private var watch = Watch()

  /// What was seen at an earlier look, and since when it has not changed.
  private struct Watch {
    var sent: UInt64 = 0
    var sentSince: UInt64 = 0
    var commands: UInt64 = 0
    var commandsSince: UInt64 = 0
  }

  init(
    _ server: KeyServer<Backend>, _ stream: TCPStream, from origin: NetworkOrigin, prefix: UInt64,
    facts: ClientFacts
  ) {
    self.server = server
    self.stream = stream
    self.origin = origin
    filter = server.encryption?.clientFilter()
    self.prefix = prefix
    self.facts = facts
    conversation = Conversation(
      limits: server.conversationLimits, takesCommands: Backend.takesCommands,
      access: server.initialAccess, meter: server.meter)
  }

  func start() {
    stream.setKeepAlive(idle: 60, interval: 10, count: 3)
    stream.onRead = { [unowned self] in self.arrived($0) }
    stream.onEnd = { [unowned self] in self.ended($0) }
    stream.onDrained = { [unowned self] in self.server.mark(self) }
    watch.sentSince = now
    watch.commandsSince = now
    noteWhoItIs()
    isReading = true
    stream.startReading()
  }

  /// Whether it may be anybody: there is little time for such.
  var isStranger: Bool { stream.isStranger }

  /// The other side has, or has not, shown who it is.
  func noteWhoItIs() {
    let isStranger = conversation.access.isStranger || !(filter?.isOpen ?? true)
    guard isStranger != stream.isStranger, !hasEnded else { return }
    stream.isStranger = isStranger
    isStranger ? server.census.addStranger() : server.census.removeStranger()
  }

  // MARK: - In

  private func arrived(_ bytes: UnsafeRawBufferPointer) {
    defer { noteWhoItIs() }
    guard let filter else { return read(bytes) }
    do {
      try filter.receive(bytes, plain: { read($0) }, write: { put($0) })
    } catch {
      breakOff("\(error)")
    }
    if filter.hasEnded && !isHalfClosed { ended(.eof) }
  }

  /// The filter gave up. Its last words are written; what still comes is read and dropped.
  private func breakOff(_ why: String) {
    guard lingersUntil == nil else { return }
    server.tellOfBadTLS(facts, why)
    conversation.end()
    isShutDown = true
    stream.shutdown()
    lingersUntil = now + KeyServer<Backend>.lingerTime
  }

  private func read(_ bytes: UnsafeRawBufferPointer) {
    server.counters.bytesReceived += UInt64(bytes.count)
    conversation.queue.readAt = server.meter.now
    conversation.receive(bytes, self)
    account(conversation.cost)
    // At once: the stream may have more for us within this very call, and so may all others.
    if !isShutDown && (!conversation.isReadable || isHeldBack) { setReading(false) }
    // Most often there is nothing to do before a proposal has ended.
    if !isReading || conversation.hasWork { server.mark(self) }
  }

  private func ended(_ end: StreamEnd) {
    switch end {
    case .eof:
      // Commands that came before are still answered.
      isHalfClosed = true
      conversation.endInput()
      server.mark(self)
    case .failed, .closed: leave()
    }
  }

  /// Takes no more commands; ends behind the last reply.
  func stop() {
    wasIdleAtStop = conversation.cost == 0
    conversation.end()
    conversation.endWatches(self)
    server.mark(self)
  }

  /// Whether it may be closed when the node stops: everything was answered, and every reply taken.
  /// One that was in the middle of something may have sent more, and closing with that unread could
  /// cost it those replies: it ends the connection itself, or runs out of time.
  var isDone: Bool {
    wasIdleAtStop && conversation.isOver && conversation.writer.isEmpty && stream.queuedBytes == 0
  }

  /// Closes at once; what is under way goes on, and nobody is told.
  func close() {
    stream.close()
    leave()
  }

  /// Whoever asked for a change once asks again through another node, and should not be overtaken by
  /// what is left here.
  private func leave() {
    guard !hasEnded else { return }
    hasEnded = true
    if isStranger { server.census.removeStranger() }
    conversation.end()
    server.node.cancel(conversation.openOnce.map(proposalName))
    account(0)
    accountReplies()
    for number in conversation.watches.numbers { unwatch(number) }
    server.remove(self, owing: conversation.queue.cost)
  }

  // MARK: - Answered

  /// Tells the conversation how a proposal of it ended.
  /// - Parameter name: of the proposal.
  func end(_ name: UInt64, _ tell: (inout Conversation, _ number: UInt64) -> Void) {
    // The identity carries the low half of the number; the queue is far shorter than its range.
    let first = conversation.queue.first
    let low = ProposalName.number(name)
    conversation.queue.isCrowded = server.repliesAreCrowded
    tell(&conversation, first + UInt64(low &- UInt32(truncatingIfNeeded: first)))
    accountReplies()
    server.mark(self)
  }

  // MARK: - Out

  /// Sends the replies that are due, and goes on with what was held back, as far as there is room.
  /// One pass a turn, so that one client's pipeline does not stop the others.
  func flush() {
    guard !stream.isClosed else { return }
    send()
    if conversation.goesOn && !isBehind {
      conversation.resume(self)
      send()
    }
    accountReplies()
    account(conversation.cost)
    if conversation.isOver { return finish() }
    if !isBehind && conversation.goesOn { server.markForNextTurn(self) }
    setReading(conversation.isReadable && !isBehind && !isHeldBack)
  }

  private func send() {
    conversation.render(unsent: stream.queuedBytes)
    for effect in conversation.watches.takeFinished() { server.replica.watcherHas(effect) }
    // What is written behind the end of the stream breaks it, and costs what waits in front.
    guard !isShutDown else { return conversation.writer.reset() }
    if !conversation.queue.slow.isEmpty { tellOfSlow() }
    guard !conversation.writer.isEmpty else { return }
    let (owner, bytes) = conversation.writer.written
    server.counters.bytesSent += UInt64(bytes.count)
    write(StreamBuffer(owner: owner, bytes: bytes))
    conversation.writer.reset()
  }

  private func write(_ part: StreamBuffer) {
    guard let filter else {
      written += UInt64(part.bytes.count)
      return stream.write(part)
    }
    filter.send([part]) { put($0) }
    if let failure = filter.failure { breakOff("\(failure)") }
  }

  /// What the filter makes of it, counted as it is on the wire.
  private func put(_ parts: [StreamBuffer]) {
    for part in parts { written += UInt64(part.bytes.count) }
    stream.write(parts)
  }

  private func tellOfSlow() {
    let now = Int64(time(nil))
    for command in conversation.queue.slow {
      server.slowLog.add(command, ended: now, client: facts)
    }
    conversation.queue.slow = []
  }

  /// Those that wait here, and those that the client has not taken.
  private func accountReplies() {
    let held = hasEnded ? 0 : conversation.heldReplies + stream.queuedBytes
    server.repliesHeld += held - accountedReplies
    accountedReplies = held
  }

  /// - Parameter cost: of one that may be anybody it is not counted: nobody waits for them. They have a
  ///   bound of their own, so many and so much of each.
  private func account(_ cost: Int) {
    noteWhoItIs()
    let cost = conversation.access.isStranger ? 0 : cost
    server.costUnderWay += cost - accountedCost
    accountedCost = cost
    server.counters.commands += conversation.commands - accountedCommands
    accountedCommands = conversation.commands
  }

  /// Whether the client has more to read than we like to hold.
  private var isBehind: Bool { stream.queuedBytes >= conversation.limits.replyBytes }

  /// Whether this client, with its large command that is not whole, waits for the others: what is
  /// held for all clients together is bounded, too. Small commands go on, and are refused where
  /// they would be proposed.
  private var isHeldBack: Bool {
    server.isFilling && conversation.parser.pendingBytes > Self.smallCommand
  }

  /// Bytes; well below what one read gives, so that one read of a large command is the last.
  private static var smallCommand: Int { 16 * 1024 }

  /// Bytes that a client takes of its replies within `stallTime`, where there are so many: else one
  /// that takes a few now and then keeps them here for ever.
  private static var leastTaken: UInt64 { 16 * 1024 }

  private func setReading(_ on: Bool) {
    guard on != isReading, !isHalfClosed else { return }
    isReading = on
    if on { stream.startReading() } else { stream.stopReading() }
  }

  /// The last reply was handed over. Closing with input unread would reset the connection and may
  /// cost the client that reply, so we end our side and read on for a moment, which begins when the
  /// client's side has taken everything.
  private func finish() {
    if conversation.isUnwelcome {
      // It would go on for as long as it is read, and take the place of others while it is not.
      server.counters.closedForNotLoggingIn += 1
      server.tellOfClosing(facts, because: .notLoggingIn, now: now)
      return close()
    }
    conversation.endWatches(self)
    if !isShutDown { filter?.end { put($0) } }
    if isHalfClosed {
      isShutDown = true
      if stream.queuedBytes == 0 { close() }
      return
    }
    if !isShutDown {
      isShutDown = true
      stream.shutdown()
      setReading(true)
    }
    if lingersUntil == nil && stream.queuedBytes == 0 {
      lingersUntil = now + KeyServer<Backend>.lingerTime
    }
  }

  // MARK: - Deadlines

  /// Closes the connection where its client makes no progress. Called about once a second.
  func checkDeadlines(now: UInt64) {
    // A stream that had ended for reading tells nobody when its writing fails.
    if stream.isClosed { return leave() }
    if let lingersUntil, now >= lingersUntil { return close() }
    if let filter, !filter.isOpen, now - facts.connectedSince >= KeyServer<Backend>.handshakeTime {
      server.counters.closedForTLS += 1
      server.tellOfClosing(facts, because: .notShakingHands, now: now)
      return close()
    }
    if case .stranger = conversation.access,
      now - facts.strangerSince >= KeyServer<Backend>.loginTime
    {
      server.counters.closedForNotLoggingIn += 1
      server.tellOfClosing(facts, because: .notLoggingIn, now: now)
      return close()
    }
    // It may have been held back, and there may be room by now.
    if !isReading { server.mark(self) }
    let sent = written - UInt64(stream.queuedBytes)
    if sent &- watch.sent >= Self.leastTaken || stream.queuedBytes == 0 {
      watch.sent = sent
      watch.sentSince = now
    } else if now - watch.sentSince >= KeyServer<Backend>.stallTime {
      server.counters.closedForNotReading += 1
      server.tellOfClosing(facts, because: .notReading, now: now)
      return close()
    }
    if conversation.commands != watch.commands || conversation.parser.pendingBytes == 0 {
      watch.commands = conversation.commands
      watch.commandsSince = now
    } else if now - watch.commandsSince
      >= (isHeldBack ? KeyServer<Backend>.stallTime : KeyServer<Backend>.commandTime)
      && !isBehind
    {
      server.counters.closedForNotSending += 1
      server.tellOfClosing(facts, because: .notSending, now: now)
      return close()
    }
  }
}
