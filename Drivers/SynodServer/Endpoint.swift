/// A host and a port, as people write them: `127.0.0.1:7001`, `[::1]:7001`, `db1:7001`.
struct Endpoint: Hashable, CustomStringConvertible {
  var host: String
  var port: Int

  init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// - Parameter allowsAnyPort: whether port 0, which lets the system choose, makes sense.
  /// - Throws: a usage `Failure` that says what is wrong with `text`.
  init(_ text: String, what: String, allowsAnyPort: Bool = false) throws(Failure) {
    guard let colon = text.lastIndex(of: ":") else {
      throw .usage("\(what): '\(text)' has no port; write it as 127.0.0.1:7001")
    }
    var host = text[..<colon]
    let digits = text[text.index(after: colon)...]
    if host.hasPrefix("[") && host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw .usage("\(what): '\(text)' is ambiguous; write an IPv6 address as [::1]:7001")
    }
    guard !host.isEmpty else {
      throw .usage("\(what): '\(text)' has no host; write it as 127.0.0.1:7001")
    }
    guard digits.allSatisfy(\.isASCII), let port = Int(digits), !digits.hasPrefix("+"),
      (allowsAnyPort ? 0 : 1)...65535 ~= port
    else {
      throw .usage(
        "\(what): '\(digits)' in '\(text)' is no port; it must be a number from 1 to 65535")
    }
    self.init(host: String(host), port: port)
  }

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Whether only processes of this computer can reach it.
  var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" || host == "localhost" }
}
