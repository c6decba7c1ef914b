/// Settings as people write them: a part of TOML, one setting a line.
///
/// `key = value`, where a value is a string (`"…"` or `'…'`), a whole number, `true`, `false`, or a list
/// of strings on one line; `[name]` begins a table; `#` begins a comment. What else TOML has is refused,
/// with the number of the line.
struct SettingsText {
  enum Value: Hashable {
    case text(String)
    case number(Int64)
    case flag(Bool)
    case list([String])
  }

  struct Entry: Hashable {
    var key: String
    var value: Value
    /// Counted from 1.
    var line: Int
  }

  struct Table: Hashable {
    /// Empty for what comes before the first `[name]`.
    var name: String
    var line: Int
    var entries: [Entry] = []
  }

  struct Malformed: Error, Hashable, CustomStringConvertible {
    var line: Int
    var why: String
    var description: String { "line \(line): \(why)" }
  }

  /// In the order of the text; the first has no name.
  private(set) var tables: [Table] = [Table(name: "", line: 0)]

  /// Bytes that a file of settings may have.
  static let longest = 1 << 20

  init(_ text: String) throws(Malformed) {
    var number = 0
    for line in text.split(
      omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r\n" })
    {
      number += 1
      var scanner = SettingsScanner(line, number)
      scanner.skipBlanks()
      if scanner.isAtEnd { continue }
      if scanner.take("[") { try begin(&scanner) } else { try add(&scanner) }
      try scanner.end()
    }
  }

  private mutating func begin(_ scanner: inout SettingsScanner) throws(Malformed) {
    scanner.skipBlanks()
    let name = try scanner.key()
    scanner.skipBlanks()
    guard scanner.take("]") else { throw scanner.malformed("the name of a table ends with ']'") }
    guard !tables.dropFirst().contains(where: { $0.name == name }) else {
      throw scanner.malformed("[\(name)] is there already")
    }
    tables.append(Table(name: name, line: scanner.line))
  }

  private mutating func add(_ scanner: inout SettingsScanner) throws(Malformed) {
    let key = try scanner.key()
    scanner.skipBlanks()
    guard scanner.take("=") else { throw scanner.malformed("'\(key)' is not followed by '='") }
    scanner.skipBlanks()
    let value = try scanner.value()
    let last = tables.count - 1
    guard !tables[last].entries.contains(where: { $0.key == key }) else {
      throw scanner.malformed("'\(key)' is there already")
    }
    tables[last].entries.append(Entry(key: key, value: value, line: scanner.line))
  }
}

extension SettingsText.Value: CustomStringConvertible {
  /// As it is written.
  var description: String {
    switch self {
    case .text(let text): Self.quoted(text)
    case .number(let number): "\(number)"
    case .flag(let isOn): isOn ? "true" : "false"
    case .list(let texts): "[" + texts.map(Self.quoted).joined(separator: ", ") + "]"
    }
  }

  /// In double quotes, with what would end the text or the line escaped.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      default:
        if scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value) {
          let digits = String(scalar.value, radix: 16)
          quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          quoted.unicodeScalars.append(scalar)
        }
      }
    }
    return quoted + "\""
  }
}
