import Synod
import UV

/// Finds out who logs in. Hashing is slow on purpose, so it happens on another thread, one password
/// at a time; after a wrong one the next waits four times as long as it took, so that whoever guesses
/// costs a fifth of one processor, and never more than one of the threads that also write the log.
///
/// What was right once is known from then on, and everyone who gives the same answer waits for one look at
/// it: a thousand connections of one program cost one hash. What is kept of a password is a keyed digest,
/// in memory only.
final class PasswordGate {
  private(set) var book: UserBook
  private let loop: Loop
  /// Of the digests.
  private let keys: (SipHash, SipHash)
  /// What was found out; of those that were right there are no more than passwords in the book.
  private var right: Set<Claim> = []
  private var wrong: Set<Claim> = []
  /// In the order in which they came.
  private var waiting: [Entry] = []
  private var isLooking = false
  private var isClosed = false
  private var pause: Timer?
  private var lastAddress = ""
  /// Counts the books.
  private var edition = 0

  private typealias Digest = Identity128

  private struct Claim: Hashable {
    var name: String
    var digest: Digest
  }

  private struct Entry {
    var claim: Claim
    var password: String
    var address: String
    var waiters: [(Answer) -> Void]
  }

  enum Answer {
    case granted(User)
    case wrong
    /// Too many others wait.
    case crowded
  }

  /// Different passwords that wait, and those from one address.
  static let mostWaiting = 256
  static let mostOfAddress = 16
  /// Wrong passwords that are known to be wrong.
  static let mostWrong = 1024

  init(_ book: UserBook, loop: Loop) {
    self.book = book
    self.loop = loop
    var random = SystemRandomNumberGenerator()
    keys = (
      SipHash(key: (random.next(), random.next())), SipHash(key: (random.next(), random.next()))
    )
  }

  /// Takes another book; who waits is held against this one.
  func use(_ book: UserBook) {
    self.book = book
    edition += 1
    right = []
    wrong = []
  }

  func close() {
    isClosed = true
    pause?.close()
    pause = nil
    waiting = []
  }

  /// - Parameters:
  ///   - address: of the client, without its port.
  ///   - then: called once, at once or later, on the loop; not at all after `close`.
  func look(
    _ name: String, _ password: String, from address: String, then: @escaping (Answer) -> Void
  ) {
    var password = password
    let digest = password.withUTF8 { bytes in
      let bytes = UnsafeRawBufferPointer(bytes)
      return Digest(high: keys.0.hash(bytes), low: keys.1.hash(bytes))
    }
    let claim = Claim(name: name, digest: digest)
    if let answer = knownAnswer(claim) { return then(answer) }
    if let place = waiting.firstIndex(where: { $0.claim == claim }) {
      waiting[place].waiters.append(then)
      return
    }
    guard waiting.count < Self.mostWaiting,
      waiting.count(where: { $0.address == address }) < Self.mostOfAddress
    else { return then(.crowded) }
    waiting.append(Entry(claim: claim, password: password, address: address, waiters: [then]))
    goOn()
  }

  private func knownAnswer(_ claim: Claim) -> Answer? {
    if right.contains(claim), let user = book[claim.name] { return .granted(user) }
    return wrong.contains(claim) ? .wrong : nil
  }

  private func goOn() {
    guard !isClosed, !isLooking, !(pause?.isActive ?? false), !waiting.isEmpty else { return }
    // Addresses take turns, as far as two of them can.
    let place = waiting.firstIndex { $0.address != lastAddress } ?? 0
    let entry = waiting[place]
    lastAddress = entry.address
    isLooking = true
    let (hashes, password, started) = (
      book[entry.claim.name]?.passwords ?? [], entry.password, loop.microseconds
    )
    let asked = edition
    loop.perform {
      if hashes.isEmpty { PasswordHash.waste(password) }
      return hashes.contains { PasswordHash.matches(password, $0) }
    } then: { [weak self] isRight in
      self?.looked(entry.claim, isRight, edition: asked, since: started)
    }
  }

  private func looked(_ claim: Claim, _ isRight: Bool, edition asked: Int, since started: UInt64) {
    isLooking = false
    // The loop may be at its end, and takes no timers then.
    guard !isClosed else { return }
    guard asked == edition else { return goOn() }
    if isRight {
      right.insert(claim)
    } else {
      if wrong.count >= Self.mostWrong { wrong = [] }
      wrong.insert(claim)
      rest(for: 4 * (loop.microseconds &- started) / 1000)
    }
    if let answer = knownAnswer(claim),
      let place = waiting.firstIndex(where: { $0.claim == claim })
    {
      for waiter in waiting.remove(at: place).waiters { waiter(answer) }
    }
    goOn()
  }

  /// - Parameter time: milliseconds.
  private func rest(for time: UInt64) {
    let pause = pause ?? Timer(loop) { [weak self] in self?.goOn() }
    self.pause = pause
    pause.start(after: min(max(time, 1), 5000))
  }
}
