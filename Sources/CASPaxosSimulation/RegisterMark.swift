/// Something that should happen in some runs.
@usableFromInline
enum RegisterMark: Int, CaseIterable, Sendable {
  case fastPath
  case promiseStolen
  case conflict
  case fastForward
  case longDuel
  case resolvedByLineage
  case rejected
  case folded
  case foldFull
  case foldTooLarge
  case fastRead
  case readFallback
  case barrierRead
  case unknownByDeadline
  case notAppliedByDeadline
  case cancelledBeforeAccept
  case cancelledAfterAccept
  case restartInRound
  case unsyncedSurvived
  case overloaded
  case valueTooLarge
  case blindChange
  case deletion
  case listedToTheEnd
  case listedInPart
  case erased
  case erasedTogether
  case begunAnew
  case unknownForgotten
  case votersBegan
  case votersChanged
  case rolledBack
  case changeRefused
  case noMember
  case transferred
  case olderEpoch
  case onceAsked
  case onceRecalled
  case onceForgotten
  case sessionEnded
  case sessionCrowdedOut
  case fenced
  case watchTold
  case watchSkipped
  case watchResumed
  case watchOfMany
  case askedBehind
  case crashedPromoting
  case crashedBetweenPieces
  case crashedListing
  case crashedSettling
  case crashedConcluding

  var name: String {
    switch self {
    case .fastPath: "a write without a prepare"
    case .promiseStolen: "a promise asked for ahead was stolen"
    case .conflict: "a conflict"
    case .fastForward: "a counter moved on to another's"
    case .longDuel: "a duel of more than six prepares"
    case .resolvedByLineage: "a lost accept was found in another state"
    case .rejected: "a change was rejected"
    case .folded: "several changes in one round"
    case .foldFull: "a round took as many changes as it may"
    case .foldTooLarge: "a round took as many bytes as it may"
    case .fastRead: "a read in one round trip"
    case .readFallback: "a read that had to write back"
    case .barrierRead: "a barrier read"
    case .unknownByDeadline: "unknown, out of time"
    case .notAppliedByDeadline: "not applied, out of time"
    case .cancelledBeforeAccept: "cancelled before an accept"
    case .cancelledAfterAccept: "cancelled after an accept"
    case .restartInRound: "a restart in the middle of a round"
    case .unsyncedSurvived: "a restart found more than was durable"
    case .overloaded: "refused, overloaded"
    case .valueTooLarge: "refused, too large"
    case .blindChange: "a change that turned out to keep"
    case .deletion: "a register was deleted"
    case .listedToTheEnd: "a list of registers to the end"
    case .listedInPart: "a list of some of the registers"
    case .erased: "a deleted register was collected"
    case .erasedTogether: "a deleted register was collected while the voters changed"
    case .begunAnew: "a collected register was written anew"
    case .unknownForgotten: "unknown, collected meanwhile"
    case .votersBegan: "a change of the voters began"
    case .votersChanged: "a change of the voters came to its end"
    case .rolledBack: "a change of the voters was rolled back"
    case .changeRefused: "a change of the members was refused"
    case .noMember: "a node that is no member was asked"
    case .transferred: "a register was accepted anew for a change of the voters"
    case .olderEpoch: "a node was behind with the members"
    case .onceAsked: "a change was to be made once"
    case .onceRecalled: "a retry was told what an earlier attempt had come to"
    case .onceForgotten: "unknown, the register forgot its client"
    case .sessionEnded: "a client had itself forgotten"
    case .sessionCrowdedOut: "a client's session made room for another's"
    case .fenced: "a lost write was fenced off"
    case .watchTold: "a watch told of a state"
    case .watchSkipped: "a watch passed over states"
    case .watchResumed: "a watch went on from a version"
    case .watchOfMany: "a watch of many registers told of one"
    case .askedBehind: "a node asked in an epoch that had long ended"
    case .crashedPromoting: "a driver crashed while it made somebody a voter"
    case .crashedBetweenPieces: "a driver crashed between two pieces of a transfer"
    case .crashedListing: "a driver crashed while it listed the registers"
    case .crashedSettling: "a driver crashed while it had registers accepted anew"
    case .crashedConcluding: "a driver crashed while it concluded a change"
    }
  }
}

/// How often each was reached.
@usableFromInline
struct MarkCounts: Sendable {
  private var counts = [UInt64](repeating: 0, count: RegisterMark.allCases.count)

  init() {}

  mutating func reach(_ mark: RegisterMark) { counts[mark.rawValue] += 1 }

  var all: [(name: String, count: UInt64)] {
    RegisterMark.allCases.map { ($0.name, counts[$0.rawValue]) }
  }
}
