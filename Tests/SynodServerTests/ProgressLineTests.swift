import Testing

@testable import SynodServer

/// How far something is, as it is shown.
@Suite struct ProgressLineTests {
  private final class Sheet {
    var text: [String] = []
  }

  private func told(isTerminal: Bool, _ body: (inout ProgressLine) -> Void) -> [String] {
    let sheet = Sheet()
    var line = ProgressLine(isTerminal: isTerminal) { sheet.text.append($0) }
    body(&line)
    return sheet.text
  }

  @Test func onATerminalItIsOneLineThatChanges() {
    let text = told(isTerminal: true) { line in
      line.show("waiting", percent: nil)
      line.show("keys", percent: 0)
      line.show("keys", percent: 45)
      line.show("keys", percent: 45)
      line.show("keys", percent: 100)
      line.clear()
      line.clear()
    }
    let (full, blank) = ("█", "░")
    func bar(_ filled: Int) -> String {
      String(repeating: full, count: filled) + String(repeating: blank, count: 20 - filled)
    }
    let begin = "\r\u{1b}[K"
    #expect(
      text == [
        begin + "waiting", begin + bar(0) + " 0 % · keys", begin + bar(9) + " 45 % · keys",
        begin + bar(20) + " 100 % · keys", begin,
      ])
  }

  @Test func elsewhereItIsALineForWhateverIsNew() {
    let text = told(isTerminal: false) { line in
      for percent in [5, 5, 5, 6] { line.show("keys", percent: percent) }
      line.clear()
      line.show("waiting", percent: nil)
    }
    #expect(
      text == [
        "█░░░░░░░░░░░░░░░░░░░ 5 % · keys\n", "█░░░░░░░░░░░░░░░░░░░ 6 % · keys\n", "waiting\n",
      ])
  }
}
