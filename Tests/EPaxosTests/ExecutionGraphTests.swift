import Synod
import Testing

@testable import EPaxos

/// Some decided instances, and what follows from them, found without any cleverness.
private struct Decisions {
  struct One {
    var id: InstanceID
    var dependencies: Dependencies
    /// Nil where it is void.
    var footprint: Footprint?
    /// What its owner proposed, though it may be void now.
    var proposed: Footprint
  }

  var all: [One] = []
  /// By places in `all`.
  private(set) var reaches: [[Bool]] = []

  /// Of any two that interfere, one comes behind the other at least; else anything goes.
  init(seed: UInt64) {
    var random = RandomFootprints(seed: seed)
    random.names = 2 + random.below(3)
    let density = random.below(4)
    let rows = 2 + random.below(3)
    for row in 0..<rows {
      for number in 0..<random.below(7) {
        let footprint = random.next()
        all.append(
          One(
            id: EPaxosTests.id(UInt32(row + 1), UInt64(number + 1)),
            dependencies: Dependencies(), footprint: random.below(6) == 0 ? nil : footprint,
            proposed: footprint))
      }
    }
    for a in all.indices {
      for b in 0..<a {
        guard let x = all[a].footprint, let y = all[b].footprint else { continue }
        let which = random.below(3)
        if x.interferes(with: y) {
          if which != 1 { all[a].dependencies.insert(all[b].id) }
          if which != 0 { all[b].dependencies.insert(all[a].id) }
        } else if random.below(8) < density {
          all[a].dependencies.insert(all[b].id)
        }
      }
    }
    findReaches()
  }

  private mutating func findReaches() {
    reaches = all.map { a in all.map { b in isEdge(a, b) } }
    for through in all.indices {
      for a in all.indices where reaches[a][through] {
        for b in all.indices where reaches[through][b] { reaches[a][b] = true }
      }
    }
  }

  func isEdge(_ a: One, _ b: One) -> Bool {
    guard let x = a.footprint, let y = b.footprint, a.id != b.id else { return false }
    return a.dependencies.contains(b.id) && x.interferes(with: y)
  }

  /// Whether `a` must be executed before `b`, where they interfere.
  func isBefore(_ a: Int, _ b: Int) -> Bool {
    if reaches[a][b] && reaches[b][a] { return all[a].id < all[b].id }
    return reaches[b][a]
  }

  /// Whether it can be told, of all decided ones, that nothing more comes in front of `place`.
  func isFree(_ place: Int, decided: Set<Int>, known: Set<Int>) -> Bool {
    guard decided.contains(place) else { return false }
    guard all[place].footprint != nil else { return true }
    return all.indices.allSatisfy { a in
      guard a == place || reaches[place][a] else { return true }
      guard decided.contains(a), let mine = all[a].footprint else { return decided.contains(a) }
      return all.indices.allSatisfy { b in
        guard b != a, all[a].dependencies.contains(all[b].id), !decided.contains(b) else {
          return true
        }
        return known.contains(b) && !all[b].proposed.interferes(with: mine)
      }
    }
  }
}

/// 4,000 graphs, each decided in an order of its own, and with another one known before.
@Test(arguments: 0..<40 as Range<UInt64>)
func theOrderIsTheSameInWhateverOrderInstancesAreDecided(_ block: UInt64) {
  for seed in block * 100..<block * 100 + 100 {
    let decisions = Decisions(seed: seed)
    var random = SplitMix(seed: ~seed)
    run(decisions, &random, "seed \(seed)")
  }
}

