internal import CASPaxos
internal import Synod
internal import SynodSimulation

/// What a run leaves to the protocol: quorums, limits, and how patient clients are.
struct RegisterShape: Hashable, Sendable {
  var settings: Settings
  /// Of a hundred proposals, how many have a deadline, and of how many ticks at the most.
  var deadlinePercent: UInt64
  var hurry: UInt64

  init(_ plan: RunPlan, random: inout SplitMix) {
    func one<T>(of choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
    let voters = (1...UInt32(max(plan.voters, 1))).map { VoterID($0) }
    var quorums = QuorumSystem(majorityOf: voters.count)
    if random.next() % 4 == 0 {
      let prepare = 1 + Int(random.next() % UInt64(voters.count))
      let accept = voters.count + 1 - prepare
      if let drawn = try? QuorumSystem(
        voters: voters.count, prepare: prepare, accept: accept)
      {
        quorums = drawn
      }
    }
    guard let configuration = try? Configuration(epoch: Epoch(0), voters: voters, quorums: quorums)
    else { preconditionFailure("a plan has 1 to \(QuorumSystem.maxVoters) voters") }
    settings = Settings(voter: voters[0], configuration: configuration, seed: random.next())
    settings.hashSeed = plan.seed
    settings.shards = 4
    settings.piggybackAfter = one(of: [nil, 0, 1, 1, 3])
    settings.patience = one(of: [1, 5, 20])
    // Without a backoff nothing ends a duel.
    settings.backoff = one(of: [1, 2, 2, 8])
    settings.retransmitAfter = one(of: [10, 30, 100])
    settings.counterBlock = one(of: [64, 1 << 20])
    if plan.isTiny {
      settings.maxFold = one(of: [1, 2, 3, 4096])
      settings.maxFoldBytes = one(of: [8, 64, 4 << 20])
      settings.counterBlock = one(of: [2, 5, 64])
      settings.maxOpenProposals = one(of: [2, 4, 65_536])
      settings.maxHeldReplies = one(of: [1, 4, 65_536])
      settings.maxValue = one(of: [64, 512, 512 * 1024])
    }
    // Apart, so that the other draws of a seed stay what they are.
    var members = SplitMix(seed: plan.seed ^ 0x7761_6974)
    settings.askAfter = [20, 100, 1000][Int(members.next() % 3)]
    settings.takeOverAfter = [30, 200, 2000][Int(members.next() % 3)]
    deadlinePercent = one(of: [0, 0, 10, 40])
    hurry = one(of: [5, 50, 500])
    // Apart from the others, so that what was drawn before stays as it was.
    var collecting = SplitMix(seed: plan.seed ^ 0xc011)
    settings.collectAfter = [nil, 20, 20, 200][Int(collecting.next() % 4)]
    var watching = SplitMix(seed: plan.seed ^ 0x7761_7463)
    settings.watchLease = [60, 300, 3000][Int(watching.next() % 3)]
    settings.watchSweep = [200, 1000, 5000][Int(watching.next() % 3)]
    settings.maxObservations = [1, 2, 16][Int(watching.next() % 3)]
    settings.maxObservedBytes = [16, 1 << 20][Int(watching.next() % 2)]
    // Whoever watches leaves room for others.
    if plan.watchers > 0 { settings.maxOpenProposals += 2 * plan.watchers }
    var remembering = SplitMix(seed: plan.seed ^ 0x4dec)
    settings.maxSessions = [1, 2, 16][Int(remembering.next() % 3)]
    settings.sessionsLast = [1, 3, 16][Int(remembering.next() % 3)]
    var transferring = SplitMix(seed: plan.seed ^ 0x7472_616e)
    settings.transferPiece = [1, 3, 1024][Int(transferring.next() % 3)]
    if plan.isCalm { (settings.collectAfter, settings.sessionsLast) = (20, 1) }
  }
}
