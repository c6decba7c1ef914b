import CASPaxos
import KeyValue
import Synod

extension Answer {
  /// - Parameter claim: a change that never writes has no effect however it ended, so it is always
  ///   safe to try again; one that is a retry may have had its effect before, however it ended.
  init(_ outcome: Outcome<KeyValueChange>, _ claim: Claim) {
    switch outcome {
    case .applied(let reply, _): self = .reply(reply)
    case .read(let register): self = .reply(KeyValueReply(register.value))
    case .listed: preconditionFailure("a list is answered by the walk that asked for it")
    // No command of a key asks about the members.
    case .membership: self = .reply(KeyValueReply(nil))
    case .notApplied(.abandoned(let why)) where claim == .retry:
      self = .failure(.retried(Failure.reason(why)))
    case .notApplied(.overloaded) where claim == .retry:
      self = .failure(.retried("too many commands are waiting on this node"))
    case .notApplied(let why): self = .failure(Failure(why))
    case .unknown(.forgotten) where claim != .readOnly:
      self = .failure(.forgotten(Failure.reason(.forgotten)))
    case .unknown(.otherChange): self = .failure(.forgotten(Failure.reason(.otherChange)))
    case .unknown(let why):
      let reason = Failure.reason(why)
      switch claim {
      case .readOnly: self = .failure(.notApplied(reason))
      case .writes: self = .failure(.unknown(reason))
      case .once, .retry: self = .failure(.unknownOnce(reason))
      }
    }
  }
}

extension Answer.Failure {
  fileprivate init(_ why: NotApplied<KeyValueRejection>) {
    switch why {
    case .rejected(let rejection, _): self = .refused(rejection.text)
    case .overloaded: self = .notApplied("too many commands are waiting on this node")
    case .tooLarge(let size, let limit):
      self = .refused(
        "ERR string exceeds maximum allowed size: \(size) bytes, the limit is \(limit) "
          + "(--max-value); nothing was changed")
    case .reserved: self = .refused("ERR keys that begin with a zero byte and synod/ are reserved")
    case .refused(let why): self = .refused("ERR \(why)")
    case .unwatchable(let why): self = .refused(why.text)
    case .cannotRemember:
      self = .refused("ERR the reply of this command is too long to be kept; nothing was changed")
    case .abandoned(let why): self = .notApplied(Self.reason(why))
    }
  }

  fileprivate static func reason(_ why: Abandoned) -> String {
    switch why {
    case .deadline: "no quorum of the nodes answered within the time limit (--request-timeout)"
    case .cancelled: "the command was cancelled"
    case .ballotsExhausted: "a peer named a ballot beyond which there is none: check the peers"
    case .notAMember: "this node is no member of the cluster, use another node"
    case .forgotten: "the key no longer knows what became of an earlier attempt"
    case .otherChange: "this number was another command's of this client"
    case .storageFailed: "the storage of this node failed, use another node"
    case .machineStopped: "this node stopped for its own safety, use another node"
    }
  }
}

extension WatchRefusal {
  /// As a client reads it.
  fileprivate var text: String {
    switch self {
    case .tooManyWatches(let limit): "ERR this node's clients have \(limit) watches already"
    case .tooManyPrefixes(let limit):
      "ERR this node's clients watch \(limit) different prefixes already"
    case .tooManyKeys(let limit): "ERR more than \(limit) keys begin with this prefix"
    case .tooManyKeysInAll(let limit):
      "ERR the watches of this node know \(limit) keys already, use another node"
    }
  }
}
