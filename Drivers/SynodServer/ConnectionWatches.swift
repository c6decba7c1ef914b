import CASPaxos
import KeyValue
import RESP
import Synod

/// What one connection watches, and what it was not told of yet.
struct ConnectionWatches {
  /// What a watch is of.
  struct Subject: Hashable {
    var key: Bytes
    var isPrefix: Bool
  }

  /// Where there are more, another is refused.
  static let limit = 256

  private struct Open {
    var subject: Subject
    /// Nothing is told before the reply in front of this place left: it says that the watch began.
    var from: UInt64
  }

  private enum News {
    case state(Observation, of: UInt32)
    /// Another cause than the client ended it. As with states, not in front of the reply that says that
    /// it began.
    case end(Subject, why: String, from: UInt64)
  }

  private var open: [UInt32: Open] = [:]
  private var last: UInt32 = 0
  private var news: [News] = []
  private var finished: [EffectID] = []
  /// Pushes have this form until the reply in front of this place left, with which the client learns
  /// that it is another.
  private var earlierForm: (version: RESPVersion, until: UInt64)?

  var isEmpty: Bool { open.isEmpty }
  var isFull: Bool { open.count >= Self.limit }
  var isQuiet: Bool { news.isEmpty }
  var numbers: [UInt32] { open.keys.sorted() }

  func number(of subject: Subject) -> UInt32? { open.first { $0.value.subject == subject }?.key }

  /// The number of a new watch.
  mutating func next() -> UInt32 {
    last &+= 1
    return last
  }

  mutating func begin(_ number: UInt32, _ subject: Subject, from place: UInt64) {
    open[number] = Open(subject: subject, from: place)
  }

  /// Forgets a watch and what it has not told. Whoever calls this has it end.
  mutating func remove(_ number: UInt32) {
    guard open.removeValue(forKey: number) != nil else { return }
    news.removeAll { one in
      if case .state(_, number) = one { true } else { false }
    }
  }

  /// A watch has seen a state.
  mutating func observe(_ observation: Observation, by number: UInt32) {
    guard open[number] != nil else { return finished.append(observation.id) }
    news.append(.state(observation, of: number))
  }

  /// A watch ended without being asked to.
  mutating func end(_ number: UInt32, _ outcome: Outcome<KeyValueChange>) {
    if case .failure(let why) = Answer(outcome, .readOnly) {
      end(number, because: why.text)
    } else {
      remove(number)
    }
  }

  /// A watch ended without being asked to.
  mutating func end(_ number: UInt32, because why: String) {
    guard let ended = open[number] else { return }
    remove(number)
    news.append(.end(ended.subject, why: why, from: ended.from))
  }

  /// The effects whose observations were written, or dropped, since the last call.
  mutating func takeFinished() -> [EffectID] {
    defer { finished.removeAll(keepingCapacity: true) }
    return finished
  }

  /// Writes what may be told until the writer holds `limit` bytes.
  /// - Parameter place: of the oldest reply that has not left.
  mutating func render(into writer: inout ReplyWriter, limit: Int, at place: UInt64) {
    let current = writer.version
    defer { writer.version = current }
    writer.version = form(at: place, current)
    var written = 0
    for one in news {
      guard writer.count < limit else { break }
      switch one {
      case .state(let observation, let number):
        guard let watch = open[number], place >= watch.from else { return drop(written) }
        writer.push(observation)
        finished.append(observation.id)
      case .end(let subject, let why, let from):
        guard place >= from else { return drop(written) }
        writer.pushEnd(of: subject, why)
      }
      written += 1
    }
    drop(written)
  }

  /// The replies behind `place` have another form than those in front of it.
  /// - Parameter first: the oldest place whose reply has not left.
  mutating func changeForm(from version: RESPVersion, behind place: UInt64, first: UInt64) {
    if earlierForm.map({ first >= $0.until }) ?? true { earlierForm = (version, place) }
  }

  private mutating func form(at place: UInt64, _ newest: RESPVersion) -> RESPVersion {
    if let earlier = earlierForm, place < earlier.until { return earlier.version }
    earlierForm = nil
    return newest
  }

  private mutating func drop(_ written: Int) { news.removeFirst(written) }
}

extension ReplyWriter {
  /// `synod.watch`, the key, the version, the value or null, and whether states may have been skipped.
  fileprivate mutating func push(_ observation: Observation) {
    push(5)
    bulk("synod.watch")
    observation.key.withUnsafeBytes { bulk($0) }
    bulk("\(observation.register.version)")
    if let value = observation.register.value {
      value.withUnsafeBytes { bulk($0) }
    } else {
      null()
    }
    boolean(observation.skipped)
  }

  /// `synod.unwatch`, the key or the prefix, and why.
  fileprivate mutating func pushEnd(of subject: ConnectionWatches.Subject, _ why: String) {
    push(3)
    bulk("synod.unwatch")
    subject.key.withUnsafeBytes { bulk($0) }
    bulk(why)
  }
}
