public import CASPaxos
public import Synod

/// Appends of unique numbers to lists, plain and on conditions; counts, reads of both kinds, and now
/// and then a deletion.
public struct AppendWorkload: RegisterWorkload {
  /// Lists of numbers.
  public typealias C = AppendChange

  /// Of a hundred operations, how many write whatever they find; of those that are left, how many
  /// write on a condition.
  let writes: UInt64
  let conditional: UInt64
  /// Of a hundred writes, how many delete.
  let deletes: UInt64
  /// What a client was last told that the register's list ends with.
  private var lasts: [UInt64] = []

  /// Draws how much is written.
  public init(random: inout SplitMix) {
    writes = [20, 50, 80][Int(random.next() % 3)]
    conditional = [10, 50][Int(random.next() % 2)]
    deletes = [0, 2, 10, 40][Int(random.next() % 4)]
  }

  /// The next operation.
  public mutating func operation(
    number: UInt64, on key: Int, random: inout SplitMix
  ) -> CASPaxos.Operation<AppendChange> {
    func draw(_ count: UInt64) -> UInt64 { random.next() % count }
    // A list that only grows would make every message longer than the one before.
    if draw(100) < writes {
      return .change(draw(100) < deletes || draw(400) == 0 ? .delete : .append(number))
    }
    if draw(100) < conditional {
      let last = key < lasts.count ? lasts[key] : 0
      return .change(
        draw(2) == 0 ? .appendIfOdd(number) : .appendAfter(last: last, number))
    }
    switch draw(6) {
    case 0: return .change(.count)
    case 1: return .change(.countReadOnly)
    case 2: return .barrierRead
    default: return .read
    }
  }

  /// Keeps the end of the list for the next condition.
  public mutating func saw(_ register: Register, on key: Int) {
    while lasts.count <= key { lasts.append(0) }
    lasts[key] = AppendList.last(register)
  }
}
