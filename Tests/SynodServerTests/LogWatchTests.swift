import CASPaxos
import KeyValue
import MultiPaxos
import Synod
import Testing

@testable import SynodServer

/// What clients are told that watch keys of a log.
@Suite struct LogWatchTests {
  /// A log of one voter, and what is watched of it.
  struct Watched {
    var machine: LogMachine
    var watches = LogWatches()
    var asked: UInt64 = 0
    var ready = Ready<LogMachine>()

    init(retained: Int = 8192) throws {
      let configuration = try Configuration(epoch: Epoch(1), voters: [VoterID(1)])
      var settings = LogMachine.Settings(
        voter: VoterID(1), configuration: configuration, seed: 1)
      settings.maxRetained = retained
      machine = LogMachine(settings)
      for time in [1, 1_000, 2_000] as [UInt64] {
        machine.tick(to: Ticks(time))
        settle()
      }
      #expect(machine.status.isLeading)
    }

    mutating func settle() {
      while machine.hasReady {
        machine.drain(into: &ready)
        if !ready.persist.isEmpty { machine.persisted(through: ready.batch) }
        ready.removeAll()
      }
    }

    mutating func run(_ command: KeyValueCommand) {
      asked += 1
      machine.propose(MultiPaxos.Proposal(.command(command)), as: ProposalID(asked))
      settle()
    }

    mutating func set(_ key: Bytes, _ value: Bytes) {
      run(.one(.change(.set(value), of: key)))
    }

    mutating func watch(_ key: Bytes, _ request: WatchRequest, as id: UInt64 = 1_000) {
      watches.look(at: machine)
      watches.begin(ProposalID(id), key, request, at: machine.status.applied)
    }

    /// What is told now: key, value, and whether there may have been more.
    mutating func told() -> [String] {
      watches.look(at: machine)
      var all: [Observation] = []
      while watches.hasWork {
        all += watches.tell(of: machine.app, at: machine.status.applied)
      }
      effects += all.map(\.id)
      versions += all.map(\.register.version)
      return all.map { one in
        let value = one.register.value.map { String(decoding: $0.array, as: UTF8.self) } ?? "-"
        return "\(String(decoding: one.key.array, as: UTF8.self))=\(value)"
          + (one.skipped ? " (skipped)" : "")
      }
    }

    var effects: [EffectID] = []
    var versions: [Version] = []

    mutating func written() {
      for effect in effects { watches.finished(effect) }
      effects = []
    }
  }

  @Test func aKeyIsToldOfAndThenItsChanges() throws {
    var log = try Watched()
    log.watch("k", .register(after: nil))
    #expect(log.told() == ["k=-"])
    log.set("k", "1")
    log.set("other", "x")
    #expect(log.told() == ["k=1"])
    log.set("k", "2")
    log.set("k", "3")
    #expect(log.told() == ["k=3 (skipped)"])
    log.run(.one(.delete(["k"])))
    #expect(log.told() == ["k=-"])
    // What changes nothing is not told.
    log.run(.one(.change(.compareAndSet("a", "b"), of: "k")))
    log.set("k", "4")
    #expect(log.told().last?.hasPrefix("k=4") == true)
    #expect(log.versions == log.versions.sorted() && Set(log.versions).count == log.versions.count)
  }

  @Test func itGoesOnBehindAVersion() throws {
    var log = try Watched()
    log.set("k", "1")
    log.watch("k", .register(after: nil))
    #expect(log.told() == ["k=1"])
    let version = try #require(Version("\(log.versions[0])"))
    log.watch("k", .register(after: version), as: 2_000)
    #expect(log.told() == [])
    log.set("k", "2")
    #expect(log.told().count == 2)
    log.watch("k", .register(after: version), as: 3_000)
    #expect(log.told() == ["k=2 (skipped)"])
  }

  @Test func aPrefixIsToldOfAllItsKeys() throws {
    var log = try Watched()
    for number in 0..<12 { log.set(Bytes("a:\(number)"), "1") }
    log.set("b:1", "1")
    log.watch("a:", .prefix)
    #expect(log.told().count == 12)
    log.written()
    log.run(.one(.set([KeyValuePair("a:3", "2"), KeyValuePair("b:1", "2")])))
    log.set("a:new", "1")
    #expect(log.told() == ["a:3=2", "a:new=1"])
    log.run(.one(.delete(["a:3", "b:1"])))
    #expect(log.told() == ["a:3=-"])
    log.run(.one(.deleteAll))
    log.written()
    #expect(log.told().count == 12)
    #expect(log.told() == [])
  }

