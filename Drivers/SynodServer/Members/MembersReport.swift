import RESP
import Synod
import SynodRuntime

/// Who takes part in a cluster, as a node knows it: what `SYNOD.MEMBERS` replies and `synod members`
/// shows.
struct MembersReport: Equatable {
  /// One member.
  struct Line: Equatable {
    var voter: VoterID
    /// `voter`, `learner`, `proposer` or `observer`.
    var role: String
    /// Where its peers reach it; empty where that is not known.
    var address: String
    /// The identity of its store; `-` before it was seen.
    var store: String
    /// How the node that was asked reaches it.
    var state: String
  }

  /// Which cluster it is.
  var cluster: ClusterID
  /// Who was asked.
  var node: VoterID
  /// The protocol that it speaks.
  var consensus: ServeCommand.Consensus
  /// Rises with every change of the members.
  var revision: UInt64
  /// Of the configuration.
  var epoch: UInt64
  /// The voters; of a change under way, those before it.
  var voters: [VoterID]
  /// The voters after the change that is under way; none where none is.
  var incoming: [VoterID]
  /// How many of `voters` must promise and accept; nil where the protocol has no such numbers.
  var quorums: QuorumSystem?
  /// How much of the keys has been taken over, in percent, as far as the node that was asked has heard
  /// of whoever does it; nil where nothing is, or where there are no keys to take over.
  var progress: Int?
  var members: [Line]
  /// With whom the cluster began, where a node that joins must know that; nil where it need not.
  var founders: Founders?

  subscript(voter: VoterID) -> Line? { members.first { $0.voter == voter } }

  /// Whether the voters are being changed.
  var isChanging: Bool { !incoming.isEmpty }
}

extension MembersReport {
  /// Writes it as names and values: a map, where the client's version has one.
  func write(into writer: inout ReplyWriter) {
    writer.map(11)
    writer.bulk("cluster")
    writer.bulk("\(cluster)")
    writer.bulk("node")
    writer.integer(Int64(node.rawValue))
    writer.bulk("protocol")
    writer.bulk(consensus.rawValue)
    writer.bulk("revision")
    writer.integer(Int64(clamping: revision))
    writer.bulk("epoch")
    writer.integer(Int64(clamping: epoch))
    writer.bulk("voters")
    writer.bulk(Self.list(voters))
    writer.bulk("incoming")
    writer.bulk(Self.list(incoming))
    writer.bulk("quorums")
    writer.bulk(quorums.map { "\($0.prepare)/\($0.accept)" } ?? "")
    writer.bulk("progress")
    if let progress { writer.integer(Int64(progress)) } else { writer.null() }
    writer.bulk("founders")
    writer.bulk(founders.map { "\($0)" } ?? "")
    writer.bulk("members")
    writer.array(members.count)
    for member in members {
      writer.array(5)
      writer.bulk("\(member.voter)")
      for text in [member.role, member.address, member.store, member.state] { writer.bulk(text) }
    }
  }

  private static func list(_ voters: [VoterID]) -> String {
    voters.map(\.description).joined(separator: ",")
  }
}

extension MembersReport {
  /// Reads what `write` writes to a client of the second version of the protocol.
  /// - Returns: nil where it is something else.
  init?(_ reply: BlockingClient.Reply) {
    guard case .array(let all) = reply, all.count % 2 == 0 else { return nil }
    var fields: [String: BlockingClient.Reply] = [:]
    for index in stride(from: 0, to: all.count, by: 2) {
      guard case .text(let name) = all[index] else { return nil }
      fields[name] = all[index + 1]
    }
    guard case .text(let name) = fields["cluster"], let cluster = ClusterID(text: name),
      case .integer(let node) = fields["node"], let node = UInt32(exactly: node),
      case .text(let protocolName) = fields["protocol"],
      let consensus = ServeCommand.Consensus(rawValue: protocolName),
      case .integer(let revision) = fields["revision"], let revision = UInt64(exactly: revision),
      case .integer(let epoch) = fields["epoch"], let epoch = UInt64(exactly: epoch),
      case .text(let old) = fields["voters"], let voters = Self.voters(old),
      case .text(let new) = fields["incoming"], let incoming = Self.voters(new),
      case .array(let lines) = fields["members"]
    else { return nil }
    var members: [Line] = []
    for line in lines {
      guard let member = Line(line) else { return nil }
      members.append(member)
    }
    var quorums: QuorumSystem?
    // Absent, or empty, where there are none.
    if case .text(let text) = fields["quorums"], !text.isEmpty {
      guard let read = Self.quorums(text, of: voters.count) else { return nil }
      quorums = read
    }
    var progress: Int?
    if case .integer(let percent) = fields["progress"] { progress = Int(percent) }
    var founders: Founders?
    if case .text(let text) = fields["founders"], !text.isEmpty {
      guard let read = Founders(text) else { return nil }
      founders = read
    }
    self.init(
      cluster: cluster, node: VoterID(node), consensus: consensus, revision: revision,
      epoch: epoch, voters: voters, incoming: incoming, quorums: quorums, progress: progress,
      members: members, founders: founders)
  }

  private static func quorums(_ text: String, of voters: Int) -> QuorumSystem? {
    let parts = text.split(separator: "/").map { Int($0) }
    guard parts.count == 2, let prepare = parts[0], let accept = parts[1] else { return nil }
    return try? QuorumSystem(voters: voters, prepare: prepare, accept: accept)
  }

  private static func voters(_ text: String) -> [VoterID]? {
    let parts = text.split(separator: ",")
    let voters = parts.compactMap { UInt32($0).map { VoterID($0) } }
    return voters.count == parts.count ? voters : nil
  }
}

extension MembersReport.Line {
  fileprivate init?(_ reply: BlockingClient.Reply) {
    guard case .array(let parts) = reply, parts.count == 5 else { return nil }
    var texts: [String] = []
    for case .text(let text) in parts { texts.append(text) }
    guard texts.count == 5, let number = UInt32(texts[0]) else { return nil }
    self.init(
      voter: VoterID(number), role: texts[1], address: texts[2], store: texts[3], state: texts[4])
  }
}

extension ClusterID {
  /// Reads what `description` writes: 32 hexadecimal digits.
  init?(text: String) {
    guard text.utf8.count == 32, text.utf8.allSatisfy({ $0 != 0x2b && $0 != 0x2d }),
      let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(Identity128(high: high, low: low))
  }
}

extension KeyServer {
  /// Who takes part, and how each is reached from here.
  func lines(of members: [ClusterMember]) -> [MembersReport.Line] {
    let peers = node.transport.peers
    return members.map { member in
      MembersReport.Line(
        voter: member.voter, role: member.role,
        address: String(decoding: member.address.array, as: UTF8.self),
        store: member.store.map(\.description) ?? "-",
        state: member.voter == identity.voter
          ? "this node" : peers.first { $0.voter == member.voter }.words)
    }
  }
}

extension PeerStatus? {
  /// How the peer is reached.
  var words: String {
    switch self?.state {
    case .connected: "connected"
    case .connecting: "connecting"
    case .down(let why): "down (\(why))"
    case nil: "not looked for"
    }
  }
}
