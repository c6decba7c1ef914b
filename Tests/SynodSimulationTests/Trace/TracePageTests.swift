import Foundation
import Synod
import SynodSimulation
import Testing

@Suite struct TracePageTests {
  private var page: TracePage {
    var page = TracePage(
      "caspaxos, seed 7", outcome: .failed("wrong", event: 12), events: TraceSample.events)
    page.facts = [.init("voters", "3")]
    page.command = "synod simulate --seed 7"
    return page
  }

  /// What the page's script will read.
  private func run(in page: TracePage) throws -> [String: Any] {
    let start = "<script type=\"application/json\" id=\"run\">"
    let data = try #require(page.html.components(separatedBy: start).last)
    let json = data.components(separatedBy: "</script>")[0]
    return try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
  }

  @Test func thePageLoadsNothing() throws {
    // Written for whoever wants to look at one in a browser.
    if let path = ProcessInfo.processInfo.environment["SYNOD_WRITE_TRACE"] {
      try page.html.write(toFile: path, atomically: true, encoding: .utf8)
    }
    let html = page.html.replacing("http://www.w3.org/2000/svg", with: "")
    for word in ["http:", "https:", "//www", "src=", "href=", "url(", "@import", "fetch("] {
      #expect(!html.contains(word), "\(word)")
    }
    #expect(html.contains("default-src 'none'"))
  }

  @Test func everyEventIsOnThePageWithItsContent() throws {
    let run = try run(in: page)
    let events = try #require(run["events"] as? [[String: Any]])
    #expect(events.count == TraceSample.events.count)
    for (shown, event) in zip(events, TraceSample.events) {
      #expect(shown["n"] as? UInt64 == event.number && shown["t"] as? UInt64 == event.time)
      #expect(shown["x"] as? String == event.text.title)
      let fields = shown["f"] as? [[String]] ?? []
      #expect(fields == event.text.fields.map { [$0.name, $0.value] })
    }
    #expect(run["voters"] as? [Int] == [1, 2, 3])
    let ballots = try #require(run["ballots"] as? [[Any]])
    #expect(ballots.map { $0[0] as? String } == ["0.1.2", "0.2.1"])
  }

  @Test func nothingOfARunBecomesMarkup() throws {
    let hostile = "</script><script>alert(1)</script><!--\u{2028}\u{0}\"\\\n'&amp;"
    let event = TraceEvent(
      time: 1, number: 1, voter: VoterID(1), kind: .violation,
      text: TraceText(hostile, [.init(hostile, hostile)]))
    let plain = TracePage("plain", outcome: .passed, events: [event])
    var page = TracePage(hostile, outcome: .failed(hostile, event: 1), events: [event])
    page.facts = [.init(hostile, hostile)]
    page.command = hostile
    for mark in ["<script", "</script", "<!--"] {
      #expect(
        page.html.components(separatedBy: mark).count
          == plain.html.components(separatedBy: mark).count)
    }
    #expect(try run(in: page)["title"] as? String == hostile)
    let events = try #require(try run(in: page)["events"] as? [[String: Any]])
    #expect(events[0]["f"] as? [[String]] == [[hostile, hostile]])
  }

  @Test func numbersThatAScriptWouldRoundAreText() throws {
    let id = ProposalID(.max)
    let event = TraceEvent(
      time: .max, number: 0, voter: VoterID(1), kind: .invoked(id, client: 0), text: TraceText("x"))
    let events = try #require(
      try run(in: TracePage("x", outcome: nil, events: [event]))["events"] as? [[String: Any]])
    #expect(events[0]["p"] as? String == "\(UInt64.max)")
    #expect(events[0]["t"] as? String == "\(UInt64.max)")
  }

  @Test func theSameEventsGiveTheSamePage() {
    #expect(page.html == page.html)
  }
}
