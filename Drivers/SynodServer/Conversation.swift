import CASPaxos
import KeyValue
import RESP
import Synod

/// One client's side of the server, without IO: bytes in, changes to propose and replies out.
///
/// Commands of one connection are proposed in the order in which they came, so those on one key
/// take effect in it; those on different keys run at the same time. Replies leave in the order of the
/// commands. Whoever sends faster than it is answered, or reads slower, is not read from until that
/// changed: what is held for one connection is bounded.
struct Conversation {
  let limits: Limits
  var parser: RequestParser
  var queue = ReplyQueue()
  /// The command that goes through the keys, while there is one.
  var walk: OpenWalk?
  /// Whom it speaks for.
  var access: Access
  /// A password that is being looked at: nothing else is taken meanwhile.
  var login: Login?
  /// What the client watches.
  var watches = ConnectionWatches()
  /// Where commands wait to be replicated whole; nil where each of their keys is on its own.
  var lane: CommandLane?
  /// Replies that are due.
  var writer = ReplyWriter()
  /// Bytes that were read but not looked at yet, while too much is under way.
  private var held: [UInt8] = []
  private var heldOffset = 0
  /// The client sends no more; what is held is still done.
  private var isInputOver = false
  /// Counts how long commands take.
  private let meter: RequestMeter?
  /// The command that was just run took long: the next one waits for the next pass.
  var endsPass = false
  /// No more commands are taken; the connection ends behind the last reply.
  private(set) var isEnding = false
  /// Commands that were understood.
  private(set) var commands: UInt64 = 0
  /// … of these, those since it last spoke for nobody.
  var commandsOfStranger = 0

  /// What is held for one connection at most.
  struct Limits {
    var requests = RequestLimits(maxArguments: 1025)
    var values = ValueLimits(maxKey: 4096, maxValue: 512 * 1024)
    /// Commands (keys of them) under way.
    var commands = 4096
    /// Bytes of the commands under way; one more is taken as long as it is below.
    var commandBytes = 4 << 20
    /// Bytes of replies that wait to be sent; one more is written as long as it is below.
    var replyBytes = 256 * 1024
  }

  /// - Parameters:
  ///   - takesCommands: see `Replica`.
  ///   - access: whom it speaks for at first.
  init(
    limits: Limits, takesCommands: Bool = false, access: Access = .open, meter: RequestMeter? = nil
  ) {
    self.limits = limits
    self.meter = meter
    self.access = access
    lane = takesCommands ? CommandLane() : nil
    parser = RequestParser(limits: limits.requests(for: access))
  }

  var version: RESPVersion {
    get { writer.version }
    set { writer.version = newValue }
  }

  /// Whether reading should go on.
  var isReadable: Bool { !isEnding && held.isEmpty && hasRoom }

  /// Whether another pass would get on, without waiting for anything.
  var goesOn: Bool {
    queue.isDue || walkIsDue || !held.isEmpty && hasRoom && !isEnding || lane?.hasNext ?? false
  }

  /// Whether there is something to send, to go on with, or to end.
  var hasWork: Bool { !writer.isEmpty || goesOn || isOver }

  private var hasRoom: Bool {
    walk == nil && login == nil && queue.count < limits.commands && queue.cost < limits.commandBytes
      && queue.held < limits.commandBytes && writer.count < limits.replyBytes
  }

  // MARK: - In

  /// Takes bytes of the client. What it may not look at yet, it keeps: stop reading until
  /// `isReadable`.
  mutating func receive(_ bytes: UnsafeRawBufferPointer, _ host: some ConversationHost) {
    precondition(held.isEmpty, "nothing is read while bytes are held")
    let offset = understand(bytes, from: 0, host)
    if lane != nil { sendCommands(host) }
    if offset < bytes.count && !isEnding {
      held = Array(bytes[offset...])
      heldOffset = 0
    }
  }

  /// Goes on with the bytes that were kept, as far as there is room.
  mutating func resume(_ host: some ConversationHost) {
    goOnWithWalk(host)
    defer { if lane != nil { sendCommands(host) } }
    guard !held.isEmpty, hasRoom, !isEnding else { return }
    let bytes = held
    heldOffset = bytes.withUnsafeBytes { understand($0, from: heldOffset, host) }
    if heldOffset == bytes.count || isEnding { held = [] }
    if isInputOver && held.isEmpty { end() }
  }

  /// Nothing more will be received. What was is still looked at.
  mutating func endInput() {
    isInputOver = true
    if held.isEmpty { end() }
  }

