import Synod

/// One who takes part in a cluster: what the protocols' members have in common.
struct ClusterMember {
  var voter: VoterID
  /// `voter`, `learner`, `proposer` or `observer`.
  var role: String
  /// Where its peers reach it; empty where that is not known.
  var address: Bytes
  /// Its store; nil before it was seen.
  var store: StoreID?
}

extension ClusterMember {
  init(_ voter: VoterID, _ role: String, _ address: Bytes, _ store: Identity128?) {
    self.init(voter: voter, role: role, address: address, store: store.map { StoreID($0) })
  }
}

/// Why a change of the members is not proposed.
struct ChangeRefused: Error {
  var why: String
}

extension [ClusterMember] {
  /// No two members have one address.
  /// - Parameter voter: who may have it: it is about to go.
  func mustBeFree(_ address: Bytes, except voter: VoterID? = nil) throws(ChangeRefused) {
    if let taken = first(where: { $0.address == address && $0.voter != voter }) {
      throw ChangeRefused(why: "member \(taken.voter) has this address already")
    }
  }
}
