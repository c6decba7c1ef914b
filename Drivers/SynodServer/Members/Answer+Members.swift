import CASPaxos
import KeyValue
import Synod

extension Answer {
  /// The identity of who was named, or that it is done.
  /// - Parameter change: what was asked for.
  init(_ members: [ClusterMember], after change: MembershipChange?) {
    switch change {
    case .add(let address, _), .replace(_, let address):
      // No two members have one address.
      let named = members.last { $0.address == address }
      self = named.map { .reply(.integer(Int64($0.voter.rawValue))) } ?? .reply(.ok)
    case .remove, .rollback, .setAddress, .pin, nil: self = .reply(.ok)
    }
  }
}
