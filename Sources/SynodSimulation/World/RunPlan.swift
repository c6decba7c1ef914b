internal import Synod

/// One run, drawn from its seed: the size of the cluster, its load, its limits and what goes wrong.
///
/// A caller may fix any part of it; the rest of the run is a function of the seed and of the plan.
public struct RunPlan: Hashable, Sendable {
  /// The run is a function of it and of what a caller fixed.
  public var seed: UInt64
  /// 1 to 7.
  public var voters: Int
  /// Each has one operation open at a time, or as many as it lost patience with.
  public var clients: Int
  /// Operations that the clients begin, all together.
  public var operations: Int
  /// Registers, or keys, that are used.
  public var keys: Int
  /// Of a hundred operations, how many go to the first key.
  public var hotKeyPercent: Int
  /// Tiny limits, so that logs roll over, checkpoints come and queues fill within a run.
  public var isTiny: Bool
  /// Nodes that may join while the run goes on.
  public var spares = 0
  /// Of a hundred operations, how many ask for a change of the members.
  public var memberPercent = 0
  /// Little is asked at a time, so that what is there lies untouched, and machines come to what they
  /// do of themselves.
  public var isCalm = false
  /// Of a hundred operations, how many ask that a change be made once, however often it is sent.
  public var oncePercent = 0
  /// How many watch what is written.
  public var watchers = 0
  /// How long each of them takes with what it is told, in microseconds.
  public var watchTime: UInt64 = 0
  /// Which faults there are at all, and how often.
  public var faults: FaultPlan
  /// More is broken than the protocol survives: refusing is allowed then, lying is not.
  public var isOverBudget: Bool

  /// The mean time that a client waits between two operations, in microseconds.
  public var thinkTime: UInt64
  /// How long a client waits for an answer before it asks somebody else the next thing, in
  /// microseconds.
  public var clientPatience: UInt64
  /// Of a hundred operations, how many are cancelled.
  public var cancelPercent: Int
  /// The mean time on the way between two voters, in microseconds; the shortest is a quarter of it.
  public var delay: UInt64
  /// What one voter sends to another arrives in its order, as in a connection; else each goes its own
  /// way.
  public var isOrdered: Bool
  /// All that a process sends to another in a turn is one parcel; else each message is one.
  public var joinsMessages: Bool
  /// Parcels on the way from one voter to another, at the most; the oldest go.
  public var linkLimit: Int
  /// Bytes that a parcel may have; a message that is longer is lost, until the faults end.
  public var maxPayload: Int
  /// How long a process gathers inputs before it ends its turn, in microseconds.
  public var turnTime: UInt64
  /// How long a disk takes, in percent of a good solid-state drive.
  public var diskPercent: UInt64
  /// How long it goes on when everything was asked, about, in microseconds: faults go on, and what
  /// machines do of themselves.
  public var lull: UInt64 = 20_000
  /// How long after its start the load is cut, in microseconds, whatever is left of it.
  public var longest: UInt64

  /// A plan drawn from `seed`.
  public init(seed: UInt64) {
    var random = SplitMix(seed: seed ^ 0x53_59_4e_4f_44)
    func one<T>(of choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
    self.seed = seed
    voters = one(of: [1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7])
    clients = one(of: [1, 3, 6, 10])
    operations = one(of: [50, 150, 150, 400])
    keys = one(of: [1, 1, 3, 10, 50])
    hotKeyPercent = one(of: [0, 0, 50, 90])
    isTiny = one(of: [true, true, false])
    faults = FaultPlan(from: &random)
    isOverBudget = one(of: [false, false, false, false, true])
    thinkTime = one(of: [0, 100, 2_000, 10_000])
    clientPatience = one(of: [5_000, 100_000, 2_000_000])
    cancelPercent = one(of: [0, 0, 5, 20])
    delay = one(of: [50, 200, 200, 1_000, 5_000])
    isOrdered = one(of: [true, false])
    joinsMessages = one(of: [true, false])
    linkLimit = isTiny ? one(of: [4, 64]) : 4096
    turnTime = one(of: [0, 0, 50, 1_000])
    diskPercent = one(of: [20, 100, 100, 1_000])
    longest = 20_000_000
    maxPayload = isTiny ? one(of: [100, 1_000, 1 << 20, 1 << 20]) : 1 << 20
    // Apart, so that the other draws of a seed stay what they are.
    random = SplitMix(seed: seed ^ 0x6d65_6d62_6572_73)
    memberPercent = one(of: [0, 0, 1, 5, 15])
    spares = memberPercent == 0 ? 0 : one(of: [1, 2, 3])
    faults.driverCrashPercent = spares == 0 ? 0 : one(of: [0, 0, 10, 50])
    faults.exilePercent = spares == 0 ? 0 : one(of: [0, 30, 80])
    random = SplitMix(seed: seed ^ 0x6f6e_6365)
    oncePercent = one(of: [0, 0, 20, 60])
    watchers = one(of: [0, 0, 1, 3])
    watchTime = one(of: [0, 1_000, 50_000])
    lull = one(of: [20_000, 20_000, 20_000, 600_000])
    random = SplitMix(seed: seed ^ 0x6361_6c6d_032b)
    if spares > 0, one(of: [true, false, false, false]) { beCalm(&random) }
    random = SplitMix(seed: seed ^ 0x7369_6567_65)
    faults.siegePercent = one(of: [0, 0, 100, 100])
  }
}

extension RunPlan {
  /// Calm runs are those in which the members change again and again.
  private mutating func beCalm(_ random: inout SplitMix) {
    func one<T>(of choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
    isCalm = true
    thinkTime = one(of: [10_000, 40_000])
    memberPercent = one(of: [20, 40])
    spares = one(of: [6, 12])
    // What needs all voters would come to nothing.
    faults.most = one(of: [4, 8, 16])
  }
}

extension RunPlan: CustomStringConvertible {
  /// The run in a line or two, for people.
  public var description: String {
    let load =
      "\(operations) operations of \(clients) clients on \(keys) keys"
      + (hotKeyPercent > 0 ? " (\(hotKeyPercent) % on the first)" : "")
    let members = spares > 0 ? ", \(memberPercent) % change the members, \(spares) spares" : ""
    let once = oncePercent > 0 ? ", \(oncePercent) % once" : ""
    let watches = watchers > 0 ? ", \(watchers) watch and take \(watchTime) µs" : ""
    let limits =
      (isCalm ? ", calm" : "") + (isTiny ? ", tiny limits" : "")
      + (isOverBudget ? ", over the fault budget" : "")
    let way =
      "delay \(delay) µs\(maxPayload < 1 << 20 ? " for \(maxPayload) bytes" : "")"
      + "\(isOrdered ? " in order" : "")"
    let times =
      "\(way), disk \(diskPercent) %, turn \(turnTime) µs, "
      + "think \(thinkTime) µs, patience \(clientPatience) µs, \(cancelPercent) % cancelled"
    let parts = "\(load)\(members)\(once)\(watches)\(limits)"
    return "seed \(seed), \(voters) voters, \(parts); \(times); \(faults)"
  }
}
