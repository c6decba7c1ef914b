extension FaultPlan {
  /// The faults that this plan has, by names without blanks, in a fixed order.
  public var parts: [String] {
    Self.amounts.filter { self[keyPath: $0.amount] > 0 }.map(\.name)
      + FaultKind.allCases.filter { self[$0] > 0 }.map(\.partName)
  }

  /// Every fault that a plan may have.
  public static var allParts: [String] {
    amounts.map(\.name) + FaultKind.allCases.map(\.partName)
  }

  /// Takes a fault out of the plan.
  /// - Returns: whether there is one of this name, in any plan.
  @discardableResult
  public mutating func leaveOut(_ part: String) -> Bool {
    if let amount = Self.amounts.first(where: { $0.name == part })?.amount {
      self[keyPath: amount] = 0
      return true
    }
    guard let kind = FaultKind.allCases.first(where: { $0.partName == part }) else { return false }
    self[kind] = 0
    return true
  }

  private static var amounts: [(name: String, amount: WritableKeyPath<FaultPlan, Int>)] {
    [
      ("loss", \.lossPerMille), ("duplication", \.duplicationPerMille),
      ("corruption", \.corruptionPerMille), ("crash-in-recovery", \.crashInRecoveryPercent),
    ]
  }
}

extension FaultKind {
  /// Its name as one word.
  fileprivate var partName: String {
    String(name.map { $0 == " " ? "-" : $0 })
  }
}
