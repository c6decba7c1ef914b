/// Reads one line of `SettingsText`.
struct SettingsScanner {
  /// Counted from 1.
  let line: Int
  private let scalars: [Unicode.Scalar]
  private var index = 0

  init(_ text: Substring, _ line: Int) {
    self.line = line
    scalars = Array(text.unicodeScalars)
  }

  func malformed(_ why: String) -> SettingsText.Malformed { .init(line: line, why: why) }

  /// Whether nothing is left but a comment.
  var isAtEnd: Bool { index == scalars.count || scalars[index] == "#" }

  mutating func skipBlanks() {
    while index < scalars.count, scalars[index] == " " || scalars[index] == "\t" { index += 1 }
  }

  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard index < scalars.count, scalars[index] == scalar else { return false }
    index += 1
    return true
  }

  func end() throws(SettingsText.Malformed) {
    var rest = self
    rest.skipBlanks()
    if !rest.isAtEnd {
      throw malformed("'\(text(from: rest.index))' follows where the line should end")
    }
  }

  private func text(from start: Int, to end: Int? = nil) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars[start..<min(end ?? scalars.count, start + 64)])
    return String(text)
  }

  /// A bare word, or a string.
  mutating func key() throws(SettingsText.Malformed) -> String {
    if index < scalars.count, scalars[index] == "\"" || scalars[index] == "'" {
      return try string()
    }
    let word = word()
    guard !word.isEmpty else { throw malformed("there is no name where one should be") }
    return word
  }

  private mutating func word() -> String {
    let start = index
    while index < scalars.count, Self.isOfWord(scalars[index]) { index += 1 }
    var word = String.UnicodeScalarView()
    word.append(contentsOf: scalars[start..<index])
    return String(word)
  }

  private static func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
    default: false
    }
  }

  mutating func value() throws(SettingsText.Malformed) -> SettingsText.Value {
    guard !isAtEnd else { throw malformed("there is no value behind '='") }
    switch scalars[index] {
    case "\"", "'": return .text(try string())
    case "[": return .list(try list())
    default:
      let start = index
      let word = word()
      switch word {
      case "true": return .flag(true)
      case "false": return .flag(false)
      default:
        guard let number = Int64(word) else {
          throw malformed(
            "'\(text(from: start))' is no value: write text in quotes, a whole number, true, false, "
              + "or a list of texts in brackets")
        }
        return .number(number)
      }
    }
  }

  private mutating func list() throws(SettingsText.Malformed) -> [String] {
    index += 1
    var texts: [String] = []
    skipBlanks()
    while !take("]") {
      guard index < scalars.count, scalars[index] == "\"" || scalars[index] == "'" else {
        throw malformed("a list has texts in quotes, commas between them, and ends on its line")
      }
      texts.append(try string())
      skipBlanks()
      if take(",") {
        skipBlanks()
      } else if index == scalars.count || scalars[index] != "]" {
        throw malformed("a list has texts in quotes, commas between them, and ends on its line")
      }
    }
    return texts
  }

  private mutating func string() throws(SettingsText.Malformed) -> String {
    let quote = scalars[index]
    index += 1
    var text = String.UnicodeScalarView()
    while index < scalars.count {
      let scalar = scalars[index]
      index += 1
      if scalar == quote { return String(text) }
      text.append(scalar == "\\" && quote == "\"" ? try escaped() : scalar)
    }
    throw malformed("a text in quotes does not end on its line")
  }

  private mutating func escaped() throws(SettingsText.Malformed) -> Unicode.Scalar {
    guard index < scalars.count else {
      throw malformed("a text in quotes does not end on its line")
    }
    let letter = scalars[index]
    index += 1
    switch letter {
    case "\"", "\\": return letter
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "u":
      let digits = text(from: index, to: min(index + 4, scalars.count))
      guard digits.unicodeScalars.count == 4, digits.allSatisfy(\.isHexDigit),
        let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init)
      else { throw malformed("\\u is followed by the four digits of a character") }
      index += 4
      return scalar
    default: throw malformed("'\\\(letter)' stands for nothing; write a backslash as \\\\")
    }
  }
}
