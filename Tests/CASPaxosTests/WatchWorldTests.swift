import CASPaxos
import Synod
import Testing

/// Watches under loss, repetition, reordering, crashes of whoever watches and of voters.
@Suite struct WatchWorldTests {
  static let names: [Bytes] = ["a", "ab", "b"]

  /// Draws writes, watches and cancellations; then lets everything end.
  static func run(_ shape: RandomWorld.Shape, calls: Int = 40, prefixes: Bool) -> RandomWorld {
    var world = RandomWorld(shape)
    let keys = Array(names.prefix(max(shape.keys, 1)))
    for _ in 0..<calls {
      let node = world.draw(world.nodes.count)
      let key = keys[world.draw(keys.count)]
      switch world.draw(10) {
      case 0, 1:
        world.watch(
          prefixes && world.draw(2) == 0 ? "a" : key, at: node,
          prefixes && world.draw(2) == 0 ? .prefix : .register(after: nil))
      case 2:
        let open = world.watches.filter { $0.value.isOpen }.keys.sorted {
          $0.rawValue < $1.rawValue
        }
        if !open.isEmpty { world.cancelWatch(open[world.draw(open.count)]) }
      case 3: world.propose(.change(.delete), at: node, key: key)
      case 4: world.propose(.read, at: node, key: key)
      default: world.propose(.change(.append(world.nextID)), at: node, key: key)
      }
      for _ in 0..<world.draw(shape.gap) { world.step() }
      if !world.violations.isEmpty { return world }
    }
    for node in world.nodes.indices { world.watch(keys[0], at: node) }
    guard world.settle() else { return world }
    for key in keys { world.propose(.barrierRead, at: 0, key: key) }
    guard world.settle() else { return world }
    if !world.settleWatches(keys: keys) {
      world.violate("watches do not end at the newest state: \(world.watches)")
    }
    world.judgeWatches()
    return world
  }

  @Test(arguments: RandomWorld.seeds)
  func aWatcherIsToldOfSettledStatesInTheirOrderAndEndsAtTheNewest(_ seed: UInt64) {
    var shape = RandomWorld.Shape.drawn(from: seed)
    shape.faults.deadline = 0
    shape.maxObservations = [1, 2, 16][Int(seed % 3)]
    shape.maxObservedBytes = [1, 20, 1 << 20][Int(seed / 3 % 3)]
    let world = Self.run(shape, prefixes: false)
    #expect(world.violations.isEmpty, "\(shape)")
  }

  @Test(arguments: RandomWorld.seeds)
  func aWatcherOfAPrefixIsToldOfAllRegistersThatBeginSo(_ seed: UInt64) {
    var shape = RandomWorld.Shape.drawn(from: seed)
    shape.faults.deadline = 0
    shape.keys = 3
    shape.maxObservations = [1, 2, 16][Int(seed % 3)]
    let world = Self.run(shape, prefixes: true)
    #expect(world.violations.isEmpty, "\(shape)")
  }

  /// By seed 46 a watch forgot that a key was gone, learned it again, and took the next state for the
  /// one that follows what it had told.
  @Test(arguments: Array(RandomWorld.seeds) + [46])
  func aWatcherHearsOfWhatWasDeletedAndCollected(_ seed: UInt64) {
    var shape = RandomWorld.Shape.drawn(from: seed)
    shape.faults.deadline = 0
    shape.maxObservations = [1, 2, 16][Int(seed % 3)]
    shape.collectAfter = [1, 5, 20][Int(seed / 3 % 3)]
    shape.retransmitAfter = min(shape.retransmitAfter, 20)
    shape.keys = 3
    let world = Self.run(shape, calls: 60, prefixes: seed % 2 == 0)
    #expect(world.violations.isEmpty, "\(shape)")
  }

  @Test func withoutFaultsFewStatesAreSkippedAndMostAreCounted() {
    var shape = RandomWorld.Shape(seed: 3)
    shape.faults.slowWatcher = 0
    shape.gap = 60
    let world = Self.run(shape, prefixes: false)
    #expect(world.violations.isEmpty)
    let told = world.watches.values.flatMap { $0.told.values.flatMap { $0.dropFirst() } }
    #expect(told.count > 20)
    #expect(told.count { $0.skipped } * 2 < told.count, "\(told.map(\.skipped))")
  }
}
