internal import Synod

/// What a coordinator has under way for an instance. Lost in a crash: another attempt then begins, at a
/// higher ballot (rule 45).
struct Attempt: Hashable, Sendable {
  enum Stage: Hashable, Sendable {
    /// The owner asks what its command comes behind (rule 10).
    case preAccepting(PreAccepting)
    /// A recoverer asks what others hold (rule 16).
    case collecting
    /// It asks whether what its owner proposed can still be decided (rule 18).
    case validating(Validation)
    /// That hangs on instances that are not decided (rule 21).
    case waiting(Validation)
    /// A value is to be accepted.
    case accepting(Value, VoteSet)
  }

  struct PreAccepting: Hashable, Sendable {
    /// Who answered.
    var votes = VoteSet()
    /// Of those, who changed nothing.
    var unchanged = VoteSet()
    /// Behind what, by all answers.
    var dep: Dependencies
    /// How many were asked, this node among them.
    var asked: Int
    /// When it is given up to be decided in one round trip; nil while there are too few answers.
    var giveUpAt: Ticks?
  }

  struct Validation: Hashable, Sendable {
    /// What is to be validated.
    var value: Value
    /// How many of the quorum hold it unchanged.
    var unchanged: Int
    /// Who answered.
    var votes = VoteSet()
    /// What speaks against it, ascending.
    var objections: [Objection] = []

    mutating func object(_ objection: Objection) {
      let place = objections.firstIndex { $0.id >= objection.id } ?? objections.count
      if place < objections.count, objections[place].id == objection.id {
        objections[place].isCommitted = objections[place].isCommitted || objection.isCommitted
      } else {
        objections.insert(objection, at: place)
      }
    }
  }

  /// Zero for the owner's.
  let ballot: Ballot
  var stage: Stage
  /// Answers to a recovery, by the places of the voters.
  var answers: [Int: Holding] = [:]
  /// The first that were enough (`Q`).
  var quorum = VoteSet()
  /// When it sends again what was not answered.
  var resendAt: Ticks
  /// When a recovery that came to nothing begins anew.
  var endsAt: Ticks?
  /// When its timer comes up; nil for none.
  var timer: Ticks?

  init(_ ballot: Ballot, _ stage: Stage, resendAt: Ticks, endsAt: Ticks? = nil) {
    self.ballot = ballot
    self.stage = stage
    self.resendAt = resendAt
    self.endsAt = endsAt
  }

  /// When it wants to be looked at.
  var dueAt: Ticks {
    var due = resendAt
    if let endsAt { due = min(due, endsAt) }
    if case .preAccepting(let asking) = stage, let giveUpAt = asking.giveUpAt {
      due = min(due, giveUpAt)
    }
    return due
  }
}

/// Wake-ups, the earliest first. What was put off since is found when it comes up, and so is what another
/// took the place of.
struct TimerHeap: Hashable, Sendable {
  struct Timer: Hashable, Sendable {
    var at: Ticks
    var id: InstanceID
  }

  private var heap: [Timer] = []

  var first: Timer? { heap.first }
  var count: Int { heap.count }

  mutating func insert(_ timer: Timer) {
    heap.append(timer)
    var place = heap.count - 1
    while place > 0 {
      let parent = (place - 1) / 2
      guard Self.isBefore(heap[place], heap[parent]) else { return }
      heap.swapAt(place, parent)
      place = parent
    }
  }

  mutating func removeFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var place = 0
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2]
      where child < heap.count && Self.isBefore(heap[child], heap[least]) { least = child }
      guard least != place else { return }
      heap.swapAt(place, least)
      place = least
    }
  }

  mutating func removeAll() { heap.removeAll() }

  private static func isBefore(_ a: Timer, _ b: Timer) -> Bool {
    a.at != b.at ? a.at < b.at : a.id < b.id
  }
}