  /// Takes no more commands, not even those that were read already; those under way are answered.
  mutating func end() {
    isEnding = true
    held = []
  }

  private mutating func understand(
    _ bytes: UnsafeRawBufferPointer, from start: Int, _ host: some ConversationHost
  ) -> Int {
    var offset = start
    endsPass = false
    while !isEnding && hasRoom && !endsPass {
      do throws(ProtocolError) {
        guard try parser.next(in: bytes, from: &offset) else { break }
      } catch {
        host.countProtocolError()
        answer(.failure(.refused(error.description)))
        end()
        break
      }
      commands &+= 1
      execute(host)
    }
    return offset
  }

  private mutating func execute(_ host: some ConversationHost) {
    let command = Command.named(parser.argument(0))
    queue.glimpse = Glimpse(command)
    let request = Request(command, parser, limits: limits.values)
    switch access {
    case .open: break
    case .stranger:
      commandsOfStranger += 1
      guard !isUnwelcome else { return turnAway() }
      if let refusal = request.refusalOfStranger { return deny(refusal) }
    case .user(let user):
      if let refusal = user.refusal(of: request, parser) { return deny(refusal) }
    }
    if !watches.isEmpty, version == .resp2, !request.isAllowedWhileWatching {
      return answer(.failure(.refused(Self.onlyWatching)))
    }
    if lane != nil { return executeWhole(request, host) }
    execute(request, host)
  }

  /// What concerns keys, each on its own; and what concerns none, wherever the keys are.
  mutating func execute(_ request: Request, _ host: some ConversationHost) {
    switch request {
    case .one(let key, let change):
      queue.glimpse.see(key)
      let number = queue.next
      queue.appendWaiting(keys: 1, .sum, Claim(change), cost: weight, version)
      propose(.change(change), of: key, as: number, host)
    case .once(let once, let key, let change):
      queue.glimpse.see(key)
      let number = queue.next
      queue.appendWaiting(keys: 1, .sum, Claim(change, once), cost: weight, version)
      propose(.change(change), once: once, of: key, as: number, host)
    case .fence(let key, let operation):
      queue.glimpse.see(key)
      let number = queue.next
      queue.appendWaiting(keys: 1, .sum, Claim(operation), cost: weight, version)
      propose(operation, of: key, as: number, host)
    case .each(let change, let keys, let combination):
      queue.glimpse.see(parser.argument(keys.lowerBound))
      let number = queue.next
      queue.appendWaiting(
        keys: keys.count, combination, Claim(change), cost: weight, version)
      for index in keys {
        let place = number + UInt64(index - keys.lowerBound)
        propose(.change(change), of: parser.bytes(index), as: place, host)
      }
    case .members(let change):
      let number = queue.next
      queue.appendWaiting(keys: 1, .sum, .writes, cost: weight, version)
      if let answer = host.change(change, as: number) { queue.answer(number, with: answer) }
    case .steps: answer(.failure(.refused(Self.onlyWhole)))
    case .walk(let purpose, let pattern):
      begin(KeyWalk(purpose, pattern: pattern, within: access.user?.prefixes, version))
    case .connection(let command): run(command, host)
    case .invalid(let error): answer(.failure(.refused(error)))
    case .foreign:
      host.countProtocolError()
      answer(.failure(.refused("ERR Protocol error: this is not a web server")))
      end()
    }
  }

  static let onlyWhole =
    "ERR this command takes several keys at one moment, or a lease, which registers do not: start the "
    + "cluster with --protocol multipaxos or epaxos"

  private mutating func propose(
    _ operation: KeyOperation, once: Once? = nil, of key: Bytes,
    as number: UInt64, _ host: some ConversationHost
  ) {
    if let answer = host.propose(operation, once: once, of: key, as: number) {
      queue.answer(number, with: answer)
    }
  }

  /// What the command weighs while it is under way: its bytes and our own notes about it.
  var weight: Int {
    var bytes = 64 * parser.argumentCount
    for index in 0..<parser.argumentCount { bytes += parser.argument(index).count }
    return bytes
  }

  /// The numbers of the proposals under way that hold changes to be made once.
  var openOnce: [UInt64] { lane?.openOnce ?? queue.openOnce }

  // MARK: - Answered

  /// Ends the proposal of this number.
  mutating func complete(_ number: UInt64, _ outcome: Outcome<KeyValueChange>) {
    if walk?.number == number { return advanceWalk(outcome) }
    guard let claim = queue.claim(number) else { return }
    queue.answer(number, with: Answer(outcome, claim))
  }

