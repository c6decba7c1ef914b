import EPaxos
import Synod

/// What the records of a leaderless store are.
struct InstanceCounts: CustomStringConvertible {
  private var preaccepted = 0
  private var accepted = 0
  private var committed = 0
  private var promises = 0
  private var reservations = 0
  private var pieces = 0

  mutating func add(_ payload: Bytes) throws(CodingError) {
    var reader = ByteReader(payload)
    while !reader.isAtEnd {
      switch try Record(from: &reader) {
      case .preaccepted, .validated: preaccepted += 1
      case .accepted: accepted += 1
      case .committed: committed += 1
      case .promised: promises += 1
      case .instance(_, let instance):
        switch instance.phase {
        case .initial: promises += 1
        case .preaccepted: preaccepted += 1
        case .accepted: accepted += 1
        case .committed: committed += 1
        }
      case .reserve: reservations += 1
      case .statePiece: pieces += 1
      case .begun, .entered, .truncated, .stateBegins, .installed: break
      }
    }
  }

  var description: String {
    "\(preaccepted) instances pre-accepted, \(accepted) accepted, \(committed) decided; "
      + "\(promises) promises, \(reservations) reservations, \(pieces) pieces of the state"
  }
}
