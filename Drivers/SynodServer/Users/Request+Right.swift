import KeyValue
import RESP
import Synod

/// Who may ask for what.
extension Request {
  /// The error for whoever has not logged in; nil for what a client needs to do so.
  var refusalOfStranger: String? {
    switch self {
    case .connection(.auth), .connection(.quit), .connection(.reset), .invalid, .foreign: nil
    // It refuses by itself where it has no password.
    case .connection(.hello): nil
    case .one, .each, .once, .fence, .steps, .members, .walk, .connection:
      "NOAUTH Authentication required."
    }
  }

  /// What a user must be allowed to; nil where anyone may who has logged in.
  fileprivate func right(_ parser: RequestParser) -> Right? {
    switch self {
    case .one(_, let change), .each(let change, _, _): change.isReadOnly ? .read : .write
    case .once, .fence: .write
    case .steps(let step): step.isReadOnly ? .read : .write
    case .members, .walk(.flush, _): .admin
    case .walk: .read
    case .connection(let command): command.right(parser)
    case .invalid, .foreign: nil
    }
  }
}

extension Command {
  /// Of those that concern the connection or the node.
  fileprivate func right(_ parser: RequestParser) -> Right? {
    switch self {
    case .ping, .echo, .quit, .select, .hello, .auth, .command, .reset, .multi, .exec, .discard,
      .unwatch, .synodUnwatch, .info:
      nil
    // Whatever else may be set there is a flag, and what can be got is nothing.
    case .config: parser.text(1, limit: 16).uppercased() == "RESETSTAT" ? .admin : nil
    case .client: parser.text(1, limit: 8).uppercased() == "LIST" ? .admin : nil
    case .acl: nil
    case .watch, .synodWatch: .read
    case .synodMembers, .slowlog: .admin
    case .get, .set, .setnx, .getset, .getdel, .del, .exists, .strlen, .append, .incr, .decr,
      .incrby, .decrby, .cas, .mget, .mset, .msetnx, .scan, .keys, .dbsize, .randomkey, .flushall,
      .flushdb, .synodLease, .synodOnce, .synodForget, .synodSettle:
      preconditionFailure("a command on keys is a change")
    }
  }
}

extension User {
  /// The error that this user gets for the command; nil where it may be run.
  func refusal(of request: Request, _ parser: RequestParser) -> String? {
    if let needed = request.right(parser), right < needed { return notPermitted(parser) }
    guard prefixes != nil else { return nil }
    switch request {
    // What counts or deletes all keys would tell of, or change, those of others.
    case .walk(.count, _), .walk(.random, _), .walk(.flush, _): return notPermitted(parser)
    case .one, .each, .once, .fence, .steps, .members, .walk, .connection, .invalid, .foreign:
      return hasKeys(of: request, parser) ? nil : "NOPERM No permissions to access a key"
    }
  }

  private func hasKeys(of request: Request, _ parser: RequestParser) -> Bool {
    switch request {
    case .one(let key, _), .once(_, let key, _), .fence(let key, _): has(key)
    case .each(_, let keys, _): keys.allSatisfy { hasAll(beginningWith: parser.argument($0)) }
    case .steps(let step): hasKeys(of: step)
    case .connection(.watch):
      (1..<parser.argumentCount).allSatisfy { hasAll(beginningWith: parser.argument($0)) }
    case .connection(.synodWatch):
      hasAll(beginningWith: parser.argument(parser.watchesPrefix ? 2 : 1))
    // What these name are no keys; the lists show only keys of this user.
    case .members, .walk, .connection, .invalid, .foreign: true
    }
  }

  private func hasKeys(of step: KeyValueStep) -> Bool {
    switch step {
    case .change(_, let key), .once(_, let key, _), .forget(_, _, let key): has(key)
    case .get(let keys), .count(let keys), .delete(let keys), .versions(let keys):
      keys.allSatisfy(has)
    case .set(let pairs), .setIfAllMissing(let pairs): pairs.allSatisfy { has($0.key) }
    case .lease(let lease): has(lease.name)
    case .size, .list, .deleteAll, .letGo, .configure: false
    }
  }

  /// As Redis words it: a subcommand is named with its command.
  private func notPermitted(_ parser: RequestParser) -> String {
    guard let command = Command.named(parser.argument(0)) else {
      preconditionFailure("a command that is not known is refused as such")
    }
    var full = command.name
    switch command {
    case .acl, .client, .config, .slowlog, .synodMembers:
      if parser.argumentCount > 1 { full += "|\(parser.text(1, limit: 32).lowercased())" }
    default: break
    }
    return "NOPERM User \(name) has no permissions to run the '\(full)' command"
  }
}
