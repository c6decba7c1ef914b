import CASPaxos
import KeyValue
import RESP
import Synod

@testable import SynodServer

/// A server of one node without consensus: a table, and proposals that end when the test says so.
final class TestHost: ConversationHost {
  var facts = ClientFacts(
    id: 7, address: "127.0.0.1:5000", localAddress: "127.0.0.1:7001", connectedSince: 0)
  var now: UInt64 { 3000 }
  var clientList: String { facts.line(now: now) }
  var slowLog = SlowLog()
  var initialAccess = Access.open
  /// Who may log in, with their passwords; whoever else tries waits.
  var passwords: [String: (password: String, user: User)] = [:]
  var logins: [(name: String, password: String)] = []
  var isLookingLater = false

  func logIn(_ name: String, _ password: String) -> PasswordGate.Answer? {
    logins.append((name, password))
    return isLookingLater ? nil : answerToLogin()
  }

  /// How the oldest login ends.
  func answerToLogin() -> PasswordGate.Answer {
    let (name, password) = logins.removeFirst()
    guard let known = passwords[name], known.password == password else { return .wrong }
    return .granted(known.user)
  }
  var protocolErrors = 0
  var infos = 0
  var longestForgotten = 0
  /// Why nothing is proposed.
  var refusal: String?
  var proposed: [(change: KeyValueChange, key: Bytes, number: UInt64)] = []
  /// What was proposed to be made once, or was no change.
  var onces: [Once] = []
  var fences: [Bytes] = []
  var table: [Bytes: Bytes] = [:]

  func propose(
    _ operation: KeyOperation, once: Once?, of key: Bytes, as number: UInt64
  ) -> Answer? {
    if let refusal { return .failure(.notApplied(refusal)) }
    if let once { onces.append(once) }
    if case .change(let change) = operation {
      proposed.append((change, key, number))
    } else if case .list(let after, let limit) = operation {
      listed.append((after, limit, number))
    } else {
      fences.append(key)
      proposed.append((.get, key, number))
    }
    return nil
  }
  /// Whole commands that were proposed, where those are taken.
  var commands: [(command: KeyValueCommand, number: UInt64)] = []

  func propose(_ command: KeyValueCommand, as number: UInt64) -> CommandEnd? {
    if let refusal { return .notApplied(refusal) }
    commands.append((command, number))
    return nil
  }

  var watched: [UInt32: (key: Bytes, request: WatchRequest)] = [:]

  var listed: [(after: UInt64?, limit: Int, number: UInt64)] = []

  /// How the oldest list ends. A key of the test has its length for a hash.
  func applyList() -> (UInt64, Outcome<KeyValueChange>) {
    let (after, asked, number) = listed.removeFirst()
    // A machine gives what it likes to give at once.
    let limit = min(asked, 1000)
    let keys = table.keys.filter { $0.count > after.map { Int($0) } ?? -1 }
      .sorted { $0.count < $1.count }
    let through = keys.count > limit ? UInt64(keys[limit - 1].count) : .max
    return (number, .listed(KeyList(keys: Array(keys.prefix(limit)), through: through)))
  }

  func watch(_ key: Bytes, _ request: WatchRequest, as number: UInt32) -> Answer? {
    if let refusal { return .failure(.notApplied(refusal)) }
    watched[number] = (key, request)
    return nil
  }
  func unwatch(_ number: UInt32) { watched[number] = nil }
  var changes: [(change: MembershipChange, number: UInt64)] = []

  func change(_ change: MembershipChange, as number: UInt64) -> Answer? {
    if let refusal { return .failure(.notApplied(refusal)) }
    changes.append((change, number))
    return nil
  }
  var membersReport: MembersReport {
    MembersReport(
      cluster: ClusterID(Identity128(high: 1, low: 2)), node: VoterID(1),
      consensus: .caspaxos, revision: 3, epoch: 2,
      voters: [VoterID(1)], incoming: [VoterID(1), VoterID(2)], progress: 40,
      members: [
        .init(
          voter: VoterID(1), role: "voter", address: "h:1", store: "-", state: "this node")
      ])
  }
  func countProtocolError() { protocolErrors += 1 }
  func forgetLongest() { longestForgotten += 1 }
  func info(_ sections: [String], isNarrow: Bool) -> String {
    infos += 1
    return "# Test\r\nsections:\(sections)\(isNarrow ? " narrow" : "")\r\n"
  }

  /// How the oldest proposal ends, where it is applied.
  func apply() -> (UInt64, Outcome<KeyValueChange>) {
    let (change, key, number) = proposed.removeFirst()
    let old = Register(value: table[key])
    switch change.apply(to: old) {
    case .write(let value, let reply):
      table[key] = value
      return (number, .applied(reply, Register(value: value)))
    case .keep(let reply): return (number, .applied(reply, old))
    case .reject(let why): return (number, .notApplied(.rejected(why, old)))
    }
  }
}

/// A conversation and its host; text in, text out.
struct Talk {
  var conversation: Conversation
  let host = TestHost()

  init(_ limits: Conversation.Limits = Conversation.Limits()) {
    conversation = Conversation(limits: limits)
  }

  /// Where `users` may log in, each with its name for a password.
  init(users: User..., initially access: Access = .stranger, takesCommands: Bool = false) {
    conversation = Conversation(
      limits: Conversation.Limits(), takesCommands: takesCommands, access: access)
    host.initialAccess = access
    for user in users { host.passwords[user.name] = (user.name, user) }
  }

  mutating func send(_ text: String) {
    Array(text.utf8).withUnsafeBytes { conversation.receive($0, host) }
  }

  /// Ends the proposals that wait, in order, and goes on with what was held back.
  mutating func settle() {
    repeat {
      while !host.proposed.isEmpty { finish(host.apply()) }
      while !host.listed.isEmpty { finish(host.applyList()) }
      conversation.render(unsent: 0)
      conversation.resume(host)
    } while !host.proposed.isEmpty || !host.listed.isEmpty || conversation.walk != nil
  }

  mutating func finish(_ end: (UInt64, Outcome<KeyValueChange>)) {
    conversation.complete(end.0, end.1)
  }

  /// Has a watch see a state.
  mutating func observe(
    _ key: Bytes, _ value: Bytes?, version: String = "0.1.1+1", skipped: Bool = false,
    by number: UInt32 = 1, as effect: UInt64 = 1
  ) {
    let register = Register(value: value, version: Version(version)!)
    conversation.watches.observe(
      Observation(
        id: EffectID(effect), watch: ProposalID(UInt64(number)), key: key, register: register,
        skipped: skipped), by: number)
  }

  /// What a client has received since the last call.
  mutating func received(unsent: Int = 0) -> String {
    conversation.render(unsent: unsent)
    defer { conversation.writer.reset() }
    return String(decoding: conversation.writer.written.bytes, as: UTF8.self)
  }

  /// Sends lines as inline commands, lets all of them be applied, and gives the replies.
  mutating func ask(_ lines: String...) -> String {
    send(lines.map { $0 + "\r\n" }.joined())
    settle()
    return received()
  }
}
