internal import Synod

/// Requests for pages that wait for a later turn. To make a page takes the loop's time, in proportion
/// to the registers that are looked at; many nodes may ask at once, and what they ask must not hold up
/// everything else.
struct PageQueue: Hashable, Sendable {
  struct Waiting: Hashable {
    let request: Message
    let sender: VoterID
  }

  private(set) var waiting: [Waiting] = []
  /// Registers that were looked at for pages, and when.
  private var looks = 0
  private var turn = Ticks(0)

  /// Once so many registers were looked at in a tick, no further page is begun in it.
  static let looksAtOnce = KeyPage.maxEntries
  /// Requests that wait, of all and of one node; who is told nothing asks again.
  static let limit = 64
  static let limitOfOne = 8

  var isEmpty: Bool { waiting.isEmpty }

  /// Whether a page may be made in this turn, by whoever is first.
  func hasTime(at now: Ticks) -> Bool { turn != now || looks < Self.looksAtOnce }

  /// A page was made, and looked at so many registers.
  mutating func spend(_ looks: Int, at now: Ticks) {
    if turn != now { (turn, self.looks) = (now, 0) }
    self.looks += looks
  }

  /// Has a request wait, unless it waits already or there is no room.
  mutating func add(_ request: Message, from sender: VoterID) {
    let own = waiting.filter { $0.sender == sender }
    guard waiting.count < Self.limit, own.count < Self.limitOfOne,
      !own.contains(where: { $0.request == request })
    else { return }
    waiting.append(Waiting(request: request, sender: sender))
  }

  /// The next that may be answered now.
  mutating func next(at now: Ticks) -> Waiting? {
    waiting.isEmpty || !hasTime(at: now) ? nil : waiting.removeFirst()
  }

  /// Turns are all alike.
  mutating func forgetTime() { (turn, looks) = (Ticks(0), 0) }
}
