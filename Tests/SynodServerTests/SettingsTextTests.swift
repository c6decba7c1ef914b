import Testing

@testable import SynodServer

@Test func settingsAreReadWithTheirLines() throws {
  let text = try SettingsText(
    """
    # of a node
    tick = 5 # milliseconds
    "data dir" = "a\\tb\\u00e9\\\\ # no comment"

    [alice]
      'x' = 'as \\ it is'
    enabled=true
    prefixes = ["a:", 'b:',]
    [ "bob@x" ]
    """)
  #expect(text.tables.map(\.name) == ["", "alice", "bob@x"])
  #expect(text.tables.map(\.line) == [0, 5, 9])
  #expect(
    text.tables[0].entries == [
      .init(key: "tick", value: .number(5), line: 2),
      .init(key: "data dir", value: .text("a\tbé\\ # no comment"), line: 3),
    ])
  #expect(
    text.tables[1].entries == [
      .init(key: "x", value: .text("as \\ it is"), line: 6),
      .init(key: "enabled", value: .flag(true), line: 7),
      .init(key: "prefixes", value: .list(["a:", "b:"]), line: 8),
    ])
  #expect(try SettingsText("a = 1\r\nb = -2\r\n").tables[0].entries.map(\.line) == [1, 2])
}

@Test(arguments: [
  ("a", "line 1: 'a' is not followed by '='"), ("\n= 1", "line 2: there is no name"),
  ("a =", "line 1: there is no value"), ("a = # 1", "line 1: there is no value"),
  ("a = yes", "line 1: 'yes' is no value"), ("a = 1.5", "line 1: '.5' follows"),
  ("a = \"x", "line 1: a text in quotes does not end"), ("a = \"\\q\"", "stands for nothing"),
  ("a = \"\\", "a text in quotes does not end"), ("a = \"\\ud800\"", "four digits"),
  ("a = \"\\u12\"", "four digits"), ("a = [1]", "a list has texts"),
  ("a = [\"x\" \"y\"]", "a list has texts"), ("a = [\"x\",", "a list has texts"),
  ("a = [", "a list has texts"), ("a = 1\na = 2", "line 2: 'a' is there already"),
  ("[t]\n[t]", "line 2: [t] is there already"), ("[t", "ends with ']'"), ("[]", "no name"),
  ("[t] x", "line 1: 'x' follows"), ("a = 1 b = 2", "'b = 2' follows"),
  ("a = 99999999999999999999", "is no value"),
])
func whatIsNoSettingIsNamedWithItsLine(_ text: String, _ expected: String) {
  do throws(SettingsText.Malformed) {
    _ = try SettingsText(text)
    Issue.record("\(text) was read")
  } catch {
    #expect(error.description.contains(expected), "\(error)")
  }
}

@Test(arguments: [
  "", "plain", "a\"b\\c\nd\te\rf", "\u{0}\u{1f}\u{7f}\u{85}é∀\u{1f600}", "[x] # y = 'z'",
])
func aTextIsReadAsItWasWritten(_ text: String) throws {
  for value in [SettingsText.Value.text(text), .list([text, "", text])] {
    #expect(try SettingsText("k = \(value)").tables[0].entries.first?.value == value)
  }
}
