import CASPaxos
import KeyValue
import Synod

/// What a client's command asks of the server.
enum Request {
  /// A change of one key.
  case one(key: Bytes, KeyValueChange)
  /// The same change of several keys, each on its own.
  case each(KeyValueChange, keys: Range<Int>, Combination)
  /// A change of one key that is made once, however often it is sent.
  case once(Once, key: Bytes, KeyValueChange)
  /// What concerns no value, and is written all the same.
  case fence(key: Bytes, KeyOperation)
  /// What several keys, or a lease, are asked for at one moment.
  case steps(KeyValueStep)
  /// A change of the cluster's members.
  case members(MembershipChange)
  /// What goes through the keys, or those that match.
  case walk(KeyWalk.Purpose, Glob?)
  /// What concerns this connection or this node only.
  case connection(Command)
  /// The error reply; nothing was done.
  case invalid(String)
  /// Another protocol's words: a web page may make a browser send what would be our commands, so
  /// the connection ends (as in Redis, CVE-2016-10517).
  case foreign

  /// How the replies for several keys become one.
  enum Combination { case array, sum }
}
