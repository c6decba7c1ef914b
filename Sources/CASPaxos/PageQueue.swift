internal import Synod

/// Requests for pages that wait for a later turn. To make a page takes the loop's time, in proportion
/// to the registers that are looked at and listed; many nodes may ask at once, and what they ask must
/// not hold up everything else.
struct PageQueue: Hashable, Sendable {
  struct Waiting: Hashable {
    let request: Message
    let sender: VoterID
  }

  private(set) var waiting: [Waiting] = []
  /// What pages have cost in this turn, and when that is.
  private var spent = 0
  private var turn = Ticks(0)

  /// Once pages have cost so much in a tick, no further one is begun in it.
  static let costAtOnce = 2 * KeyPage.maxEntries
  /// Requests that wait, of all nodes and of one: as many as one has listings, and a few more. Who is
  /// told nothing asks again.
  static let limit = 1024
  static let limitOfOne = 72

  var isEmpty: Bool { waiting.isEmpty }

  /// Whether a page may be made in this turn, by whoever is first.
  func hasTime(at now: Ticks) -> Bool { turn != now || spent < Self.costAtOnce }

  /// A page was made.
  /// - Parameters:
  ///   - entries: how many it has; to sort, to write and to merge one takes a few times as long as to
  ///     look at a register.
  ///   - looks: how many registers were looked at for it.
  mutating func spend(entries: Int, looks: Int, at now: Ticks) {
    if turn != now { (turn, spent) = (now, 0) }
    spent += looks + 4 * entries
  }

  /// Has a request wait, unless it waits already or there is no room.
  mutating func add(_ request: Message, from sender: VoterID) {
    guard waiting.count < Self.limit,
      waiting.count(where: { $0.sender == sender }) < Self.limitOfOne,
      !waiting.contains(where: { $0.sender == sender && $0.request == request })
    else { return }
    waiting.append(Waiting(request: request, sender: sender))
  }

  /// The next that may be answered now.
  mutating func next(at now: Ticks) -> Waiting? {
    waiting.isEmpty || !hasTime(at: now) ? nil : waiting.removeFirst()
  }

  /// Turns are all alike.
  mutating func forgetTime() { (turn, spent) = (Ticks(0), 0) }
}
