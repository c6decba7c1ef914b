internal import Synod

extension Refusal: CustomStringConvertible {
  /// Why, in words that fit on both sides.
  public var description: String {
    switch self {
    case .wrongCluster(let expected): "wrong cluster: expected \(expected)"
    case .unknownVoter(let voter): "voter \(voter) is not in the configuration"
    case .otherStore(let voter, let pinned):
      "voter \(voter) is known by store \(pinned), and this is another"
    case .noCommonVersion(let speaks):
      "no common wire version: the refusing node speaks "
        + "\(speaks.lowerBound) to \(speaks.upperBound)"
    case .claimsMyIdentity(let voter): "two nodes say that they are voter \(voter)"
    case .otherVoterDialed(let meant, let found):
      "the address of voter \(meant) leads to voter \(found)"
    case .olderIncarnation(let voter, let seen):
      "voter \(voter)'s store has been started since: incarnation \(seen) was met already"
    case .duplicate: "the pair keeps its other connection"
    case .busy: "too many connections"
    case .cannotPin(let voter): "the store of voter \(voter) could not be pinned durably"
    case .badBytes: "the bytes were damaged, or no message"
    case .leaving: "the node is shutting down"
    case .notCertified(let voter):
      "the certificate does not name voter \(voter) of the refusing node's cluster"
    case .otherMachine: "the two speak different protocols"
    case .other(let code): "refused with the unknown code \(code)"
    }
  }
}

extension Refusal {
  /// What a person can do about it; nil where it passes by itself.
  public var advice: String? {
    switch self {
    case .wrongCluster:
      "check --cluster-token and --initial-cluster: they must be the same on every node"
    case .unknownVoter:
      "check --node-id and --initial-cluster: they must name the same members on every node; one that "
        + "joins a cluster that runs is named first: synod members add HOST:PORT"
    case .otherStore(let voter, _):
      "a store that is lost never votes again under its old number: start node \(voter) from its "
        + "original data directory; \(Self.elseReplace(voter))"
    case .noCommonVersion: "run versions of synod that are next to each other on all nodes"
    case .claimsMyIdentity: "give each node its own --node-id"
    case .otherVoterDialed: "check the addresses in --initial-cluster"
    case .olderIncarnation(let voter, _):
      "the data directory looks like an older copy, which must not vote: start node \(voter) from "
        + "the newest; \(Self.elseReplace(voter))"
    case .cannotPin: "look at the disk of the refusing node"
    case .badBytes: "look at the network between the two, and at their versions"
    case .notCertified(let voter):
      "give node \(voter) a certificate of its own, with its cluster's token: synod certificates"
    case .otherMachine: "start all nodes of a cluster with the same --protocol"
    case .duplicate, .busy, .leaving, .other: nil
    }
  }

  private static func elseReplace(_ voter: VoterID) -> String {
    "if that is gone, have a new node take its place: synod members replace \(voter) HOST:PORT"
  }

  /// Whether it stays until a person acts.
  public var isLasting: Bool {
    switch self {
    case .wrongCluster, .unknownVoter, .otherStore, .noCommonVersion, .claimsMyIdentity,
      .otherVoterDialed, .olderIncarnation, .notCertified, .otherMachine:
      true
    case .duplicate, .busy, .cannotPin, .badBytes, .leaving, .other: false
    }
  }
}
