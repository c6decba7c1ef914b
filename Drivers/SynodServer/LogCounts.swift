import MultiPaxos
import Synod

/// What the records of a log's store are.
struct LogCounts: CustomStringConvertible {
  private var accepted = 0
  private var learned = 0
  private var promises = 0
  private var reservations = 0
  private var pieces = 0
  private var newest = Slot.none

  mutating func add(_ payload: Bytes) throws(CodingError) {
    var reader = ByteReader(payload)
    while !reader.isAtEnd {
      switch try Record(from: &reader) {
      case .accept(_, let first, let entries):
        accepted += entries.count
        note(first, entries.count)
      case .learned(let first, let entries):
        learned += entries.count
        note(first, entries.count)
      case .promise: promises += 1
      case .reserve: reservations += 1
      case .statePiece: pieces += 1
      case .begun, .chosen, .stateBegins, .installed, .grants, .gaveUp: break
      }
    }
  }

  private mutating func note(_ first: Slot, _ count: Int) {
    if count > 0 { newest = max(newest, first.advanced(by: UInt64(count - 1))) }
  }

  var description: String {
    "\(accepted) entries accepted, \(learned) learned, up to slot \(newest.rawValue); "
      + "\(promises) promises, \(reservations) reservations, \(pieces) pieces of the state"
  }
}
