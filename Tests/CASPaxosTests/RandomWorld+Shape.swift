import CASPaxos
import Glibc
import Synod

extension RandomWorld {
  /// What goes wrong. All but `crash` are of a hundred.
  struct Faults {
    var loss = 0
    var duplication = 0
    /// Of a thousand steps.
    var crash = 0
    var slowStore = 50
    /// Proposals that are cancelled, and those that have a deadline.
    var cancel = 0
    var deadline = 0
    /// Steps in which someone is cut off from the others, or joins them again.
    var cut = 0
    /// Steps in which no watcher takes what it is told.
    var slowWatcher = 50
    /// Steps in which a store begins a checkpoint, or goes on with one.
    var checkpoint = 0
  }

  /// All that a world is made from, but what a test does with it.
  struct Shape: CustomStringConvertible {
    var seed: UInt64
    var voters = 3
    var prepare = 2
    var accept = 2
    var keys = 1
    var piggybackAfter: UInt8? = 1
    var maxFold = 4096
    var patience: UInt64 = 5
    var backoff: UInt64 = 2
    var retransmitAfter: UInt64 = 100
    var counterBlock: UInt64 = 64
    /// Members come and go: who holds what a client was told is not for the first quorums to say.
    var changesMembers = false
    var maxSessions = 16
    var collectAfter: UInt64?
    /// Most steps between two proposals.
    var gap = 20
    var watchLease: UInt64 = 60
    var maxObservations = 16
    var maxObservedBytes = 1 << 20
    var faults = Faults()

    init(seed: UInt64, voters: Int = 3) {
      self.seed = seed
      let majority = QuorumSystem(majorityOf: voters)
      self.voters = voters
      prepare = majority.prepare
      accept = majority.accept
    }

    var description: String {
      "seed \(seed), \(voters) voters, quorums \(prepare)/\(accept), \(keys) keys, piggyback "
        + (piggybackAfter.map { "after \($0)" } ?? "never")
        + ", fold \(maxFold), patience \(patience), backoff \(backoff), retransmit "
        + "\(retransmitAfter), block \(counterBlock), sessions \(maxSessions), collect after "
        + "\(collectAfter ?? 0), gap \(gap), \(faults)"
    }
  }

  /// How many seeds each test runs; `SYNOD_SEEDS` asks for another number, or, to see a failure
  /// again, for a range of them (`17..<18`).
  static let seedsOfATest: UInt64 = 40
  static let seeds: Range<UInt64> = {
    let asked = getenv("SYNOD_SEEDS").map { String(cString: $0) } ?? ""
    let bounds = asked.split(separator: "..<").compactMap { UInt64($0) }
    if bounds.count == 2 && bounds[0] < bounds[1] { return bounds[0]..<bounds[1] }
    return 0..<(bounds.first ?? seedsOfATest)
  }()
}

extension RandomWorld.Shape {
  /// Any shape, with any faults.
  static func drawn(from seed: UInt64) -> RandomWorld.Shape {
    var random = SplitMix(seed: seed ^ 0x5eed)
    func one<T>(of choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
    var shape = RandomWorld.Shape(seed: seed)
    (shape.voters, shape.prepare, shape.accept) = one(of: [
      (1, 1, 1), (2, 2, 2), (3, 2, 2), (3, 2, 2), (3, 1, 3), (3, 3, 1), (4, 2, 3), (4, 3, 2),
      (5, 3, 3),
    ])
    shape.keys = one(of: [1, 1, 1, 3])
    shape.piggybackAfter = one(of: [nil, 0, 1, 3])
    shape.maxFold = one(of: [1, 2, 3, 4096])
    shape.patience = one(of: [1, 5, 20])
    shape.backoff = one(of: [0, 2, 8])
    shape.retransmitAfter = one(of: [3, 20, 100])
    shape.counterBlock = one(of: [2, 5, 64])
    shape.gap = one(of: [3, 10, 40])
    shape.faults.loss = one(of: [0, 5, 20])
    shape.faults.duplication = one(of: [0, 20, 50])
    shape.faults.crash = one(of: [0, 3, 10])
    shape.faults.slowStore = one(of: [20, 50, 80])
    shape.faults.cancel = one(of: [0, 10])
    shape.faults.deadline = one(of: [0, 30])
    shape.faults.cut = one(of: [0, 0, 2])
    shape.faults.checkpoint = one(of: [0, 5])
    return shape
  }

  func settings() -> [Settings] {
    let quorums = try! QuorumSystem(voters: voters, prepare: prepare, accept: accept)
    return (1...UInt32(voters)).map { voter in
      var settings = Settings.test(voter, of: voters, seed: seed, quorums: quorums)
      settings.hashSeed = seed
      settings.piggybackAfter = piggybackAfter
      settings.maxFold = maxFold
      settings.patience = patience
      settings.backoff = backoff
      settings.retransmitAfter = retransmitAfter
      settings.counterBlock = counterBlock
      settings.watchLease = watchLease
      settings.watchSweep = 4 * watchLease
      settings.maxObservedBytes = maxObservedBytes
      settings.maxObservations = maxObservations
      if changesMembers {
        settings.askAfter = 200
        settings.takeOverAfter = 500
        settings.transferPiece = [1, 3, 1024][Int(seed % 3)]
      }
      settings.maxSessions = maxSessions
      settings.collectAfter = collectAfter
      return settings
    }
  }
}