  /// Its connection has only so much in hand, and then the newest.
  @Test func whoReadsSlowlyIsToldOfTheNewest() throws {
    var log = try Watched()
    log.watch("", .prefix)
    for number in 0..<40 { log.set(Bytes("\(number)"), "1") }
    #expect(log.told().count == LogWatches.room)
    for _ in 0..<3 { log.set("39", "2") }
    #expect(log.told() == [])
    log.written()
    #expect(log.told().count == LogWatches.room)
    log.written()
    let rest = log.told()
    #expect(rest.count == 8 && rest.contains("39=2 (skipped)"))
    #expect(log.told() == [])
  }

  @Test func whatIsNotRetainedIsLookedForInTheState() throws {
    var log = try Watched(retained: 1)
    log.set("k", "1")
    log.watch("k", .register(after: nil))
    log.watch("", .prefix, as: 2_000)
    #expect(log.told() == ["k=1", "k=1"])
    log.written()
    for number in 0..<10 { log.set("k", Bytes("\(number)")) }
    log.set("m", "1")
    let told = log.told()
    #expect(told.filter { $0 == "k=9 (skipped)" }.count == 2, "\(told)")
    #expect(told.contains { $0.hasPrefix("m=1") })
  }

  @Test func whatIsWatchedNoMoreIsNotTold() throws {
    var log = try Watched()
    log.watch("k", .register(after: nil))
    log.watch("k", .prefix, as: 2_000)
    #expect(log.told().count == 1)
    log.watches.end(ProposalID(1_000))
    log.watches.end(ProposalID(2_000))
    log.set("k", "1")
    #expect(log.told() == [])
    #expect(log.watches.isEmpty)
  }

  @Test func thereAreOnlySoManyPrefixes() throws {
    var log = try Watched()
    let most = LogWatches.mostPrefixes
    for number in 0..<most {
      let prefix = Bytes("p\(number):")
      #expect(log.watches.refusal(toWatch: prefix, .prefix) == nil)
      log.watch(prefix, .prefix, as: UInt64(1_000 + number))
    }
    #expect(
      log.watches.refusal(toWatch: "more", .prefix)
        == "this node's clients watch 128 prefixes already")
    // One more of the same costs little, as does a key.
    #expect(log.watches.refusal(toWatch: "p7:", .prefix) == nil)
    #expect(log.watches.refusal(toWatch: "more", .register(after: nil)) == nil)
    log.watch("p7:", .prefix, as: 5_000)
    #expect(log.told() == [])
    log.set("p7:a", "1")
    #expect(log.told() == ["p7:a=1", "p7:a=1"])
    log.watches.end(ProposalID(1_007))
    #expect(log.watches.refusal(toWatch: "more", .prefix) != nil, "another has it")
    log.watches.end(ProposalID(5_000))
    #expect(log.watches.refusal(toWatch: "more", .prefix) == nil)
  }

  @Test func thoseOfOnePrefixAreGoneThroughTogether() throws {
    var log = try Watched(retained: 1)
    for number in 0..<5 { log.set(Bytes("a:\(number)"), "1") }
    for id in 0..<10 as Range<UInt64> { log.watch("a:", .prefix, as: 1_000 + id) }
    #expect(log.watches.pending == 1)
    #expect(log.told().count == 50)
    log.written()
    log.run(.one(.deleteAll))
    log.watches.look(at: log.machine)
    #expect(log.watches.pending == 1)
    #expect(log.told().count == 50)
  }

  @Test func whatAWatchHadToldIsForgottenWithIt() throws {
    var log = try Watched()
    log.watch("k", .register(after: nil))
    log.set("k", "1")
    #expect(log.told().count == 1)
    #expect(log.watches.owners.count == 1)
    log.watches.end(ProposalID(1_000))
    #expect(log.watches.owners.isEmpty)
    log.written()
    #expect(log.watches.owners.isEmpty)
  }
}
