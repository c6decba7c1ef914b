internal import Synod

extension ContractSuite {
  /// The parts of one Ready may be handled at once and in any order, and nothing that relies on a
  /// record leaves before that record is durable.
  ///
  /// Runs in which stores are quick, slow, and slower than everything else; and from points of a run
  /// forks, in each of which the parts of one Ready are handled in another order, all orders where
  /// there are at most four.
  public func orderFree(seed: UInt64) throws(ContractViolation) -> ContractReport {
    var total = ContractReport()
    for slowStore in [0, 60, 100] {
      var world = world(
        seed: seed, ContractFaults(duplication: 5, cancel: 3, slowStore: slowStore))
      world.run(steps)
      let report = try conclude(&world, .orderFree, seed: seed)
      total.add(fork: report, since: ContractReport())
      total.hash = report.hash
    }
    var world = world(seed: seed, ContractFaults(slowStore: 60))
    for step in 0..<steps {
      world.lastParts.removeAll()
      world.step()
      try check(world, .orderFree, seed: seed)
      if step % 7 == 0 && world.lastParts.count > 1 {
        try fork(&world, seed: seed)
      }
    }
    let report = try conclude(&world, .orderFree, seed: seed)
    total.add(fork: report, since: ContractReport())
    return total
  }

  private func fork(
    _ world: inout ContractWorld<Witness>, seed: UInt64
  ) throws(ContractViolation) {
    let start = world.report
    var random = SplitMix(seed: world.random.state)
    for order in orders(of: world.lastParts.count, random: &random) {
      var other = world
      for place in order { other.handle(world.lastParts[place]) }
      other.run(40)
      _ = try conclude(&other, .orderFree, seed: seed)
      world.report.add(fork: other.report, since: start)
    }
  }

  /// Every order of `count` things, or twelve orders at random where there are more than four.
  private func orders(of count: Int, random: inout SplitMix) -> [[Int]] {
    guard count <= 4 else {
      return (0..<12).map { _ in (0..<count).shuffled(using: &random) }
    }
    var orders: [[Int]] = [[]]
    for next in 0..<count {
      orders = orders.flatMap { order in
        (0...order.count).map { place in
          var longer = order
          longer.insert(next, at: place)
          return longer
        }
      }
    }
    return orders
  }
}
