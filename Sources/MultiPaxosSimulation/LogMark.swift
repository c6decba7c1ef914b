/// Something that should happen in some runs.
enum LogMark: Int, CaseIterable, Sendable {
  case leaderChanged
  case twoLeaders
  case promised
  case promiseInParts
  case refused
  case proposedAnew
  case filled
  case chosenOutOfOrder
  case learnedWithout
  case caughtUp
  case snapshotInstalled
  case forwarded
  case forwardReturned
  case repeated
  case appliedOnce
  case readByLeader
  case readByFollower
  case readUnderLease
  case readStale
  case leaseHeld
  case leaseTaken
  case leaseEnded
  case barrier
  case transferred
  case membersChanged
  case membersRefused
  case voterAdded
  case learnerAdded
  case observerAdded
  case storePinned
  case learnerReplaced
  case promoted
  case voterRemoved
  case votersDisjoint
  case changesAtOnce
  case crashedChanging
  case askedForPlace
  case voterReplaced
  case otherStoreNamed
  case snapshotForNewcomer
  case notLeader
  case noLease
  case overloaded
  case unknown
  case givenUp
  case restartInFlight
  case unsyncedSurvived
  case statesCompared
  case toldToGo

  var name: String {
    switch self {
    case .leaderChanged: "a leader took over"
    case .twoLeaders: "two proposed at once, at different ballots"
    case .promised: "a promise"
    case .promiseInParts: "a promise of several parts"
    case .refused: "a ballot was refused"
    case .proposedAnew: "an entry was proposed again at a higher ballot"
    case .filled: "a gap was filled"
    case .chosenOutOfOrder: "a slot was chosen before the one below it"
    case .learnedWithout: "an entry was learned without having been accepted"
    case .caughtUp: "chosen entries were sent to one who lacked them"
    case .snapshotInstalled: "a snapshot was installed"
    case .forwarded: "a proposal was handed to the leader"
    case .forwardReturned: "one who did not lead was handed a proposal"
    case .repeated: "an entry stands in two slots"
    case .appliedOnce: "a command was sent again, and told what came of it before"
    case .readByLeader: "a leader answered a read"
    case .readByFollower: "a follower answered a read"
    case .readUnderLease: "a leader answered a read under its lease"
    case .readStale: "a read of the state at hand"
    case .leaseHeld: "a lease was taken or refreshed"
    case .leaseTaken: "a lease was another's"
    case .leaseEnded: "a lease ended by time"
    case .barrier: "a barrier passed"
    case .transferred: "a leader gave way to another"
    case .membersChanged: "the members changed"
    case .membersRefused: "a change of the members was refused"
    case .voterAdded: "a voter came"
    case .learnerAdded: "a learner came"
    case .observerAdded: "a member came that never votes"
    case .storePinned: "the store of a member was named"
    case .learnerReplaced: "a learner took the place of a voter"
    case .promoted: "a learner became a voter"
    case .voterRemoved: "a voter left"
    case .votersDisjoint: "none of the voters stayed"
    case .changesAtOnce: "two changes of the members were under way at once"
    case .crashedChanging: "a leader crashed while the members changed"
    case .askedForPlace: "a node on a blank store asked for the place of a lost voter"
    case .voterReplaced: "a voter that lost its store was replaced"
    case .otherStoreNamed: "an identity was given to another store than the one that came"
    case .snapshotForNewcomer: "a newcomer installed a snapshot"
    case .notLeader: "not applied, by one who does not lead"
    case .noLease: "a read was refused for want of a lease"
    case .overloaded: "refused, overloaded"
    case .unknown: "an outcome is unknown"
    case .givenUp: "given up before anything came of it"
    case .restartInFlight: "a restart with proposals open"
    case .unsyncedSurvived: "a restart found more than was durable"
    case .statesCompared: "nodes compared their states"
    case .toldToGo: "one who is a member no more may go"
    }
  }
}

/// How often each was reached.
struct LogMarks: Sendable {
  private var counts = [UInt64](repeating: 0, count: LogMark.allCases.count)

  init() {}

  mutating func reach(_ mark: LogMark, _ count: UInt64 = 1) { counts[mark.rawValue] += count }

  var all: [(name: String, count: UInt64)] {
    LogMark.allCases.map { ($0.name, counts[$0.rawValue]) }
  }
}
