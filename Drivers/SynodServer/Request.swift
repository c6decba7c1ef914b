import Synod

/// What a client's command asks of the server.
enum Request {
  /// A change of one key.
  case one(key: Bytes, KeyValueChange)
  /// The same change of several keys, each on its own.
  case each(KeyValueChange, keys: Range<Int>, Combination)
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
