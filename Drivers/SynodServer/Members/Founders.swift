import Synod

/// With whom the cluster of a log began, and how many votes decided then: part of what every node
/// replicates, so one that joins must know it exactly. Written as `1=host:port,2=host:port 2/2`.
struct Founders: Equatable, CustomStringConvertible {
  var members: MemberList
  var quorums: QuorumSystem

  init(members: MemberList, quorums: QuorumSystem) {
    self.members = members
    self.quorums = quorums
  }

  /// - Returns: nil where it is something else.
  init?(_ text: String) {
    let parts = text.split(separator: " ")
    guard parts.count == 2, let members = try? MemberList(String(parts[0])) else { return nil }
    let numbers = parts[1].split(separator: "/").compactMap { Int($0) }
    guard numbers.count == 2,
      let quorums = try? QuorumSystem(
        voters: members.voters.count, prepare: numbers[0], accept: numbers[1])
    else { return nil }
    self.init(members: members, quorums: quorums)
  }

  var description: String { "\(members) \(quorums.prepare)/\(quorums.accept)" }

  /// As the machines of all nodes have it.
  var configuration: Configuration? {
    try? Configuration(epoch: Self.epoch, voters: members.voters, quorums: quorums)
  }

  /// Of the configuration with which a cluster begins.
  static var epoch: Epoch { Epoch(1) }

  var addresses: [VoterID: Endpoint] {
    Dictionary(uniqueKeysWithValues: members.members.map { ($0.voter, $0.endpoint) })
  }
}
