/// One self-contained page that draws a run: nodes as lanes, time downwards, messages as arrows.
///
/// It needs nothing but a browser: no network, no other file. All that comes from a run is data in
/// it, never markup.
public struct TracePage: Sendable {
  /// What ran: `caspaxos, seed 7`.
  public var title: String
  /// How it was judged; nil where the page is not of a whole run.
  public var outcome: RunReport.Outcome?
  /// What else to say of the run, name and value: its plan, its size.
  public var facts: [TraceText.Field] = []
  /// What to type to see it again.
  public var command: String?
  /// Events of the run, in order.
  public var events: [TraceEvent]
  /// Events that came before them and are not here.
  public var leftOut: UInt64 = 0
  /// Explains the words of the protocol.
  public var guide: TraceGuide

  /// A page of events.
  public init(
    _ title: String, outcome: RunReport.Outcome?, events: [TraceEvent], guide: TraceGuide = .paxos
  ) {
    self.title = title
    self.outcome = outcome
    self.events = events
    self.guide = guide
  }

  /// A page of what a recorder kept.
  public init(
    _ title: String, outcome: RunReport.Outcome?, recorder: TraceRecorder,
    guide: TraceGuide = .paxos
  ) {
    self.init(title, outcome: outcome, events: recorder.events, guide: guide)
    leftOut = recorder.leftOut
  }

  /// The page, as the text of an HTML file in UTF-8.
  public var html: String {
    var page = PageSource.head
    page += "<title>\(Self.escaped(title))</title>\n<style>\n\(PageSource.style)\n</style>\n"
    page += PageSource.body
    page += "\n<script type=\"application/json\" id=\"run\">"
    page += data
    page += "</script>\n<script>\n\"use strict\";\n"
    for script in PageSource.scripts { page += script + "\n" }
    page += "</script>\n</body>\n</html>\n"
    return page
  }

  /// Text as it may stand between tags.
  static func escaped(_ text: String) -> String {
    var safe = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": safe += "&amp;"
      case "<": safe += "&lt;"
      case ">": safe += "&gt;"
      case "\"": safe += "&quot;"
      case "'": safe += "&#39;"
      default: safe.unicodeScalars.append(character)
      }
    }
    return safe
  }
}
