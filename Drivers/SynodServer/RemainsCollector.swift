import KeyValue
import Synod

/// Has what is kept of changes of keys that are missing let go of, some time after (`KeyValueStep.letGo`):
/// an attempt may come late. It looks at one part of a state at a time, again and again.
struct RemainsCollector {
  private var part = 0
  /// How often what lies in each part was seen.
  private var seen = [[UInt64: Int]](repeating: [:], count: KeyValueState.partsOfRemains)

  /// Bytes of one command, about: it touches every key that it names.
  static let mostBytes = 16 * 1024

  /// Looks at the next part.
  /// - Parameter looks: how often anything must have been seen there before.
  /// - Returns: what is to be let go of, by commands.
  mutating func next(in state: KeyValueState, after looks: Int) -> [KeyValueStep] {
    var counts: [UInt64: Int] = [:]
    var steps: [KeyValueStep] = []
    var due: [KeyValueRemains] = []
    var bytes = 0
    for one in state.remains(in: part) {
      let count = seen[part][one.fingerprint] ?? 0
      counts[one.fingerprint] = count + 1
      guard count >= looks else { continue }
      due.append(one)
      bytes += one.key.count + 12
      if bytes >= Self.mostBytes {
        steps.append(.letGo(due))
        (due, bytes) = ([], 0)
      }
    }
    if !due.isEmpty { steps.append(.letGo(due)) }
    seen[part] = counts
    part = (part + 1) % KeyValueState.partsOfRemains
    return steps
  }
}
