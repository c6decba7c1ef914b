/// Frames that wait to be written, bounded in bytes.
///
/// Where there is no room the oldest go first, always whole: a machine tolerates loss, and what it
/// says last is worth most.
public struct SendQueue: Sendable {
  /// Bytes that may wait, headers included.
  public let limit: Int
  /// Bytes that wait, headers included.
  public private(set) var bytes = 0
  /// Frames that were dropped.
  public private(set) var dropped: UInt64 = 0
  /// A taken place is nil; `head` is the first that is not.
  private var frames: [Frame?] = []
  private var head = 0

  /// - Parameter limit: in bytes.
  public init(limit: Int) { self.limit = limit }

  /// Whether nothing waits.
  public var isEmpty: Bool { head == frames.count }
  /// Frames that wait.
  public var count: Int { frames.count - head }

  /// Queues a frame. One that is over the limit alone is dropped itself; nil counts as one that is.
  public mutating func append(_ frame: Frame?) {
    guard let frame, frame.count <= limit else {
      dropped &+= 1
      return
    }
    while limit - bytes < frame.count, popFirst() != nil { dropped &+= 1 }
    frames.append(frame)
    bytes += frame.count
  }

  /// Moves the oldest frames to the end of `batch`, as many as fit into `budget` bytes; one at
  /// least, where any waits.
  public mutating func take(upTo budget: Int, into batch: inout [Frame]) {
    var left = budget
    while head < frames.count, let next = frames[head], next.count <= left || left == budget {
      left = max(0, left - next.count)
      if let frame = popFirst() { batch.append(frame) }
      if left == 0 { return }
    }
  }

  /// Drops everything and counts it.
  public mutating func dropAll() {
    dropped &+= UInt64(count)
    frames.removeAll()
    head = 0
    bytes = 0
  }

  private mutating func popFirst() -> Frame? {
    guard head < frames.count, let frame = frames[head] else { return nil }
    frames[head] = nil
    head += 1
    bytes -= frame.count
    if head == frames.count {
      frames.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 64, head > frames.count / 2 {
      frames.removeFirst(head)
      head = 0
    }
    return frame
  }
}
