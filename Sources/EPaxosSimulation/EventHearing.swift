internal import Synod

/// What applications were told of commands: each node tells of each that it applies, once in a life, and not of
/// what it did not apply.
struct EventHearing {
  /// What one life of a node told.
  private struct Life {
    /// Writes that its state holds, by what it told.
    var writes: Int
    var items: Set<UInt64> = []
    /// Told since it was looked at.
    var fresh: [Scrolls.Line] = []
    /// A snapshot took the place of its state.
    var leapt = false
  }

  private var lives: [VoterID: Life] = [:]
  /// How many keys a command writes.
  private var writes: [UInt64: Int] = [:]
  private var wrong: String?
  /// Whether anybody tells at all.
  private var hears = false

  mutating func ask(_ command: Scrolls.Command) {
    writes[command.item] = Scrolls.keys(command.writes).count
  }

  mutating func begin(_ voter: VoterID) { lives[voter] = nil }

  mutating func installed(at voter: VoterID) { lives[voter]?.leapt = true }

  mutating func tell(_ item: UInt64, _ position: UInt64, at voter: VoterID) {
    hears = true
    guard lives[voter] != nil else { return }
    lives[voter]?.fresh.append(Scrolls.Line(item: item, position: position))
    if lives[voter]?.leapt == false, lives[voter]?.items.insert(item).inserted == false {
      wrong = "voter \(voter) tells of command \(item) twice"
    }
  }

  /// Looks at a node behind an event.
  mutating func look(at state: Scrolls, of voter: VoterID) -> String? {
    if let wrong { return wrong }
    let found = state.lines.reduce(0) { $0 + $1.count }
    guard var life = lives[voter], !life.leapt else {
      lives[voter] = Life(writes: found)
      return nil
    }
    guard hears, found != life.writes || !life.fresh.isEmpty else { return nil }
    for line in life.fresh {
      guard state.lines.contains(where: { $0.last { $0.item == line.item } == line }) else {
        return
          "voter \(voter) tells of command \(line.item) at \(line.position), and did not apply it"
      }
      life.writes += writes[line.item] ?? 0
    }
    life.fresh.removeAll()
    lives[voter] = life
    return found == life.writes
      ? nil
      : "voter \(voter) told of commands that make \(life.writes) writes, and its state holds \(found)"
  }
}
