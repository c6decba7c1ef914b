import Synod
import Testing

@testable import SynodSimulation

/// What a world is made of.
@Suite struct WorldPartsTests {
  @Test func eventsComeInTheOrderOfTheirTimesAndOfTheirPlanning() {
    var queue = EventQueue()
    var random = SplitMix(seed: 3)
    var planned: [(time: UInt64, value: UInt64)] = []
    for value in 0..<500 as Range<UInt64> {
      let time = random.next() % 50
      planned.append((time, value))
      queue.plan(WorldEvent(.timer, at: time, value: value))
      if value % 7 == 0, let next = queue.next() {
        let place = planned.indices.min {
          (planned[$0].time, planned[$0].value) < (planned[$1].time, planned[$1].value)
        }!
        #expect(next.value == planned.remove(at: place).value)
      }
    }
    planned.sort { ($0.time, $0.value) < ($1.time, $1.value) }
    for one in planned { #expect(queue.next()?.value == one.value) }
    #expect(queue.next() == nil)
  }

  @Test func aClockOnlyGoesForwardWhateverIsDoneToIt() {
    var random = SplitMix(seed: 5)
    var clock = SimulatedClock(at: 0, showing: 7_000_000, rate: 1000)
    var now: UInt64 = 0
    var last = clock.ticks(at: now)
    for _ in 0..<1000 {
      now += random.next() % 3000
      switch random.next() % 4 {
      case 0: clock.isStalled ? clock.goOn(at: now) : clock.stall(at: now)
      case 1: clock.jump(by: random.next() % 5000, at: now)
      default: break
      }
      #expect(clock.ticks(at: now) >= last)
      last = clock.ticks(at: now)
    }
  }

  @Test func aClockSaysWhenInTheWorldItWillShowATime() {
    for rate in [1, 524, 1024, 1500] as [UInt64] {
      let clock = SimulatedClock(at: 100, showing: 5_000, rate: rate)
      for ticks in 6...40 as ClosedRange<UInt64> {
        let time = clock.worldTime(of: Ticks(ticks), from: 100)!
        #expect(clock.ticks(at: time) >= Ticks(ticks))
        #expect(clock.ticks(at: time - 1) < Ticks(ticks))
      }
    }
    var still = SimulatedClock(at: 0, showing: 4_900, rate: 1024)
    still.stall(at: 100)
    #expect(still.worldTime(of: Ticks(6), from: 200) == nil)
    #expect(still.worldTime(of: Ticks(5), from: 200) == 200)
    // It goes on as fast as before.
    var slow = SimulatedClock(at: 0, showing: 0, rate: 512)
    slow.stall(at: 2_000)
    slow.goOn(at: 50_000)
    #expect(slow.microseconds(at: 52_000) == 2_000)
  }

  // MARK: The network

  static func network(
    _ change: (inout RunPlan) -> Void = { _ in }
  ) -> SimulatedNetwork {
    var plan = RunPlan(seed: 1)
    plan.voters = 3
    plan.delay = 100
    plan.isOrdered = false
    plan.linkLimit = 1000
    plan.faults = FaultPlan()
    change(&plan)
    return SimulatedNetwork(plan, size: plan.voters, random: SplitMix(seed: 9))
  }

  static func send(
    _ count: Int, from: Int, to: Int, over network: inout SimulatedNetwork, at now: UInt64 = 0
  ) -> [(time: UInt64, number: UInt64)] {
    var queue = EventQueue()
    let identity = ProcessIdentity(store: StoreID(Identity128(high: 1, low: 1)), incarnation: 1)
    for _ in 0..<count {
      network.send(
        Bytes("hello"), checksum: 0, from: from, to: to, life: 1, identity: identity,
        store: identity.store, isRare: false, at: now, into: &queue)
    }
    var arrived: [(time: UInt64, number: UInt64)] = []
    while let event = queue.next() {
      guard let parcel = network.arrive(event.value, use: event.stamp) else { continue }
      #expect(Int(parcel.from) == from && Int(parcel.to) == to && parcel.payload == "hello")
      arrived.append((event.time, parcel.number))
    }
    return arrived
  }

  @Test func withoutFaultsEverythingArrivesOnceAndNotAlwaysInItsOrder() {
    var network = Self.network()
    let arrived = Self.send(200, from: 0, to: 1, over: &network).map(\.number)
    #expect(arrived.sorted() == Array(1...200))
    #expect(arrived != arrived.sorted())
  }

  @Test func alongAConnectionEverythingArrivesInItsOrder() {
    var network = Self.network { $0.isOrdered = true }
    #expect(Self.send(200, from: 0, to: 1, over: &network).map(\.number) == Array(1...200))
  }

  @Test func someIsLostSomeIsDamagedAndSomeComesTwice() {
    var network = Self.network {
      $0.faults.lossPerMille = 100
      $0.faults.corruptionPerMille = 100
      $0.faults.duplicationPerMille = 200
    }
    let arrived = Self.send(1000, from: 0, to: 1, over: &network).map(\.number)
    #expect((750..<870).contains(Set(arrived).count))
    #expect((100..<240).contains(arrived.count - Set(arrived).count))
    #expect(UInt64(1000 - Set(arrived).count) == network.losses.reduce(0, +))
  }

  @Test func aCutOfOneDirectionIsOne() {
    var network = Self.network()
    network.links[network.link(0, 1)].cuts += 1
    #expect(Self.send(10, from: 0, to: 1, over: &network).isEmpty)
    #expect(Self.send(10, from: 1, to: 0, over: &network).count == 10)
    #expect(Self.send(10, from: 0, to: 2, over: &network).count == 10)
    network.links[network.link(0, 1)].cuts -= 1
    #expect(Self.send(10, from: 0, to: 1, over: &network).count == 10)
  }

  @Test func whatIsOnItsWayWhenALinkIsCutIsLost() {
    var network = Self.network()
    var queue = EventQueue()
    let identity = ProcessIdentity(store: StoreID(Identity128(high: 1, low: 1)), incarnation: 1)
    network.send(
      "x", checksum: 0, from: 0, to: 1, life: 1, identity: identity, store: identity.store,
      isRare: false, at: 0, into: &queue)
    network.links[network.link(0, 1)].cuts += 1
    let event = queue.next()!
    #expect(network.arrive(event.value, use: event.stamp) == nil)
  }

  @Test func aCloggedLinkDeliversAllInABurst() {
    var network = Self.network()
    network.links[network.link(0, 1)].cloggedUntil = 1_000_000
    let arrived = Self.send(50, from: 0, to: 1, over: &network)
    #expect(arrived.count == 50)
    #expect(arrived.allSatisfy { (1_000_000...1_000_100).contains($0.time) })
  }

  @Test func aFullLinkLosesItsOldest() {
    var network = Self.network { $0.linkLimit = 8 }
    let arrived = Self.send(20, from: 0, to: 1, over: &network).map(\.number)
    #expect(arrived.sorted() == Array(13...20))
    // Another link has its own room.
    #expect(Self.send(8, from: 1, to: 0, over: &network).count == 8)
  }

  @Test func oldMessagesComeAgain() {
    var network = Self.network()
    _ = Self.send(300, from: 2, to: 1, over: &network)
    var queue = EventQueue()
    var numbers: Set<UInt64> = []
    for _ in 0..<100 { numbers.insert(network.replay(at: 5, into: &queue)!.number) }
    #expect(numbers.count > 20 && numbers.min()! < 100 && numbers.max()! <= 300)
    #expect(queue.count == 100)
  }

  @Test func delaysAreSpreadAroundTheirMean() {
    var random = SplitMix(seed: 2)
    let drawn = (0..<20_000).map { _ in random.exponential(mean: 1000) }
    let mean = drawn.reduce(0, +) / UInt64(drawn.count)
    #expect((900...1150).contains(mean))
    #expect(drawn.count { $0 < 500 } > 5000 && drawn.count { $0 > 3000 } > 500)
  }
}
