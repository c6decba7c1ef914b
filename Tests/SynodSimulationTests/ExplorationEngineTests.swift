import Testing

@testable import SynodSimulation

/// Breadth-first search, on a puzzle whose answer is known.
@Suite struct ExplorationEngineTests {
  /// A jug of three litres and one of five; to measure four is what must not be.
  struct Jugs: ExplorableWorld {
    struct State: Hashable {
      var small = 0
      var large = 0
    }

    var forbidden = 4
    var start: State { State() }
    var bytes: Int { 0 }
    var sights: [String] { [] }

    func successors(of state: State, into found: inout [State]) {
      let toLarge = min(state.small, 5 - state.large)
      let toSmall = min(state.large, 3 - state.small)
      found += [
        State(small: 3, large: state.large), State(small: state.small, large: 5),
        State(small: 0, large: state.large), State(small: state.small, large: 0),
        State(small: state.small - toLarge, large: state.large + toLarge),
        State(small: state.small + toSmall, large: state.large - toSmall),
      ]
    }

    func fingerprint(of state: State) -> Fingerprint {
      var fingerprint = Fingerprint()
      fingerprint.add(UInt64(state.small))
      fingerprint.add(UInt64(state.large))
      return fingerprint
    }

    func violation(of state: State) -> String? {
      state.large == forbidden ? "\(forbidden) litres" : nil
    }

    func describe(move place: Int, from state: State) -> String {
      ["fill 3", "fill 5", "empty 3", "empty 5", "3 to 5", "5 to 3"][place]
    }
  }

  @Test func theShortestWayIsFound() {
    var exploration = Exploration(Jugs())
    let report = exploration.run()
    #expect(report.violation == "4 litres")
    #expect(report.trace == ["fill 5", "5 to 3", "empty 3", "5 to 3", "fill 5", "5 to 3"])
    #expect(report.depth == 6)
    #expect(!report.isExhaustive)
  }

  @Test func everyStateIsSeenOnce() {
    var exploration = Exploration(Jugs(forbidden: 9))
    let report = exploration.run()
    #expect(report.isExhaustive)
    // One jug is full or empty in every state that can be reached.
    #expect(report.states == 16)
    #expect(report.moves == 96)
  }

  @Test func aLimitIsNeverTakenForTheEnd() {
    var exploration = Exploration(Jugs(forbidden: 9), limits: ExplorationLimits(states: 7))
    let report = exploration.run()
    #expect(report.limit == .states(7))
    #expect(!report.isExhaustive)
  }

  @Test func aSetOfFingerprintsKnowsWhatItHolds() {
    let set = FingerprintSet()
    func fingerprint(_ number: UInt64) -> Fingerprint {
      var fingerprint = Fingerprint()
      fingerprint.add(number)
      return fingerprint
    }
    var parent: UInt64 = 0
    for number in 0..<200_000 as Range<UInt64> {
      #expect(set.insert(fingerprint(number), from: parent))
      parent = FingerprintSet.key(fingerprint(number))
    }
    for number in 0..<1_000 as Range<UInt64> {
      #expect(!set.insert(fingerprint(number * 199), from: 7))
    }
    #expect(set.count == 200_000)
    #expect(set.parent(of: parent) == FingerprintSet.key(fingerprint(199_998)))
    #expect(set.parent(of: FingerprintSet.key(fingerprint(200_000))) == nil)
  }

  @Test func neighboursSwappedLeadThroughEveryOrder() {
    for count in 0...4 {
      var order = Array(0..<count)
      var seen: Set<[Int]> = [order]
      for (a, b) in ClusterWorld<SIMD8<UInt32>>.swaps(of: order) {
        order.swapAt(a, b)
        seen.insert(order)
      }
      #expect(seen.count == (1...max(count, 1)).reduce(1, *))
    }
  }
}
