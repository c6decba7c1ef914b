import Synod

/// The voters of a new cluster and where they listen for each other:
/// `1=127.0.0.1:7101,2=127.0.0.1:7102,3=127.0.0.1:7103`.
struct MemberList: Hashable, CustomStringConvertible {
  /// In ascending order.
  let members: [(voter: VoterID, endpoint: Endpoint)]

  /// - Throws: a usage `Failure` that says what is wrong with `text`.
  init(_ text: String) throws(Failure) {
    let what = "--initial-cluster"
    var members: [(voter: VoterID, endpoint: Endpoint)] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let equals = part.firstIndex(of: "=") else {
        throw .usage(
          "\(what): '\(part)' in '\(text)' is no member; write it as 1=127.0.0.1:7101,2=…")
      }
      let voter = try VoterID(text: String(part[..<equals]), what: what)
      let endpoint = try Endpoint(String(part[part.index(after: equals)...]), what: what)
      if members.contains(where: { $0.voter == voter }) {
        throw .usage("\(what): node \(voter) is named twice in '\(text)'; every id must differ")
      }
      if let other = members.first(where: { $0.endpoint == endpoint }) {
        throw .usage(
          "\(what): nodes \(other.voter) and \(voter) have the same address \(endpoint); "
            + "every node needs its own")
      }
      members.append((voter, endpoint))
    }
    guard members.count <= QuorumSystem.maxVoters else {
      throw .usage(
        "\(what): \(members.count) members; there can be \(QuorumSystem.maxVoters) at most")
    }
    self.members = members.sorted { $0.voter < $1.voter }
  }

  var voters: [VoterID] { members.map(\.voter) }

  subscript(voter: VoterID) -> Endpoint? { members.first { $0.voter == voter }?.endpoint }

  var description: String {
    members.map { "\($0.voter)=\($0.endpoint)" }.joined(separator: ",")
  }

  static func == (a: MemberList, b: MemberList) -> Bool { a.description == b.description }
  func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

extension VoterID {
  /// - Throws: a usage `Failure` where `text` is no number from 1.
  init(text: String, what: String) throws(Failure) {
    guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = UInt32(text), number > 0
    else {
      throw .usage("\(what): '\(text)' is no node id; it must be a number from 1 to \(UInt32.max)")
    }
    self.init(number)
  }
}
