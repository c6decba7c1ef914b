import CASPaxos
import CASPaxosSimulation
import Synod
import SynodSimulation
import Testing

// The README shows parts of this file, word for word; `ReadmeTests` compares them.

/// A purse takes coins, and pays only what is in it.
enum Purse: Change {
  case put(Int)
  case pay(Int)

  enum Refusal { case tooFew }

  func apply(to current: Register) -> Decision<Int, Refusal> {
    let coins = current.coins
    switch self {
    case .put(let more): return .write(Bytes("\(coins + more)"), coins + more)
    case .pay(let price) where price <= coins:
      return .write(Bytes("\(coins - price)"), coins - price)
    case .pay: return .reject(.tooFew)
    }
  }
}

extension Register {
  fileprivate var coins: Int {
    value.flatMap { Int(String(decoding: $0.array, as: UTF8.self)) } ?? 0
  }
}

/// What clients do with purses.
struct PurseWorkload: RegisterWorkload {
  init(random: inout SplitMix) {}

  mutating func operation(
    number: UInt64, on key: Int, random: inout SplitMix
  ) -> CASPaxos.Operation<Purse> {
    switch random.next() % 3 {
    case 0: .change(.put(10))
    case 1: .change(.pay(7))
    default: .read
    }
  }
}

@Test func aPurseSurvivesWhateverHappens() {
  for seed in 1...20 as ClosedRange<UInt64> {
    let report = Simulation<RegisterSubject<PurseWorkload>>.run(RunPlan(seed: seed))
    #expect(report.outcome == .passed, "seed \(seed)")
  }
}

@Test func aRunOfAPurseIsDrawn() {
  var plan = RunPlan(seed: 1)
  plan.operations = 20
  let page = Simulation<RegisterSubject<PurseWorkload>>.page(of: plan)
  #expect(page.html.contains("put(10)"))
}
