import Synod
import SynodSimulation
import Testing

@Suite struct TraceRecorderTests {
  private func event(
    _ number: UInt64, _ kind: TraceEvent.Kind, of voter: UInt32? = 1, _ title: String = ""
  ) -> TraceEvent {
    TraceEvent(
      time: number, number: number, voter: voter.map { VoterID($0) }, kind: kind,
      text: TraceText(title))
  }

  private func kept(_ capacity: Int, _ events: [TraceEvent]) -> (numbers: [UInt64], UInt64) {
    var recorder = TraceRecorder(capacity: capacity)
    for event in events { recorder.record(event) }
    return (recorder.events.map(\.number), recorder.leftOut)
  }

  private func filler(from first: UInt64, _ count: Int) -> [TraceEvent] {
    (0..<count).map { event(first + UInt64($0), .syncBegan) }
  }

  @Test func aShortRunIsKeptWhole() {
    #expect(kept(10, filler(from: 0, 10)) == (Array(0..<10), 0))
  }

  @Test func theNewestAreKeptAndTheOthersCounted() {
    #expect(kept(4, filler(from: 0, 11)) == ([7, 8, 9, 10], 7))
  }

  @Test func aNodeThatIsDownIsShownDownHoweverLongAgoItFell() {
    #expect(kept(3, [event(0, .crashed)] + filler(from: 1, 6)) == ([0, 4, 5, 6], 3))
  }

  @Test func aNodeThatCameBackIsForgotten() {
    let back = [event(0, .crashed), event(1, .restarted)]
    #expect(kept(3, back + filler(from: 2, 6)) == ([5, 6, 7], 5))
  }

  @Test func anOpenCallStaysUntilItsAnswerIsOutOfView() {
    let call = [event(0, .invoked(ProposalID(9), client: 0)), event(1, .completed(ProposalID(9)))]
    #expect(kept(3, call + filler(from: 2, 2)) == ([0, 1, 2, 3], 0))
    #expect(kept(3, call + filler(from: 2, 3)) == ([2, 3, 4], 2))
  }

  @Test func aFaultStaysUntilWhatHealsItIsOutOfView() {
    let cut = event(0, .fault, of: nil, "partition")
    #expect(kept(2, [cut] + filler(from: 1, 4)).numbers == [0, 3, 4])
    for (title, voter, isOver) in [
      ("partition", nil, true), ("faults end", nil, true), ("faults end", 2, true),
      ("loss", nil, false), ("partition", 2, false),
    ] as [(String, UInt32?, Bool)] {
      let healed = event(1, .healed, of: voter, title)
      let numbers = kept(2, [cut, healed] + filler(from: 2, 4)).numbers
      #expect(numbers == (isOver ? [4, 5] : [0, 4, 5]))
    }
  }

  @Test func whatIsStillInForceIsBoundedToo() {
    let calls = (0..<1_000).map { event($0, .invoked(ProposalID($0), client: 0)) }
    let (numbers, leftOut) = kept(10, calls)
    #expect(numbers.count == 266 && numbers == numbers.sorted())
    #expect(UInt64(numbers.count) + leftOut == 1_000)
  }
}
