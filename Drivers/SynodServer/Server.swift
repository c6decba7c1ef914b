import Logging
import RESP
import Synod
import SynodRuntime
import UV

/// Serves Redis clients on a node's own loop.
///
/// It owns the listener, the sessions and their table. A proposal's identity names the session that
/// made it: its place in the table, and the low half of the command's number. A proposal may outlive
/// its session; then the place stays taken until it has ended.
final class KeyServer<Backend: Replica> {
  let replica: Backend
  let node: Node<Backend.Machine>
  let configuration: ServeConfiguration
  let identity: NodeIdentity
  /// Where the stores of the members are pinned.
  let pins: any PinBook
  /// The identity of this node's store.
  let store: StoreID
  let logger: Logger
  let conversationLimits: Conversation.Limits
  /// Where users log in; nil where everyone may do everything.
  let gate: PasswordGate?
  let encryption: Encryption?
  let startedAt: UInt64
  var counters = ServerCounters()
  let meter: RequestMeter
  var slowLog = SlowLog()
  /// Bytes of all commands under way.
  var costUnderWay = 0
  /// Bytes of all replies that wait for their clients.
  var repliesHeld = 0
  /// The members know this node by another store: it stops.
  var isStranger = false

  private var listener: Listener?
  private var health: HealthListener?
  private var clock: Timer?
  var table: [Place] = []
  var free: [Int] = []
  private var dirty: [Session<Backend>] = []
  private var flushing: [Session<Backend>] = []
  /// Sessions that could go on, but let the others come first.
  private var later: [Session<Backend>] = []
  var lastClientID: UInt64 = 0
  /// No more clients and commands are taken.
  private(set) var isDraining = false
  private var drainDeadline: Timer?
  private var isLowOnSpace = false
  private var spareMemory = SpareMemory()
  var closings = LogLimiter<Closing>(interval: 10_000)
  var badTLS = LogLimiter<String>(interval: 10_000)
  var census = ClientCensus()
  /// Where clients connect.
  private(set) var port = 0

  struct Place {
    var session: Session<Backend>?
    /// Proposals that have not ended, also those of a session that is gone.
    var open = 0
    /// Bytes that those of a session that is gone may hold.
    var owed = 0
  }

  /// How long a client may take none of its replies, how long it may take over one command, and how
  /// long it may take to read its last reply (milliseconds).
  static var stallTime: UInt64 { 10_000 }
  static var commandTime: UInt64 { 60_000 }
  static var lingerTime: UInt64 { 2_000 }
  /// How long it may take to shake hands, with TLS.
  static var handshakeTime: UInt64 { 10_000 }
  /// Bytes of commands under way, of all clients together; above it, commands are refused.
  static var maxCostUnderWay: Int { 256 << 20 }
  /// Bytes of replies that wait, of all clients together; above it, what is read is not kept for those
  /// who have other replies to take first.
  static var maxRepliesHeld: Int { 256 << 20 }

  init(
    _ replica: Backend, _ configuration: ServeConfiguration, _ identity: NodeIdentity,
    store: StoreID, pins: any PinBook, users: UserBook? = nil,
    encryption: Encryption? = nil, logger: Logger
  ) {
    self.replica = replica
    node = replica.node
    self.configuration = configuration
    self.identity = identity
    self.store = store
    self.pins = pins
    self.logger = logger
    let loop = node.loop
    self.encryption = encryption
    gate = users.map { PasswordGate($0, loop: loop) }
    meter = RequestMeter(slowFrom: configuration.slowFrom) { [unowned loop] in loop.microseconds }
    startedAt = loop.now
    var limits = Conversation.Limits()
    limits.values.maxValue = configuration.maxValue
    // Somewhat more than the limit on values, so that one slightly over it gets an error reply and
    // keeps its connection.
    limits.requests.maxBulk = configuration.maxValue * 2 + 64 * 1024
    limits.requests.maxRequest = limits.requests.maxBulk * 2 + 64 * 1024
    limits.values.allowsFlush = configuration.allowsFlush
    conversationLimits = limits
    node.onCompletion = { [unowned self] in self.complete($0) }
    node.onEffect = { [unowned self] in self.replica.handle($0, on: self) }
    node.atEndOfTurn = { [unowned self] in self.flush() }
    node.onStopping = { [unowned self] in self.stop() }
  }

