@testable import EPaxos
import Synod
import Testing

/// The tables of rules 17, 20 and 21, row by row: five voters, of whom three answer and two may differ.
@Suite struct RecoveryTableTests {
  private static let five = Thresholds(voters: 5)
  private static let (c, y) = (World.command(1), at(3, 1))

  private static func holding(
    _ phase: Phase, _ abal: Ballot = .zero, _ dep: Dependencies = deps(),
    from initDep: Dependencies = deps()
  ) -> Holding {
    Holding(
      phase: phase, abal: abal, cmd: phase == .initial ? nil : c, dep: dep, initDep: initDep)
  }

  private static let nothing = holding(.initial)
  private static let found = holding(.preaccepted, .zero, deps(y))

  @Test(arguments: [
    // R1: at the newest ballot; at an older one it would be R2's.
    (
      [holding(.committed, ballot(2, 2), deps(y)), holding(.accepted, ballot(2, 2)), nothing],
      RecoveryRow.committed(Value(c, deps(y)))
    ),
    // R2: the newest of two; and of the owner's slow path, before it is asked who answered.
    (
      [holding(.accepted, ballot(1, 2), deps(y)), holding(.accepted, ballot(2, 3)), nothing],
      .accepted(Value(c, deps()))
    ),
    ([holding(.accepted, .zero, deps(y)), nothing, nothing], .accepted(Value(c, deps(y)))),
    // R3: whatever else they hold.
    ([holding(.preaccepted), holding(.preaccepted), nothing], .ownerAnswered),
    ([nothing, nothing, nothing], .ownerAnswered),
  ])
  func ofAnswersWithTheOwners(_ answers: [Holding], _ row: RecoveryRow) {
    let placed = answers.enumerated().map { (place: $0.offset, holding: $0.element) }
    #expect(RecoveryRow(placed, owner: 0, Self.five) == row)
  }

  @Test(arguments: [
    // R4: one unchanged is enough where two may differ.
    (
      [holding(.preaccepted), nothing, found], RecoveryRow.validate(Value(c, deps()), unchanged: 1)
    ),
    (
      [holding(.preaccepted), holding(.preaccepted), holding(.preaccepted)],
      .validate(Value(c, deps()), unchanged: 3)
    ),
    // R5: none is as its owner sent it.
    ([found, found, nothing], .nothingDecided), ([nothing, nothing, nothing], .nothingDecided),
  ])
  func ofAnswersWithoutTheOwners(_ answers: [Holding], _ row: RecoveryRow) {
    let placed = answers.enumerated().map { (place: $0.offset + 1, holding: $0.element) }
    #expect(RecoveryRow(placed, owner: 0, Self.five) == row)
  }

  /// Voters 1 and 2 are outside of the quorum of three.
  @Test(arguments: [
    // V1.
    ([Objection](), 1, ValidationRow.accept),
    // V2: of what is committed one is enough; at the bound, also of one whose owner is outside.
    ([Objection(at(3, 1), isCommitted: true)], 2, .giveUp),
    (
      [Objection(at(3, 1), isCommitted: false), Objection(at(4, 1), isCommitted: true)], 2, .giveUp
    ),
    ([Objection(at(2, 1), isCommitted: false)], 1, .giveUp),
    // V3: above the bound, or with the owner in the quorum.
    ([Objection(at(2, 1), isCommitted: false)], 2, .wait),
    ([Objection(at(3, 1), isCommitted: false)], 1, .wait),
  ])
  func ofObjections(_ objections: [Objection], _ unchanged: Int, _ row: ValidationRow) {
    var validation = Attempt.Validation(value: Value(Self.c, deps()), unchanged: unchanged)
    for objection in objections { validation.object(objection) }
    let found = ValidationRow(validation, quorum: 3, Self.five) { $0 <= VoterID(2) }
    #expect(found == row)
  }

  /// The bound is one: 5 voters, of whom 2 may be down and 2 may differ.
  @Test(
    arguments: [
      // W1, whatever the others are.
      ([(ObjectionState.withdrawn, nil), (.stands, nil), (.open, 3)], WaitingRow.overruled),
      // W2.
      ([(.withdrawn, nil), (.withdrawn, 3)], .cleared), ([], .cleared),
      // W3.
      ([(.open, 2), (.withdrawn, nil)], .yields),
      // None: too few hold the other unchanged, or it is not known to wait.
      ([(.open, 1)], nil), ([(.open, nil), (.withdrawn, 3)], nil),
    ] as [([(ObjectionState, Int?)], WaitingRow?)])
  func ofWhatIsWaitedFor(_ objections: [(ObjectionState, Int?)], _ row: WaitingRow?) {
    let states = objections.map { (state: $0.0, waits: $0.1) }
    #expect(WaitingRow(states, Self.five) == row)
  }

  /// W4.
  @Test func ofALateAnswer() {
    let accepted = Self.holding(.accepted, ballot(2, 2), deps(Self.y))
    for isOwner in [false, true] {
      #expect(WaitingRow(accepted, isOwner: isOwner) == .accepted(Value(Self.c, deps(Self.y))))
    }
    #expect(WaitingRow(Self.holding(.preaccepted), isOwner: true) == .ownerAnswered)
    #expect(WaitingRow(Self.nothing, isOwner: true) == .ownerAnswered)
    #expect(WaitingRow(Self.holding(.preaccepted), isOwner: false) == nil)
  }

  /// W4 in a recovery: the late answer has an accepted value, and the decision itself counts.
  @Test(arguments: [false, true]) func aRecoveryThatWaitsTakesWhatOthersHave(isDecided: Bool) {
    var world = BugTests.duel()
    let x = at(1, 1)
    world.recover(x, at: 4)
    world.ask(4, [2, 3, 7], "recover", "holding")
    world.ask(4, [2, 3, 7], "validate", "validated")
    #expect(world[4].statistics.validationRows == [0, 0, 1])
    let value = Value(World.command(1), deps(at(7, 1)))
    if isDecided {
      world.tell(.commit([.init(x, value)]), from: 5, to: 4)
      #expect(world.decided(x, at: 4) == value)
    } else {
      let late = Holding(
        phase: .accepted, abal: ballot(1, 5), cmd: value.batch, dep: value.dep, initDep: deps())
      world.tell(.holding(world.held(x, at: 4).bal, x, late), from: 5, to: 4)
      #expect(world.held(x, at: 4).phase == .accepted && world.held(x, at: 4).dep == value.dep)
    }
    #expect(world[4].statistics.waitingRows == [0, 0, 0, 1])
  }
}
