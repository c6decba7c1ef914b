extension FaultPlan {
  /// The faults that this plan has, by names without blanks, in a fixed order.
  public var parts: [String] { Self.allParts.filter { part in without(part) != self } }

  /// Every fault that a plan may have.
  public static let allParts =
    numbers.map(\.name) + diskRates.map(\.name) + FaultKind.allCases.map(\.partName)

  /// Takes a fault out of the plan.
  /// - Returns: whether there is one of this name, in any plan.
  @discardableResult
  public mutating func leaveOut(_ part: String) -> Bool {
    if let number = Self.numbers.first(where: { $0.name == part }) {
      number.clear(&self)
    } else if let rate = Self.diskRates.first(where: { $0.name == part }) {
      rate.clear(&disk)
    } else if let kind = FaultKind.allCases.first(where: { $0.partName == part }) {
      self[kind] = 0
    } else {
      return false
    }
    return true
  }

  private func without(_ part: String) -> FaultPlan {
    var plan = self
    plan.leaveOut(part)
    return plan
  }

  private static let numbers: [(name: String, clear: @Sendable (inout FaultPlan) -> Void)] = [
    ("loss", { $0.lossPerMille = 0 }), ("duplication", { $0.duplicationPerMille = 0 }),
    ("corruption", { $0.corruptionPerMille = 0 }),
    ("crash-in-recovery", { $0.crashInRecoveryPercent = 0 }),
    ("driver-crash", { $0.driverCrashPercent = 0 }), ("exile", { $0.exilePercent = 0 }),
    ("siege", { $0.siegePercent = 0 }),
    ("clock-drift", { $0.clockDrift = 0 }), ("clock-skew", { $0.clockSkew = 0 }),
    ("late-timers", { $0.timerDelay = 0 }),
  ]

  private static let diskRates: [(name: String, clear: @Sendable (inout DiskFaults) -> Void)] = [
    ("failed-sync", { $0.failedSyncs = 0 }), ("failed-write", { $0.failedWrites = 0 }),
    ("lost-write", { $0.lostWrites = 0 }), ("misdirected-write", { $0.misdirectedWrites = 0 }),
    ("disk-stall", { $0.stalls = 0 }), ("bit-rot", { $0.rot = 0 }),
    ("zeroed-sector", { $0.zeroedSectors = 0 }),
    ("unreadable-sector", { $0.unreadableSectors = 0 }), ("rolled-back", { $0.rolledBack = 0 }),
  ]
}

extension FaultKind {
  /// Its name as one word.
  fileprivate var partName: String {
    String(name.map { $0 == " " ? "-" : $0 })
  }
}
