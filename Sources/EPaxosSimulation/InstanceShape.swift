internal import EPaxos
internal import Synod
internal import SynodSimulation

/// What a run leaves to the protocol: limits, times and what clients ask for.
struct InstanceShape: Sendable {
  var settings: Settings
  /// Keys in use.
  var keys: UInt64
  /// Of a hundred operations.
  var queryPercent: UInt64
  var barrierPercent: UInt64
  var oncePercent: UInt64
  /// Of a hundred commands, how many touch several keys.
  var severalPercent: UInt64
  var deadlinePercent: UInt64
  var hurry: UInt64
  var filling: Bytes
  /// Of a hundred commands, how many go where a recovery was heard of last: it then has to wait.
  var chasePercent: UInt64

  init(_ plan: RunPlan, random: inout SplitMix) {
    func one<T>(of choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
    let voters = (1...UInt32(max(plan.voters, 1))).map { VoterID($0) }
    guard let configuration = try? Configuration(epoch: Epoch(0), voters: voters) else {
      preconditionFailure("a plan has 1 to \(QuorumSystem.maxVoters) voters")
    }
    settings = Settings(voter: voters[0], configuration: configuration, seed: random.next())
    settings.slowPathAfter = one(of: [1, 2, 20])
    settings.retransmitAfter = max(one(of: [10, 30, 100]), plan.delay / 250)
    settings.askAfter = max(one(of: [20, 60, 150]), plan.delay / 250)
    // An owner that is heard by few must have asked the others before it is taken for dead, also where its
    // clock is slow and theirs is fast; else its commands become void, one after another.
    let patience: UInt64 = one(of: [2, 4, 8])
    settings.recoverAfter =
      max(patience, plan.faults.clockDrift > 100 ? 8 : 0)
      * max(settings.askAfter, settings.retransmitAfter)
    settings.recoverSpread = one(of: [0, 10, 60])
    settings.attemptLasts = one(of: [3, 6]) * settings.retransmitAfter
    settings.isThrifty = one(of: [false, false, true])
    settings.maxOpenInstances = one(of: [1, 4, 256])
    settings.maxBatch = one(of: [1, 1, 3, 64])
    settings.barrierEvery = one(of: [nil, 8, 40, 8192])
    settings.numberBlock = one(of: [2, 8, 32])
    if plan.isTiny {
      settings.maxOpenProposals = one(of: [2, 8, 32_768])
      settings.maxHeldReplies = one(of: [4, 65_536])
      settings.maxMessageBytes = one(of: [200, 1_000, 256 * 1024])
      settings.maxPieceBytes = one(of: [30, 200, 64 * 1024])
      settings.maxExecuted = one(of: [1, 3, 4096])
      settings.maxRecoveries = one(of: [1, 64])
    }
    settings.maxMessageBytes = min(settings.maxMessageBytes, max(plan.maxPayload / 2, 100))
    settings.maxPieceBytes = min(settings.maxPieceBytes, max(plan.maxPayload / 2, 30))
    keys = one(of: [1, 2, 4, 16])
    queryPercent = one(of: [0, 20, 50])
    barrierPercent = one(of: [0, 0, 3])
    oncePercent = one(of: [0, 30, 100])
    severalPercent = one(of: [0, 20, 60])
    deadlinePercent = one(of: [0, 0, 10, 40])
    hurry = one(of: [5, 50, 500])
    filling = Bytes(String(repeating: ".", count: one(of: [0, 0, 0, 40])))
    chasePercent = one(of: [0, 0, 50])
    settings.tellAfter = one(of: [30, 250])
  }
}
