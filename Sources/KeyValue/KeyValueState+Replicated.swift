public import Synod

extension KeyValueState: ReplicatedState {
  /// Takes an agreed command.
  public mutating func apply(
    _ command: KeyValueCommand, at context: ApplyContext
  ) -> (outcome: KeyValueOutcome, event: [LeaseEvent]?) {
    var events: [LeaseEvent] = []
    let outcome = apply(command, stamp: context.position, events: &events)
    return (outcome, events.isEmpty ? nil : events)
  }
}
