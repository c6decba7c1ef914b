public import Synod

/// What a voter holds of an instance, as it answers a recovery (`RecoverOK`, rule 16).
public struct Holding: Hashable, Sendable {
  /// How far it is; never committed, since what is committed is answered with that.
  public var phase: Phase
  /// At which ballot what it holds was accepted.
  public var abal: Ballot
  /// What it holds; nil for nothing.
  public var cmd: Batch?
  /// Behind what.
  public var dep: Dependencies
  /// Behind what its owner proposed it.
  public var initDep: Dependencies

  /// One made of its parts.
  public init(
    phase: Phase, abal: Ballot, cmd: Batch?, dep: Dependencies, initDep: Dependencies
  ) {
    self.phase = phase
    self.abal = abal
    self.cmd = cmd
    self.dep = dep
    self.initDep = initDep
  }

  init(_ instance: Instance) {
    self.init(
      phase: instance.phase, abal: instance.abal, cmd: instance.cmd, dep: instance.dep,
      initDep: instance.initDep)
  }

  /// As its owner sent it.
  var isUnchanged: Bool { phase == .preaccepted && dep == initDep }
  /// What it holds.
  var value: Value? { cmd.map { Value($0, dep) } }
}

/// What speaks against a value: an instance that conflicts with it, and of which neither comes behind
/// the other (rule 19).
public struct Objection: Hashable, Sendable {
  /// Which.
  public var id: InstanceID
  /// Whether it is committed.
  public var isCommitted: Bool

  /// One made of its parts.
  public init(_ id: InstanceID, isCommitted: Bool) {
    self.id = id
    self.isCommitted = isCommitted
  }
}

/// What to do with the first answers that are enough: the first row that holds (rule 17).
enum RecoveryRow: Hashable, Sendable {
  /// R1: one of the newest is committed.
  case committed(Value)
  /// R2: one of the newest is accepted. That value may be decided.
  case accepted(Value)
  /// R3: the owner is among them. It can decide nothing at ballot zero any more.
  case ownerAnswered
  /// R4: so many hold it as its owner sent it that it may be decided at ballot zero.
  case validate(Value, unchanged: Int)
  /// R5: too few do.
  case nothingDecided

  /// - Parameters:
  ///   - answers: of the quorum, with the places of the voters.
  ///   - owner: the place of the owner.
  init(_ answers: [(place: Int, holding: Holding)], owner: Int?, _ thresholds: Thresholds) {
    #if PlantedBugs
      let owner = PlantedBug.has(.unheededOwner) ? nil : owner
    #endif
    let newest = answers.map(\.holding.abal).max() ?? .zero
    let latest = answers.filter { $0.holding.abal == newest }.map(\.holding)
    let unchanged = answers.filter(\.holding.isUnchanged).map(\.holding)
    if let value = latest.first(where: { $0.phase == .committed })?.value {
      self = .committed(value)
    } else if let value = latest.first(where: { $0.phase == .accepted })?.value {
      self = .accepted(value)
    } else if let owner, answers.contains(where: { $0.place == owner }) {
      self = .ownerAnswered
    } else if unchanged.count >= answers.count - thresholds.fastFailures,
      let value = unchanged.first?.value
    {
      self = .validate(value, unchanged: unchanged.count)
    } else {
      self = .nothingDecided
    }
  }
}

/// What to do when all of the quorum have said what speaks against a value (rule 20).
enum ValidationRow: Hashable, Sendable {
  /// V1: nothing does.
  case accept
  /// V2: something that is committed does, or something whose owner would have to have known of it.
  case giveUp
  /// V3: that hangs on what is not decided.
  case wait

  /// - Parameters:
  ///   - quorum: how many it has.
  ///   - isOutside: whether a voter is not in it.
  init(
    _ validation: Attempt.Validation, quorum: Int, _ thresholds: Thresholds,
    isOutside: (VoterID) -> Bool
  ) {
    let isAtBound = Self.isAtBound(validation, quorum, thresholds)
    if validation.objections.isEmpty {
      self = .accept
    } else if validation.objections.contains(where: \.isCommitted)
      || isAtBound && validation.objections.contains(where: { isOutside($0.id.owner) })
    {
      self = .giveUp
    } else {
      self = .wait
    }
  }

  /// Whether all who are not in the quorum would have to have voted for the value as it is.
  private static func isAtBound(
    _ validation: Attempt.Validation, _ quorum: Int, _ thresholds: Thresholds
  ) -> Bool {
    #if PlantedBugs
      if PlantedBug.has(.endlessWait) { return false }
    #endif
    return validation.unchanged == quorum - thresholds.fastFailures
  }
}

/// What ends the waiting (rule 21).
enum WaitingRow: Hashable, Sendable {
  /// W1: an objection is committed, and not behind this instance.
  case overruled
  /// W2: all objections are committed, and void or behind this instance.
  case cleared
  /// W3: the recovery of an objection waits, too, and so many hold that unchanged that this instance
  /// cannot have been decided.
  case yields
  /// W4: another voter holds an accepted value.
  case accepted(Value)
  /// W4: the owner has answered.
  case ownerAnswered

  /// By what is known of the objections; nil where nothing follows.
  init?(_ objections: [(state: ObjectionState, waits: Int?)], _ thresholds: Thresholds) {
    let bound = Self.bound(thresholds)
    if objections.contains(where: { $0.state == .stands }) {
      self = .overruled
    } else if objections.allSatisfy({ $0.state == .withdrawn }) {
      self = .cleared
    } else if objections.contains(where: { $0.state == .open && $0.waits ?? 0 > bound }) {
      self = .yields
    } else {
      return nil
    }
  }

  /// So many may hold another unchanged, and this one may still have been decided.
  private static func bound(_ thresholds: Thresholds) -> Int {
    #if PlantedBugs
      if PlantedBug.has(.yieldToAny) { return 0 }
    #endif
    return thresholds.voters - thresholds.failures - thresholds.fastFailures
  }

  /// By the answer of a voter that is not in the quorum; nil where nothing follows.
  init?(_ holding: Holding, isOwner: Bool) {
    if holding.phase == .accepted, let value = holding.value {
      self = .accepted(value)
    } else if isOwner {
      self = .ownerAnswered
    } else {
      return nil
    }
  }
}

/// What became of an objection.
enum ObjectionState: Hashable, Sendable {
  case open
  /// Committed, not void, and not behind the instance.
  case stands
  /// Committed, and void or behind it.
  case withdrawn
}
