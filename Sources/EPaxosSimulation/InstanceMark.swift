/// Something that should happen in some runs.
enum InstanceMark: Int, CaseIterable, Sendable {
  case fast
  case slow
  case void
  case resubmitted
  case cycle
  case waits
  case refused
  case forgotten
  case laggard
  case snapshotSent
  case installed
  case fetched
  case appliedOnce
  case read
  case readStale
  case barrier
  case overloaded
  case unknown
  case givenUp
  case membersChanged
  case promoted
  case voterRemoved
  case voterReplaced
  case membersRefused
  case notAMember
  case restartInFlight
  case unsyncedSurvived
  case r1, r2, r3, r4, r5
  case v1, v2, v3
  case w1, w2, w3, w4

  var name: String {
    switch self {
    case .fast: "an owner decided in one round trip"
    case .slow: "an owner decided in two"
    case .void: "an instance was decided void"
    case .resubmitted: "a proposal was sent again, since its instance was void"
    case .cycle: "two that interfere come behind each other"
    case .waits: "a recovery waits for others"
    case .refused: "a ballot was refused"
    case .forgotten: "an instance was forgotten"
    case .laggard: "one was told that what it asked for is forgotten"
    case .snapshotSent: "a piece of a snapshot was sent"
    case .installed: "a snapshot was installed"
    case .fetched: "a decision was learned by asking"
    case .appliedOnce: "a command was sent again"
    case .read: "a read took its turn"
    case .readStale: "a read of the state at hand"
    case .barrier: "a barrier passed"
    case .overloaded: "refused, overloaded"
    case .unknown: "an outcome is unknown"
    case .givenUp: "given up before anything came of it"
    case .membersChanged: "the members changed"
    case .promoted: "whoever joined became a voter"
    case .voterRemoved: "a voter left"
    case .voterReplaced: "a new member took a voter's place"
    case .membersRefused: "a change of the members was refused"
    case .notAMember: "refused by one that is no voter"
    case .restartInFlight: "a restart with proposals open"
    case .unsyncedSurvived: "a restart found more than was durable"
    case .r1: "R1: one has it committed"
    case .r2: "R2: one has it accepted"
    case .r3: "R3: the owner answered"
    case .r4: "R4: enough hold it unchanged"
    case .r5: "R5: too few hold it unchanged"
    case .v1: "V1: nothing speaks against it"
    case .v2: "V2: something decided does"
    case .v3: "V3: something undecided does"
    case .w1: "W1: an objection was decided, and stands"
    case .w2: "W2: all objections were withdrawn"
    case .w3: "W3: another's recovery waits, and holds more"
    case .w4: "W4: another voter answered"
    }
  }
}

/// How often each was reached.
struct InstanceMarks: Sendable {
  private var counts = [UInt64](repeating: 0, count: InstanceMark.allCases.count)

  init() {}

  mutating func reach(_ mark: InstanceMark, _ count: UInt64 = 1) { counts[mark.rawValue] += count }

  /// Each as often as is said in its place.
  mutating func reach(_ counts: [UInt64], _ marks: [InstanceMark]) {
    for (mark, count) in zip(marks, counts) { reach(mark, count) }
  }

  var all: [(name: String, count: UInt64)] {
    InstanceMark.allCases.map { ($0.name, counts[$0.rawValue]) }
  }
}