  /// Ends the command of this number with a reply of its own.
  mutating func complete(_ number: UInt64, with answer: Answer) {
    queue.answer(number, with: answer)
  }

  /// Answers the command that was just understood.
  mutating func answer(_ answer: Answer) { queue.append(answer, version, cost: 256) }

  /// Answers the command that was just understood with what `body` writes: at once where nobody is
  /// before it.
  mutating func answer(_ body: (inout ReplyWriter) -> Void) {
    if queue.isEmpty { return body(&writer) }
    var separate = ReplyWriter(version: version, capacity: 256)
    body(&separate)
    let reply = Bytes(copying: separate.written.bytes)
    queue.append(.written(reply), version, cost: 64 + reply.count)
  }

  // MARK: - Out

  /// Writes the replies that are due into `writer`.
  /// - Parameter unsent: bytes of earlier replies that the client has not taken.
  mutating func render(unsent: Int) {
    queue.render(into: &writer, limit: limits.replyBytes - unsent, meter)
    if !watches.isQuiet { renderWatches(limit: limits.replyBytes - unsent) }
  }

  /// What is held for this connection, in bytes: commands under way and not whole, and replies that
  /// wait for others before them. What its watches hold the machine bounds by itself
  /// (`Settings.maxObservedBytesInAll`): a client that reads slowly keeps nobody from their commands.
  var cost: Int {
    queue.cost + (walk?.walk.cost ?? 0) + parser.pendingCapacity + held.count
      + (lane?.transaction?.weight ?? 0)
  }

  /// Bytes of replies that it holds.
  var heldReplies: Int { queue.held + writer.count }

  /// Whether every command was answered and nothing more will come.
  var isOver: Bool { isEnding && queue.isEmpty }
}

/// What a conversation needs from the server around it.
protocol ConversationHost: AnyObject {
  /// Proposes; `complete` is called later, not from within.
  /// - Returns: the answer, where nothing was proposed.
  func propose(
    _ operation: KeyOperation, once: Once?, of key: Bytes, as number: UInt64
  ) -> Answer?
  /// Proposes a whole command, where those are taken; as `propose`.
  /// - Returns: how it ended, where nothing was proposed.
  func propose(_ command: KeyValueCommand, as number: UInt64) -> CommandEnd?
  /// Proposes a change of the members; as `propose`.
  func change(_ change: MembershipChange, as number: UInt64) -> Answer?
  /// The members, as this node knows them.
  var membersReport: MembersReport { get }
  func countProtocolError()
  /// Begins to watch; what is seen is handed to `observe` later, not from within.
  /// - Parameter number: the connection's own, never used again.
  /// - Returns: the answer, where it was refused.
  func watch(_ key: Bytes, _ request: WatchRequest, as number: UInt32) -> Answer?
  func unwatch(_ number: UInt32)
  /// This connection, for `CLIENT`.
  var facts: ClientFacts { get set }
  /// Milliseconds, on the clock of `ClientFacts.connectedSince`.
  var now: UInt64 { get }
  /// Whom a connection speaks for that has not logged in.
  var initialAccess: Access { get }
  /// Looks whether that is the user's password; `loggedIn` is called with the answer, later, not from
  /// within.
  /// - Returns: the answer, where it is known.
  func logIn(_ name: String, _ password: String) -> PasswordGate.Answer?
  /// Commands that took long.
  var slowLog: SlowLog { get set }
  /// One line for each connection.
  var clientList: String { get }
  /// What `INFO` shows of these sections; all where there are none.
  /// - Parameter isNarrow: without what tells of all keys and of other nodes.
  func info(_ sections: [String], isNarrow: Bool) -> String
  /// Begins anew what `INFO` shows of the longest.
  func forgetLongest()
}

/// A connection, as `CLIENT` shows it.
struct ClientFacts {
  var id: UInt64
  var address: String
  var localAddress: String
  var name = ""
  /// Who has logged in.
  var user = UserBook.defaultName
  var libraryName = ""
  var libraryVersion = ""
  var version = RESPVersion.resp2
  var connectedSince: UInt64
  /// Since when nobody has logged in, where somebody must.
  var strangerSince: UInt64 = 0

  /// As `CLIENT LIST` has it.
  func line(now: UInt64) -> String {
    "id=\(id) addr=\(address) laddr=\(localAddress) name=\(name) "
      + "age=\((now - min(now, connectedSince)) / 1000) db=0 user=\(user) resp=\(version.rawValue) "
      + "lib-name=\(libraryName) lib-ver=\(libraryVersion)\n"
  }
}