private func run(_ decisions: Decisions, _ random: inout SplitMix, _ name: Comment) {
  var graph = ExecutionGraph()
  var decided: Set<Int> = []
  var known: Set<Int> = []
  var done: [Int] = []
  let placeOf = Dictionary(
    uniqueKeysWithValues: decisions.all.enumerated().map { ($1.id, $0) })

  func take(_ graph: inout ExecutionGraph, _ most: Int) {
    for _ in 0..<most {
      guard let id = graph.next() else { return }
      guard let place = placeOf[id] else { return #expect(Bool(false), "\(id) is unheard of") }
      #expect(decisions.isFree(place, decided: decided, known: known), name)
      done.append(place)
    }
  }

  for place in decisions.all.indices.shuffled(using: &random) {
    let one = decisions.all[place]
    if random.next() % 3 == 0, let other = decisions.all.indices.randomElement(using: &random),
      !decided.contains(other)
    {
      graph.know(decisions.all[other].id, decisions.all[other].proposed)
      known.insert(other)
    }
    decided.insert(place)
    graph.commit(one.id, behind: one.dependencies, footprint: one.footprint)
    // At times, all that is free; at times, some; then what is laid aside has to be right.
    take(&graph, [0, 1, 100][Int(random.next() % 3)])
    if random.next() % 4 == 0 {
      take(&graph, 100)
      for place in decisions.all.indices {
        #expect(
          done.contains(place) == decisions.isFree(place, decided: decided, known: known),
          "\(name): \(decisions.all[place].id)")
      }
      let waits = decided.count - done.count
      #expect(graph.backlog == waits && (waits > 0) == !graph.blockers.isEmpty, name)
      for id in graph.blockers { #expect(placeOf[id].map { !decided.contains($0) } ?? true, name) }
    }
    if random.next() % 5 == 0, !graph.isWithinComponent { graph.truncate(through: prefix(done)) }
  }
  take(&graph, 100)
  #expect(done.count == decisions.all.count && Set(done).count == done.count, name)
  #expect(graph.backlog == 0 && graph.blockers.isEmpty, name)
  for (second, b) in done.enumerated() {
    for a in done[0..<second] {
      guard let x = decisions.all[a].footprint, let y = decisions.all[b].footprint,
        x.interferes(with: y)
      else { continue }
      #expect(decisions.isBefore(a, b), name)
    }
  }

  /// Of each row, the last up to which all are done.
  func prefix(_ done: [Int]) -> Dependencies {
    let ids = Set(done.map { decisions.all[$0].id })
    var through = Dependencies()
    for row in 1...4 as ClosedRange<UInt32> {
      var number: UInt64 = 0
      while ids.contains(id(row, number + 1)) { number += 1 }
      through.insert(through: number, of: id(row, 1).row)
    }
    return through
  }
}

/// B6: r1's second write became void, and what it came behind went with it; the prefix still names the
/// first.
@Test func aVoidInstanceCutsNoChain() {
  var graph = ExecutionGraph()
  graph.commit(id(2, 1), behind: behind(id(1, 2)), footprint: .writing("k"))
  graph.commit(id(1, 2), behind: Dependencies(), footprint: nil)
  #expect(graph.next() == id(1, 2))
  #expect(graph.next() == nil)
  #expect(graph.blockers == [id(1, 1)])
  graph.commit(id(1, 1), behind: Dependencies(), footprint: .writing("k"))
  #expect(graph.next() == id(1, 1))
  #expect(graph.next() == id(2, 1))
}

/// B7: two that come behind each other, found from either side.
@Test func aCycleIsExecutedByIdentityFromWhicheverEndItIsReached() {
  for roots in [[1, 2], [2, 1]] as [[UInt32]] {
    var graph = ExecutionGraph()
    for owner in roots {
      graph.commit(id(owner, 7), behind: behind(id(3 - owner, 7)), footprint: .writing("k"))
      graph.truncate(through: behind(id(1, 6), id(2, 6)))
    }
    #expect(graph.next() == id(1, 7))
    #expect(graph.isWithinComponent)
    #expect(graph.next() == id(2, 7))
    #expect(!graph.isWithinComponent)
  }
}

/// B8: what waits for one that is never decided names it, and stops nobody else.
@Test func whatIsNotDecidedIsNamedAndStopsNobodyElse() {
  var graph = ExecutionGraph()
  graph.commit(id(1, 1), behind: behind(id(2, 1)), footprint: .writing("a"))
  graph.commit(id(1, 2), behind: behind(id(1, 1), id(3, 1)), footprint: .writing("a", "b"))
  graph.commit(id(3, 1), behind: behind(id(4, 1)), footprint: .writing("b"))
  graph.commit(id(5, 1), behind: Dependencies(), footprint: .writing("c"))
  #expect(graph.next() == id(5, 1))
  #expect(graph.next() == nil)
  #expect(graph.blockers == [id(2, 1), id(4, 1)] && graph.backlog == 3)
  // Known, and of other names: nothing waits for it any more.
  graph.know(id(4, 1), .writing("z"))
  #expect(graph.next() == id(3, 1))
  #expect(graph.next() == nil)
  graph.commit(id(2, 1), behind: Dependencies(), footprint: nil)
  #expect([graph.next(), graph.next(), graph.next()] == [id(2, 1), id(1, 1), id(1, 2)])
}

/// Rule 33: a dead node's command is in the prefix, and is of another name.
@Test func whatDoesNotInterfereIsNotWaitedForThoughAPrefixHoldsIt() {
  var graph = ExecutionGraph()
  graph.know(id(3, 1), .writing("other"))
  graph.commit(id(3, 2), behind: Dependencies(), footprint: .writing("k"))
  graph.commit(id(1, 1), behind: behind(id(3, 2)), footprint: .writing("k"))
  #expect([graph.next(), graph.next()] == [id(3, 2), id(1, 1)])
}

@Test func aChainOfAnyLengthNeedsNoStack() {
  var graph = ExecutionGraph()
  let length: UInt64 = 4_000
  for number in (1...length).reversed() {
    // Two rows, each behind the other: found from the far end, and all but the first are laid aside.
    let row = UInt32(1 + number % 2)
    graph.commit(
      id(row, number), behind: number == 1 ? Dependencies() : behind(id(3 - row, number - 1)),
      footprint: .writing(Bytes("\(number)"), Bytes("\(number - 1)")))
    graph.know(id(3 - row, number), .writing("none"))
  }
  var last: UInt64 = 0
  while let next = graph.next() {
    #expect(next.number == last + 1)
    last = next.number
  }
  #expect(last == length)
}

/// Rule 41: an old one that new ones keep coming in front of is told of.
@Test func whatWaitsBehindNewerOnesIsToldOf() {
  var graph = ExecutionGraph()
  graph.commit(id(1, 1), behind: behind(id(2, 1)), footprint: .writing("k"))
  for number in 1...10 as ClosedRange<UInt64> {
    #expect(!graph.isOvertaken(.reading("k"), by: 10))
    graph.commit(id(3, number), behind: Dependencies(), footprint: .writing("z"))
    while graph.next() != nil {}
  }
  #expect(graph.isOvertaken(.reading("k"), by: 10))
  #expect(!graph.isOvertaken(.reading("z"), by: 10))
  graph.commit(id(2, 1), behind: Dependencies(), footprint: .writing("k"))
  while graph.next() != nil {}
  #expect(!graph.isOvertaken(.reading("k"), by: 10))
}
