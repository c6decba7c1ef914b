internal import EPaxos
internal import Synod
public import SynodSimulation

/// A small world of instances that can be walked to its end, by name.
public struct ExploredInstances: Sendable {
  /// As one types it.
  public var name: String
  /// What is in it, in one line.
  public var summary: String
  /// Whether a few minutes and some gigabytes are not enough for it.
  public var isLarge = false
  let make: @Sendable () -> InstanceExploration

  /// What is explored.
  public var subject: InstanceExploration { make() }

  /// Walks it.
  /// - Parameters:
  ///   - limits: how much it may hold.
  ///   - progress: called every 65,536 states; false stops it.
  public func explore(
    limits: ExplorationLimits = ExplorationLimits(),
    progress: (ExplorationReport) -> Bool = { _ in true }
  ) -> ExplorationReport {
    ClusterExploration.explore(make(), limits: limits, progress: progress)
  }

  /// The world of this name, if there is one.
  public static func named(_ name: String) -> ExploredInstances? { all.first { $0.name == name } }

  /// The first instance of a voter.
  private static func first(_ voter: UInt32) -> InstanceID {
    InstanceID(row: Row(epoch: Epoch(0), owner: VoterID(voter)), number: 1)
  }

  /// A command on the one key that all of these worlds know, and what it comes behind.
  private static func value(_ item: UInt64, behind ids: InstanceID...) -> Value {
    let command = Scrolls.Command(item: item, writes: 1, reads: 0)
    var behind = Dependencies()
    for id in ids { behind.insert(id) }
    return Value(Batch([Entry(.command, payload: command.encoded)]), behind)
  }

  /// A world that begins in the middle: with what stores hold of what happened before.
  /// - Parameters:
  ///   - records: by voters, beside what every store begins with.
  ///   - deaf: voters that hear nothing any more.
  private static func halfway(
    voters: Int, records: [UInt32: [Record]], deaf: [UInt32], deadlines: Int
  ) -> InstanceExploration {
    var world = InstanceExploration(
      voters: voters, writes: [], budget: ExplorationBudget(timeOuts: deadlines))
    for (voter, records) in records {
      world.stored[Int(voter) - 1] =
        [
          .begun(world.settings[0].configuration, store: nil, joins: false),
          .reserve(Row(epoch: Epoch(0), owner: VoterID(voter)), 2),
        ] + records
    }
    for voter in deaf { world.deaf |= 1 << UInt8(voter - 1) }
    return world
  }

  private static func unchanged(_ id: InstanceID, _ value: Value) -> Record {
    .preaccepted(id, value, held: value.dep)
  }

  /// Every world that there is, the small ones first.
  public static let all: [ExploredInstances] = [
    ExploredInstances(
      name: "instances-one", summary: "3 voters, 1 write, 3 deadlines, 1 crash",
      make: {
        InstanceExploration(
          writes: [(0, 1)], budget: ExplorationBudget(crashes: 1, timeOuts: 3))
      }),
    ExploredInstances(
      name: "instances-disk",
      summary: "3 voters, 1 write, 2 deadlines, 1 crash; disks take their time",
      make: {
        InstanceExploration(
          writes: [(0, 1)], budget: ExplorationBudget(crashes: 1, timeOuts: 2),
          persistsAtOnce: false)
      }),
    ExploredInstances(
      name: "instances-two", summary: "3 voters, 2 writes that interfere, 1 deadline",
      make: {
        InstanceExploration(writes: [(0, 1), (2, 1)], budget: ExplorationBudget(timeOuts: 1))
      }),
    ExploredInstances(
      name: "instances-owner-gone",
      summary: "3 voters, 1 of them gone with a write that 1 holds, 1 write, 6 deadlines",
      make: {
        var world = InstanceExploration(
          writes: [(0, 1), (2, 1)], budget: ExplorationBudget(timeOuts: 6))
        world.rehearsal = [Rehearsal(late: 0b101, deliveries: 1)]
        world.deaf = 0b001
        return world
      }),
    ExploredInstances(
      name: "instances-decided",
      summary: "5 voters: what one decided at once, before it was gone, and what 2 hold of another",
      make: {
        let (x, y) = (first(1), first(3))
        return halfway(
          voters: 5,
          records: [
            1: [unchanged(x, value(1))], 5: [unchanged(x, value(1))],
            3: [unchanged(y, value(2)), .committed(y, nil, Dependencies())],
            2: [unchanged(y, value(2))], 4: [unchanged(y, value(2))],
          ], deaf: [3], deadlines: 5)
      }),
    ExploredInstances(
      name: "instances-bound",
      summary: "5 voters: of two that are gone, one each holds a command",
      make: {
        let (x, y) = (first(4), first(5))
        return halfway(
          voters: 5, records: [1: [unchanged(x, value(1))], 2: [unchanged(y, value(2))]],
          deaf: [4, 5], deadlines: 8)
      }),
    ExploredInstances(
      name: "instances-threshold",
      summary: "5 voters: a command whose votes are on their way, and what 1 holds of another",
      make: {
        let y = first(5)
        var world = halfway(
          voters: 5, records: [4: [unchanged(y, value(2))]], deaf: [5], deadlines: 4)
        world.plan = [(0, InstanceExploration.write(1, 1))]
        world.rehearsal = [Rehearsal(late: 0b11000, deliveries: 2)]
        return world
      }),
    ExploredInstances(
      name: "instances-void",
      summary:
        "5 voters: a void that 3 know, a command decided with 2 of them, and 1 that knows neither",
      make: {
        let y = first(3)
        let ballot = Ballot(epoch: Epoch(0), counter: 1, voter: VoterID(2))
        let void: [Record] = [
          .accepted(y, ballot, .nop, Dependencies()), .committed(y, nil, Dependencies()),
        ]
        var world = halfway(
          voters: 5, records: [2: void, 3: void, 4: void, 5: [unchanged(y, value(2))]],
          deaf: [1, 3], deadlines: 5)
        world.plan = [(0, InstanceExploration.write(1, 1))]
        world.rehearsal = [Rehearsal(late: 0b11000, deliveries: 4)]
        return world
      }),
  ]
}
