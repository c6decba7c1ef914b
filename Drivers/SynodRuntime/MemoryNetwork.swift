public import Synod
internal import Synchronization
internal import UV

/// Links the `MemoryTransport`s of one process, on whatever loops and threads they live; can lose
/// payloads and cut links. From any thread.
public final class MemoryNetwork: Sendable {
  private struct State: Sendable {
    var inboxes: [VoterID: MemoryInbox] = [:]
    var cut: Set<Link> = []
    var lostPermille: UInt64 = 0
    var random = SplitMix(seed: 0)
  }

  private struct Link: Hashable {
    var from: VoterID
    var to: VoterID
  }

  private let state = Mutex(State())

  /// A network without a fault.
  public init() {}

  /// Loses about so many of a thousand payloads, drawn from `seed`.
  public func lose(permille: Int, seed: UInt64) {
    state.withLock { state in
      state.lostPermille = UInt64(max(0, permille))
      state.random = SplitMix(seed: seed)
    }
  }

  /// Cuts the link between two voters, in both directions.
  public func cut(_ a: VoterID, _ b: VoterID) {
    state.withLock { $0.cut.formUnion([Link(from: a, to: b), Link(from: b, to: a)]) }
  }

  /// Mends every link and loses nothing any more.
  public func heal() {
    state.withLock { state in
      state.cut = []
      state.lostPermille = 0
    }
  }

  // MARK: - For the transports

  /// Takes the place of whoever was this voter before.
  func join(_ voter: VoterID, _ inbox: MemoryInbox) {
    state.withLock { $0.inboxes[voter] = inbox }
  }

  func leave(_ voter: VoterID, _ inbox: MemoryInbox) {
    state.withLock { state in
      if state.inboxes[voter] === inbox { state.inboxes[voter] = nil }
    }
  }

  func isReachable(_ voter: VoterID, from sender: VoterID) -> Bool {
    state.withLock { state in
      state.inboxes[voter] != nil && !state.cut.contains(Link(from: sender, to: voter))
    }
  }

  /// - Returns: false where nobody is there, or the payload was lost on the way.
  func deliver(_ letter: MemoryInbox.Letter, to voter: VoterID) -> Bool {
    let inbox: MemoryInbox? = state.withLock { state in
      guard !state.cut.contains(Link(from: letter.sender, to: voter)) else { return nil }
      if state.lostPermille > 0, state.random.next() % 1_000 < state.lostPermille { return nil }
      return state.inboxes[voter]
    }
    return inbox?.put(letter) ?? false
  }
}

/// Which membership a transport follows.
struct MemoryMembership: Comparable, Sendable {
  var epoch = Epoch(0)
  var revision: UInt64 = 0

  static func < (a: Self, b: Self) -> Bool { (a.epoch, a.revision) < (b.epoch, b.revision) }
}

/// What was sent to one voter and not taken by its loop yet.
final class MemoryInbox: Sendable {
  struct Letter: Sendable {
    var payload: Bytes
    var sender: VoterID
    /// What the sender follows, as a hello says it.
    var membership: MemoryMembership
  }

  private struct State: Sendable {
    var letters: [Letter] = []
    var bytes = 0
    var wakeup: Wakeup?
  }

  private let state = Mutex(State())
  /// Bytes that may wait; what comes beyond is lost.
  private static let limit = 64 << 20

  func open(_ wakeup: Wakeup) { state.withLock { $0.wakeup = wakeup } }

  func close() {
    state.withLock { state in
      state.wakeup = nil
      state.letters = []
      state.bytes = 0
    }
  }

  func put(_ letter: Letter) -> Bool {
    let (taken, wakeup): (Bool, Wakeup?) = state.withLock { state in
      guard state.wakeup != nil, state.bytes + letter.payload.count <= Self.limit else {
        return (false, nil)
      }
      state.letters.append(letter)
      state.bytes += letter.payload.count
      return (true, state.letters.count == 1 ? state.wakeup : nil)
    }
    wakeup?.signal()
    return taken
  }

  func takeAll() -> [Letter] {
    state.withLock { state in
      defer {
        state.letters = []
        state.bytes = 0
      }
      return state.letters
    }
  }
}
