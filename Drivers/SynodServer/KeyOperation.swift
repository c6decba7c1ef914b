import KeyValue
import Synod

/// What a command asks of one key, or of all.
enum KeyOperation {
  case change(KeyValueChange)
  /// Gives the value, and fences: nothing that was given up earlier surfaces after it.
  case settle
  /// A client will retry no change of the key up to this number.
  case forget(Identity128, through: UInt64)
  /// Lists keys behind those up to and including a hash; from the first where nil.
  case list(after: UInt64?, limit: Int)

  /// Whether it never writes.
  var isReadOnly: Bool {
    switch self {
    case .change(let change): change.isReadOnly
    case .list: true
    case .settle, .forget: false
    }
  }
}
