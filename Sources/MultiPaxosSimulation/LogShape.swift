internal import MultiPaxos
internal import Synod
internal import SynodSimulation

/// What a run leaves to the protocol: quorums, limits, times and what clients ask for.
struct LogShape: Sendable {
  /// By how much some voters are more patient where there are leases.
  static let patience: UInt64 = 4

  var settings: Settings
  /// Of a hundred operations, how many ask, and how many of those are of each kind.
  var queryPercent: UInt64
  /// Of a hundred queries, how many are to be answered under a lease; others are of any kind.
  var leasedPercent: UInt64
  var leasePercent: UInt64
  var transferPercent: UInt64
  var barrierPercent: UInt64
  /// Of a hundred commands, how many are to be applied once, however often they are sent.
  var oncePercent: UInt64
  /// Of a hundred proposals, how many have a deadline, and of how many ticks at the most.
  var deadlinePercent: UInt64
  var hurry: UInt64
  /// Of a hundred proposals, how many end at once where their node does not lead.
  var maintainPercent: UInt64
  /// A bit for each voter that is patient, where there are leases or sieges.
  var patient: UInt64 = 0x5555_5555_5555_5555

  init(_ plan: RunPlan, random: inout SplitMix) {
    func one<T>(of choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
    let voters = (1...UInt32(max(plan.voters, 1))).map { VoterID($0) }
    var quorums = QuorumSystem(majorityOf: voters.count)
    if random.next() % 4 == 0 {
      let prepare = 1 + Int(random.next() % UInt64(voters.count))
      if let drawn = try? QuorumSystem(
        voters: voters.count, prepare: prepare, accept: voters.count + 1 - prepare)
      {
        quorums = drawn
      }
    }
    guard let configuration = try? Configuration(epoch: Epoch(0), voters: voters, quorums: quorums)
    else { preconditionFailure("a plan has 1 to \(QuorumSystem.maxVoters) voters") }
    settings = Settings(voter: voters[0], configuration: configuration, seed: random.next())
    settings.window = one(of: [1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 8, 1024])
    settings.heartbeatEvery = one(of: [5, 20, 50])
    settings.electionTimeout = max(
      one(of: [30, 100, 250]), 3 * settings.heartbeatEvery, plan.delay / 100)
    settings.retransmitAfter = max(one(of: [10, 30, 100]), plan.delay / 250)
    settings.counterBlock = one(of: [64, 1 << 20])
    // One that is heard and hears nobody would outbid every leader for ever, or lead for ever without
    // getting anywhere. Where all are needed, always, nobody is left like that.
    let needsAll = plan.spares == 0 && quorums.needed == voters.count
    let (asks, checks) = (one(of: [true, true, false]), one(of: [true, true, false]))
    settings.decorations.asksBeforeStanding = asks || !needsAll
    settings.decorations.checksQuorum = checks || !needsAll
    settings.decorations.delegates = one(of: [true, true, true, false])
    settings.decorations.verifiesEvery = one(of: [nil, 5, 50])
    // Few entries are kept, so that whoever lacks more is given a snapshot.
    settings.maxRetained = one(of: [0, 10, 50, 8192])
    if plan.isTiny { Self.makeTiny(&settings, &random) }
    settings.maxMessageBytes = min(settings.maxMessageBytes, max(plan.maxPayload / 2, 100))
    settings.maxPieceBytes = min(settings.maxPieceBytes, max(plan.maxPayload / 2, 30))
    queryPercent = one(of: [0, 20, 50])
    leasedPercent = 0
    var siege = SplitMix(seed: plan.seed ^ 0x6c65_6173_65)
    // Leases hold where clocks go at nearly one rate.
    if random.next() % 2 == 0 || plan.faults.siegePercent > 0 && siege.next() % 2 == 0 {
      // Short times, so that many leaders follow each other within a run.
      settings.heartbeatEvery = one(of: [5, 5, 20])
      settings.electionTimeout = max(
        one(of: [30, 30, 100]), 3 * settings.heartbeatEvery, plan.delay / 100)
      settings.leaseDuration = settings.electionTimeout * one(of: [1, 2, 4, 8]) / 2
      settings.decorations.checksQuorum = true
      // Where few promises make a leader, it must ask first, or each that stands is granted what keeps
      // the next from leading.
      if quorums.prepare < quorums.accept { settings.decorations.asksBeforeStanding = true }
      settings.clockRateError = plan.faults.clockDrift * 1_000_000 / 1024 + 500
      queryPercent = one(of: [20, 50, 50])
      leasedPercent = one(of: [0, 90, 90])
    }
    leasePercent = one(of: [0, 0, 10])
    transferPercent = one(of: [0, 0, 3])
    barrierPercent = one(of: [0, 5])
    oncePercent = one(of: [0, 30, 100])
    deadlinePercent = one(of: [0, 0, 10, 40])
    hurry = one(of: [5, 50, 500])
    maintainPercent = one(of: [0, 0, 20])
    // Where nobody hands on, whoever does not lead waits for ever.
    if !settings.decorations.delegates { maintainPercent = 100 }
    guard plan.faults.siegePercent > 0 else { return }
    beBesieged(&siege)
    var locks = SplitMix(seed: plan.seed ^ 0x6c6f_636b)
    leasePercent = max(leasePercent, [0, 10, 20][Int(locks.next() % 3)])
  }

  /// Limits that are met all the time.
  private static func makeTiny(_ settings: inout Settings, _ random: inout SplitMix) {
    func one<T>(of choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
    // What fills a window goes out a few slots at a time.
    settings.window = min(settings.window, 16)
    settings.counterBlock = one(of: [2, 5, 64])
    settings.maxOpenProposals = one(of: [2, 4, 32_768])
    settings.maxHeldReplies = one(of: [1, 4, 65_536])
    settings.maxRetained = one(of: [0, 3, 3, 8192])
    settings.maxMessageBytes = one(of: [100, 1_000, 256 * 1024])
    settings.maxPieceBytes = one(of: [30, 200, 64 * 1024])
    settings.maxApplied = one(of: [1, 3, 4096])
    settings.maxOpenBytes = one(of: [100, 16 << 20])
  }

  /// Leaders come and go, and some hold out longer than those that miss them: the moments in which a lease
  /// counts for something.
  private mutating func beBesieged(_ random: inout SplitMix) {
    let one = 1 << (1 + random.next() % 5) as UInt64
    patient = [0, one, one, random.next()][Int(random.next() % 4)]
    transferPercent = 8
    guard let duration = settings.leaseDuration else { return }
    // Shorter than a patient leader holds out that hears nobody, or about as long.
    let times = [1, 1, 2, 4][Int(random.next() % 4)] as UInt64
    let drawn = settings.electionTimeout * times
    settings.leaseDuration = random.next() % 2 == 0 ? drawn : max(duration, drawn)
    leasedPercent = max(leasedPercent, 30)
  }

  /// Whether it waits longer than others before it takes anybody for gone: a leader, its followers; and a
  /// follower, its leader.
  func isPatient(_ voter: VoterID) -> Bool { patient >> UInt64(voter.rawValue % 64) & 1 == 1 }
}
