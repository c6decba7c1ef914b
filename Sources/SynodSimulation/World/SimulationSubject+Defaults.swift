public import Synod

// What a world takes for granted of a protocol that says nothing else.
extension SimulationSubject {
  /// Nothing else.
  @inlinable public static func adapting(_ plan: RunPlan) -> RunPlan { plan }

  /// None.
  @inlinable public var spares: Int { 0 }

  /// Those of the voters alone.
  @inlinable public var given: Int { 0 }

  /// One.
  @inlinable public var epochs: Int { 1 }

  /// One.
  @inlinable public func epochs(of machine: Machine) -> Int { 1 }

  /// It is not.
  @inlinable public var isChanging: Bool { false }

  /// None does.
  @inlinable public func stage(of machine: Machine) -> Int? { nil }

  /// Takes no notice.
  @inlinable public mutating func crashed(_ machine: Machine, of voter: VoterID) {}

  /// It does not.
  @inlinable public func leads(_ machine: Machine) -> Bool { false }

  /// A tenth of a second.
  @inlinable public var takeOverTime: UInt64 { 100_000 }

  /// The voters stay who they are.
  @inlinable public static func voters(after effect: Machine.Effect) -> [VoterID]? { nil }

  /// It does not.
  @inlinable public var needsTrueClocks: Bool { false }

  /// What only few are told of, the others need not know.
  @inlinable public func differing(_ machines: [Machine]) -> String? { nil }

  /// No time.
  @inlinable public var equalWithin: UInt64 { 0 }

  /// Those that effects name.
  @inlinable public func peers(of machine: Machine) -> [VoterID]? { nil }

  /// Takes no notice.
  @inlinable public mutating func faultsEnded() {}

  /// Always has room.
  @inlinable public var waitForRoom: UInt64 { 0 }

  /// Fits in one block.
  @inlinable public var recordBytes: Int { 0 }

  /// As many as leave no more than are tolerated.
  @inlinable
  public func mustDecide(_ usable: [VoterID], _ machines: [Machine]) -> Bool {
    usable.count >= machines.count - tolerates
  }

  /// Everyone is.
  @inlinable public func isOfUse(_ voter: VoterID, _ machines: [Machine]) -> Bool { true }

  /// Takes no notice of what is not durable.
  @inlinable public mutating func appended(_ records: [Machine.Record], by voter: VoterID) {}

  /// Takes no notice.
  @inlinable public mutating func storageFailed(at voter: VoterID) {}

  /// Takes no notice.
  @inlinable public mutating func neverAsked(_ id: ProposalID) {}

  /// None.
  @inlinable public var watchers: Int { 0 }

  /// Takes no notice.
  @inlinable public mutating func timeIs(_ microseconds: UInt64) {}

  /// Takes no notice.
  @inlinable public mutating func heard(_ effect: Machine.Effect, of voter: VoterID) -> String? {
    nil
  }

  /// None does.
  @inlinable public static func letsGo(_ effect: Machine.Effect) -> Bool { false }

  /// Nobody.
  @inlinable public static func leader(toldBy completion: Machine.Completion) -> VoterID? { nil }

  /// None.
  @inlinable public static func deadline(of proposal: Machine.Proposal) -> Ticks? { nil }

  /// None does.
  @inlinable public static func earlyEnd(of completion: Machine.Completion) -> EarlyEnd? { nil }

  /// Nobody watches.
  public mutating func watching(_ watcher: Int, random: inout SplitMix) -> Machine.Proposal {
    preconditionFailure("nobody watches")
  }

  /// None is told.
  @inlinable public static func finishing(_ effect: Machine.Effect) -> EffectID? { nil }

  /// Takes no notice.
  @inlinable
  public mutating func told(
    _ effect: Machine.Effect, at voter: VoterID, moment: UInt64
  ) -> String? { nil }

  /// Takes no notice.
  @inlinable public mutating func finished(_ effect: EffectID, at voter: VoterID) {}

  /// Nothing.
  @inlinable public func awaited(of voters: [VoterID]) -> String? { nil }

  /// Ten seconds.
  @inlinable public var watchBound: UInt64 { 10_000_000 }

  /// Takes any answer.
  @inlinable public func mustAskAgain(_ completion: Machine.Completion) -> Bool { false }

  /// None is.
  @inlinable public static func isRare(_ message: Machine.Message) -> Bool { false }

  /// Takes every proposal for one that writes.
  @inlinable public static func needsSpace(_ proposal: Machine.Proposal) -> Bool { true }
}
