import Testing

@testable import SynodServer

@Suite struct SpareMemoryTests {
  @Test func memoryIsGivenBackWhereEnoughIsGoneSinceItLastWas() {
    var memory = SpareMemory()
    var asked: UInt64 = 0
    func isDue(_ entries: Int) -> Bool {
      asked += 1
      return memory.isDue(entries: entries, commands: asked)
    }
    let first = [isDue(0), isDue(30_000), isDue(20_000), isDue(100_000), isDue(83_617)]
    #expect(first == [false, false, false, false, false])
    let then = [isDue(83_616), isDue(83_000), isDue(67_233), isDue(67_232)]
    #expect(then == [true, false, false, true])
  }

  @Test func whereMuchIsGoneAtOnceItWaitsUntilNobodyAsks() {
    var memory = SpareMemory()
    _ = memory.isDue(entries: 1_000_000, commands: 5)
    let whileTheyAsk = [
      memory.isDue(entries: 0, commands: 6), memory.isDue(entries: 10, commands: 7),
    ]
    #expect(whileTheyAsk == [false, false])
    let then = memory.isDue(entries: 10, commands: 7)
    #expect(then)
    let again = memory.isDue(entries: 10, commands: 7)
    #expect(!again)
  }
}