  /// Listens for clients.
  func start(on address: SocketAddress) throws(UVError) -> SocketAddress {
    let listener = try Listener(node.loop, on: address) { [unowned self] in self.accept($0) }
    self.listener = listener
    port = listener.address.port
    let clock = Timer(node.loop) { [unowned self] in self.checkDeadlines(now: self.node.loop.now) }
    clock.start(every: 1000)
    self.clock = clock
    return listener.address
  }

  /// Listens for scrapers and probes.
  func startHealth(on address: SocketAddress) throws(UVError) -> SocketAddress {
    let health = try HealthListener(node.loop, on: address) { [unowned self] in self.page($0) }
    self.health = health
    return health.address ?? address
  }

  // MARK: - The end

  /// Answers what is under way, for a moment, then stops the node. At once when called again.
  func shutDown() {
    guard !isDraining else { return stopNode() }
    isDraining = true
    listener?.close()
    for place in table { place.session?.stop() }
    let deadline = Timer(node.loop) { [unowned self] in
      self.logger.warning(
        "not everything could be answered within --drain-timeout",
        metadata: ["connections": "\(self.census.count)"])
      self.stopNode()
    }
    deadline.start(after: configuration.drainTimeout)
    drainDeadline = deadline
    stopIfDrained()
  }

  private func stopIfDrained() {
    guard table.allSatisfy({ $0.session?.isDone ?? true }), replica.mayStop(on: self) else {
      return
    }
    stopNode()
  }

  private func stopNode() {
    drainDeadline?.close()
    node.requestStop()
  }

  /// The node stops: whoever still waits is told by the end of the connection.
  private func stop() {
    isDraining = true
    listener?.close()
    clock?.close()
    drainDeadline?.close()
    replica.stop()
    gate?.close()
    health?.close()
    for place in table { place.session?.close() }
  }

  // MARK: - Clients

  /// - Parameter cost: bytes of its commands that are still under way.
  func remove(_ session: Session<Backend>, owing cost: Int) {
    let index = ProposalName.index(session.prefix)
    guard table[index].session === session else { return }
    census.remove(session.origin)
    table[index].session = nil
    if table[index].open == 0 {
      free.append(index)
    } else {
      table[index].owed = cost
      costUnderWay += cost
    }
    // It may be running: its memory must last until its caller has returned.
    node.loop.soon { withExtendedLifetime(session) {} }
  }

  /// Called once a second.
  /// - Parameter now: milliseconds, on the loop's clock.
  func checkDeadlines(now: UInt64) {
    for place in table { place.session?.checkDeadlines(now: now) }
    tellOfSpace()
    replica.lookAfterAll(on: self)
    if spareMemory.isDue(entries: replica.entries, commands: counters.commands) {
      SpareMemory.giveBack()
    }
  }

  /// Says when the disk fills up, and when there is space again.
  private func tellOfSpace() {
    guard node.storage.isLowOnSpace != isLowOnSpace else { return }
    isLowOnSpace.toggle()
    if isLowOnSpace {
      logger.error(
        """
        the disk of \(configuration.dataDirectory) is almost full: this node takes no more writes; \
        free some space, and it goes on by itself
        """)
    } else {
      logger.notice("there is space on the disk again: this node takes writes")
    }
  }

  var sessions: some Sequence<Session<Backend>> { table.lazy.compactMap(\.session) }

  var clientList: String {
    let now = node.loop.now
    return sessions.map { $0.facts.line(now: now) }.joined()
  }

  // MARK: - Proposals

