public import CASPaxos
public import Synod

extension RegisterExploration {
  /// Whether the settings differ in nothing but the voter.
  public func areAlike(_ a: Int, _ b: Int) -> Bool {
    var other = settings[b]
    other.voter = settings[a].voter
    return settings[a] == other
  }

  /// The same with two voters in each other's place.
  public func swap(_ a: VoterID, _ b: VoterID, in machine: inout Machine) {
    machine.swapVoters(a, b)
  }

  /// No message names a voter but by ballots, and only voters that propose draw those.
  public func swap(_ a: VoterID, _ b: VoterID, in message: inout Message) {}

  /// The same with two nodes in each other's place.
  public func swap(_ a: Int, _ b: Int, in history: inout RegisterHistory) {
    history.accepted.swapAt(a, b)
    history.adopted.swapAt(a, b)
  }
}
