/// Builds JSON that is safe inside a script element: no `<`, `>` or `&` is ever left in it.
struct JSONText {
  private(set) var text = ""
  /// Whether something stands before the next part, so that a comma is needed.
  private var isFollowing = false

  mutating func object(_ body: (inout JSONText) -> Void) { nest("{", "}", body) }
  mutating func array(_ body: (inout JSONText) -> Void) { nest("[", "]", body) }

  mutating func name(_ name: String) {
    string(name)
    text += ":"
    isFollowing = false
  }

  mutating func string(_ value: String) {
    comma()
    text += "\""
    for scalar in value.unicodeScalars { append(scalar) }
    text += "\""
  }

  /// A number that a script reads without loss: below 2⁵³. Others go in as strings.
  mutating func number(_ value: UInt64) {
    guard value < 1 << 53 else { return string("\(value)") }
    comma()
    text += "\(value)"
  }

  mutating func null() {
    comma()
    text += "null"
  }

  mutating func member(_ name: String, _ value: String) {
    self.name(name)
    string(value)
  }

  mutating func member(_ name: String, _ value: UInt64) {
    self.name(name)
    number(value)
  }

  private mutating func nest(_ open: String, _ close: String, _ body: (inout JSONText) -> Void) {
    comma()
    text += open
    isFollowing = false
    body(&self)
    text += close
    isFollowing = true
  }

  private mutating func comma() {
    if isFollowing { text += "," }
    isFollowing = true
  }

  private mutating func append(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "\"": text += "\\\""
    case "\\": text += "\\\\"
    case "\n": text += "\\n"
    case "<", ">", "&", "\u{2028}", "\u{2029}", "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}":
      let digits = String(scalar.value, radix: 16)
      text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    default: text.unicodeScalars.append(scalar)
    }
  }
}
