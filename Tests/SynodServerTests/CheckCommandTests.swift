import Synod
import SynodSimulation
import Testing

@testable import SynodServer

/// What `synod check` says of a history.
@Suite struct CheckCommandTests {
  private func judged(
    _ lines: String, steps: Int = 1000
  ) throws -> CheckCommand.Judgement {
    CheckCommand.Judgement(try RecordedHistory("synod-history 1\n" + lines), steps: steps)
  }

  @Test func aSoundHistoryEndsWithZero() throws {
    let judgement = try judged("1 1 2 a SET x -> OK\n2 3 4 a GET -> x\n3 1 - b INCR -> ?")
    #expect(judgement.exitCode == 0)
    #expect(
      judgement.report
        == "operations: 3  keys: 2  without an answer: 1\nverdict: linearizable\n")
  }

  @Test func aViolationEndsWithOneAndShowsItsShortestPart() throws {
    let judgement = try judged(
      """
      1 1 2 a SET x -> OK
      2 1 2 b SET y -> OK
      1 3 4 a SET z -> OK
      3 5 6 a GET -> x
      3 7 8 a GET -> z
      """)
    #expect(judgement.exitCode == 1)
    #expect(
      judgement.report == """
        operations: 5  keys: 2  without an answer: 0

        key a: no order of these operations explains their answers;
        before them its value was z
          3 5 6 GET -> x
        verdict: not linearizable

        """)
  }

  @Test func aSearchThatRunsOutEndsWithThree() throws {
    let judgement = try judged("1 1 2 a SET x -> OK\n2 3 4 a GET -> x", steps: 1)
    #expect(judgement.exitCode == 3)
    #expect(judgement.report.contains("undecided: key a\nverdict: unknown"))
  }

  @Test(arguments: [
    ["check"], ["check", "/nowhere/history"], ["check", "--steps", "0", "x"],
    ["check", "/dev/null"],
  ])
  func wrongUseOfACheckExitsWithTwo(_ arguments: [String]) {
    #expect(runSynod(arguments) == 2)
  }
}