  /// When what is proposed now is given up.
  var deadline: Ticks { Ticks(node.loop.now).advanced(by: configuration.requestTimeout) }

  /// Proposes for a session; its place is kept until the proposal has ended.
  /// - Returns: false where the node takes no proposal now.
  func submit(
    _ proposal: Backend.Machine.Proposal, as id: ProposalID, needsSpace: Bool
  ) -> Bool {
    guard node.submit(proposal, as: id, needsSpace: needsSpace) else { return false }
    table[ProposalName.index(id.rawValue)].open += 1
    return true
  }

  /// Why the node takes no proposal now.
  var whyNotProposed: String {
    if isDraining { return Self.stopping }
    return node.storage.isLowOnSpace
      ? "the disk of this node is almost full, free some space or use another node"
      : "the disk of this node does not keep up, try later or use another node"
  }

  /// The node takes no proposal now.
  func refuseToPropose(_ once: Once? = nil) -> Answer { refuse(once, whyNotProposed) }

  static var stopping: String { "this node is stopping, use another node" }

  /// Where all clients together hold too much.
  static var crowded: String { "too many commands are waiting on this node" }

  func refuse(_ once: Once?, _ why: String) -> Answer {
    counters.refused += 1
    return .failure(once?.isRetry == true ? .retried(why) : .notApplied(why))
  }

  /// As above, for a whole command: what that means to each of those in it, their claims say.
  func refuse(_ why: String) -> CommandEnd {
    counters.refused += 1
    return .notApplied(why)
  }

  /// The session that proposed; nil where it is gone.
  func session(of id: ProposalID) -> Session<Backend>? {
    let index = ProposalName.index(id.rawValue)
    return index < table.count ? table[index].session : nil
  }

  /// Whether all clients together hold as much memory as they may.
  var isCrowded: Bool { costUnderWay >= Self.maxCostUnderWay }

  /// Whether the replies that wait hold as much memory as they may.
  var repliesAreCrowded: Bool { repliesHeld >= Self.maxRepliesHeld }

  /// Whether large commands must wait to be read. Well before the bound: commands that never end must
  /// not keep others from being proposed.
  var isFilling: Bool { costUnderWay >= Self.maxCostUnderWay / 2 }

  private func complete(_ completion: Backend.Machine.Completion) {
    replica.count(completion, in: &counters)
    let index = ProposalName.index(completion.proposal.rawValue)
    guard index < table.count, table[index].open > 0 else { return }
    if table[index].session != nil { table[index].open -= 1 } else { endOrphan(at: index) }
    replica.deliver(completion, to: table[index].session)
  }

  /// A proposal ended whose session is gone.
  private func endOrphan(at index: Int) {
    let part = table[index].owed / table[index].open
    table[index].open -= 1
    table[index].owed -= part
    costUnderWay -= part
    if table[index].open == 0 { free.append(index) }
  }

  // MARK: - The end of a turn

  /// Has the session flushed at the end of this turn.
  func mark(_ session: Session<Backend>) {
    guard !session.isDirty else { return }
    session.isDirty = true
    dirty.append(session)
  }

  /// Has the session flushed again once the loop has looked at everybody else.
  func markForNextTurn(_ session: Session<Backend>) {
    guard !session.isDirty else { return }
    session.isDirty = true
    later.append(session)
  }

  private func flush(_ session: Session<Backend>) {
    session.isDirty = false
    session.flush()
  }

  private func flush() {
    replica.endTurn(on: self)
    dirty.append(contentsOf: later)
    later.removeAll(keepingCapacity: true)
    while !dirty.isEmpty {
      swap(&dirty, &flushing)
      // Those who are known first.
      for session in flushing where !session.isStranger { flush(session) }
      for session in flushing where session.isDirty {
        node.loop.forStranger { flush(session) }
      }
      flushing.removeAll(keepingCapacity: true)
    }
    if !later.isEmpty { node.loop.soon {} }
    if isDraining { stopIfDrained() }
  }
}
