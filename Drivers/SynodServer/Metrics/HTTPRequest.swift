/// Reads the head of one HTTP request, without IO: what a scraper or a probe sends, and nothing else.
///
/// Strict: `GET`, a path, HTTP/1.0 or 1.1, lines that end with CR LF, headers of printable bytes, no body.
/// What is held is bounded by `longest`, and where bytes cannot become a request any more, that is said at
/// once. Source: RFC 9112, sections 2 to 6.
struct HTTPRequest {
  enum Status: Hashable {
    /// It goes on.
    case incomplete
    /// A whole head, of a `GET`; the path is without a query.
    case get(path: String)
    /// The status of the refusal.
    case refused(Refusal)
  }

  enum Refusal: Int, Hashable {
    case malformed = 400
    case method = 405
    case tooLong = 431
    case version = 505

    var reason: String {
      switch self {
      case .malformed: "Bad Request"
      case .method: "Method Not Allowed"
      case .tooLong: "Request Header Fields Too Large"
      case .version: "HTTP Version Not Supported"
      }
    }
  }

  /// Bytes of a head.
  static let longest = 8 * 1024

  private(set) var status = Status.incomplete
  private var line: [UInt8] = []
  private var taken = 0
  private var path: String?

  /// Takes bytes as they come, however they are split. What follows a whole head is left.
  /// - Returns: what is known by then; once it is complete or refused it stays so.
  mutating func receive(_ bytes: some Sequence<UInt8>) -> Status {
    for byte in bytes {
      guard case .incomplete = status else { break }
      taken += 1
      if taken > Self.longest { status = .refused(.tooLong) } else { take(byte) }
    }
    return status
  }

  private mutating func take(_ byte: UInt8) {
    if byte == UInt8(ascii: "\n") {
      guard line.last == UInt8(ascii: "\r") else { return refuse(.malformed) }
      line.removeLast()
      endLine()
      line.removeAll(keepingCapacity: true)
    } else if line.last == UInt8(ascii: "\r") || !Self.isAllowed(byte) {
      refuse(.malformed)
    } else {
      line.append(byte)
    }
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != 0x7f || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }

  private mutating func refuse(_ why: Refusal) { status = .refused(why) }

  private mutating func endLine() {
    guard let path else { return begin() }
    if line.isEmpty {
      status = .get(path: path)
    } else if !isHeader || announcesBody {
      refuse(.malformed)
    }
  }

  private mutating func begin() {
    let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard words.count == 3 else { return refuse(.malformed) }
    guard words[1].first == UInt8(ascii: "/"), words[1].allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
      words[2].starts(with: "HTTP/".utf8)
    else { return refuse(.malformed) }
    guard words[2].elementsEqual("HTTP/1.1".utf8) || words[2].elementsEqual("HTTP/1.0".utf8) else {
      return refuse(.version)
    }
    guard words[0].elementsEqual("GET".utf8) else { return refuse(.method) }
    path = String(decoding: words[1].prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
  }

  /// A name of token characters, right in front of a colon.
  private var isHeader: Bool {
    let name = line.prefix { $0 != UInt8(ascii: ":") }
    return !name.isEmpty && name.count < line.count
      && name.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }

  /// What would follow is never read, so who announces it is not served.
  private var announcesBody: Bool {
    let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1)
    let name = String(decoding: parts[0], as: UTF8.self).lowercased()
    if name == "transfer-encoding" { return true }
    guard name == "content-length" else { return false }
    let value = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
    return value.filter { $0 != " " && $0 != "\t" } != "0"
  }
}
