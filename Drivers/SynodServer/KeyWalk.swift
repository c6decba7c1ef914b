import CASPaxos
import KeyValue
import RESP
import Synod

/// A command that goes through the keys: it asks for one piece of their list after the other, and, to
/// empty the store, deletes what each piece names.
struct KeyWalk {
  /// What the command wants of the keys.
  enum Purpose {
    /// `SCAN`: one piece, and where the next one begins.
    case scan(after: UInt64?, count: Int, isOfAnyType: Bool)
    /// `KEYS`: all of them.
    case keys
    /// `DBSIZE`: how many.
    case count
    /// `RANDOMKEY`: the first one behind a hash.
    case random(from: UInt64)
    /// `FLUSHALL`: none left.
    case flush
  }

  /// What is to be done next.
  enum Step {
    case list(after: UInt64?, limit: Int)
    case delete([Bytes])
    /// What is under way.
    case wait
    /// `match`, in another turn: others have their turn between.
    case match
    case answer(Answer)
  }

  let purpose: Purpose
  private let pattern: Glob?
  /// What the keys begin with that may be told of; any where nil.
  private let prefixes: [Bytes]?
  private let version: RESPVersion
  private var found: [Bytes] = []
  private var foundBytes = 0
  /// Keys of a piece that the pattern was not held against yet; the first of them comes last.
  private var unmatched: [Bytes] = []
  private var count: Int64 = 0
  /// Where the list goes on; nil where it ends.
  private var after: UInt64?
  private var hasWrapped = false
  private var deletes = 0
  private var hasDeleted = false
  private var failure: Answer.Failure?

  /// Keys that one reply may hold, and their bytes.
  static let maxKeys = 100_000
  static let maxBytes = 8 << 20

  init(
    _ purpose: Purpose, pattern: Glob? = nil, within prefixes: [Bytes]? = nil,
    _ version: RESPVersion
  ) {
    self.purpose = purpose
    self.pattern = pattern
    self.prefixes = prefixes
    self.version = version
  }

  var claim: Claim {
    if case .flush = purpose { .writes } else { .readOnly }
  }

  /// What it holds, in bytes.
  var cost: Int { foundBytes + 64 * (found.count + unmatched.count) }

  var first: Step {
    switch purpose {
    case .scan(let after, let count, _): .list(after: after, limit: count)
    case .random(let hash): .list(after: hash, limit: 16)
    case .keys, .count, .flush: next(nil)
    }
  }

  private func next(_ after: UInt64?) -> Step {
    switch purpose {
    case .scan(_, let count, _): .list(after: after, limit: count)
    case .keys, .count: .list(after: after, limit: 4096)
    case .random: .list(after: after, limit: 16)
    case .flush: .list(after: after, limit: 512)
    }
  }

  // MARK: - In

  /// A proposal of it has ended.
  mutating func take(_ outcome: Outcome<KeyValueChange>) -> Step {
    switch outcome {
    case .listed(let list): return take(KeyValuePage(keys: list.keys, through: list.through))
    case .applied, .read, .membership:
      hasDeleted = true
      return deleted()
    case .notApplied, .unknown:
      let answer = Answer(outcome, claim)
      guard case .failure(let why) = answer else { return .answer(answer) }
      return fail(why, ofDelete: deletes > 0)
    }
  }

  /// A proposal of it failed, or was not made.
  mutating func fail(_ why: Answer.Failure, ofDelete: Bool) -> Step {
    if failure == nil || why.kind == .unknown { failure = why }
    return ofDelete ? deleted() : ending
  }

  /// A piece of the list was found.
  mutating func take(_ list: KeyValuePage) -> Step {
    after = list.through == .max ? nil : list.through
    switch purpose {
    case .scan(_, _, let isOfAnyType):
      if isOfAnyType { unmatched = list.keys.reversed() }
      return match()
    case .keys:
      unmatched = list.keys.reversed()
      return match()
    case .count:
      count += Int64(list.keys.count)
      return after == nil ? .answer(.reply(.integer(count))) : next(after)
    case .random(let hash): return random(list, from: hash)
    case .flush:
      deletes = list.keys.count
      return deletes > 0 ? .delete(list.keys) : goOn
    }
  }

  /// Steps of matching in one turn, about.
  static let stepsAtOnce = 1 << 18

  /// Keeps those of a piece that match, as far as one turn goes.
  mutating func match() -> Step {
    var steps = 0
    while let key = unmatched.last {
      if steps >= Self.stepsAtOnce { return .match }
      unmatched.removeLast()
      steps += 1
      if let prefixes {
        steps += prefixes.count
        let isWithin = key.withUnsafeBytes { key in prefixes.contains { $0.isPrefix(of: key) } }
        if !isWithin { continue }
      }
      if let pattern, !key.withUnsafeBytes({ pattern.matches($0, steps: &steps) }) { continue }
      found.append(key.compacted())
      foundBytes += key.count
    }
    guard case .keys = purpose else { return .answer(.written(scanned)) }
    if found.count > Self.maxKeys || foundBytes > Self.maxBytes {
      return .answer(
        .failure(
          .refused(
            "ERR KEYS found more than \(Self.maxKeys) keys, or \(Self.maxBytes) bytes of them; "
              + "use SCAN")))
    }
    return after == nil ? .answer(.written(written { $0.keys(found) })) : next(after)
  }

  /// From the hash to the end, then once from the beginning.
  private mutating func random(_ list: KeyValuePage, from hash: UInt64) -> Step {
    if let key = list.keys.first { return .answer(.reply(.value(key))) }
    if hasWrapped, after.map({ $0 >= hash }) ?? true { return .answer(.reply(.null)) }
    if after == nil { hasWrapped = true }
    return next(after)
  }

  private mutating func deleted() -> Step {
    deletes -= 1
    if deletes > 0 { return .wait }
    return failure == nil ? goOn : ending
  }

  private var goOn: Step { after == nil ? .answer(.reply(.ok)) : next(after) }

  /// "Not applied" only where nothing was.
  private var ending: Step {
    guard let failure else { return .answer(.reply(.ok)) }
    guard hasDeleted, failure.kind != .unknown else { return .answer(.failure(failure)) }
    return .answer(.failure(.unknown("some keys were deleted, others were not (\(failure.text))")))
  }

  // MARK: - Out

  private var scanned: Bytes {
    // No hash is the highest number there is.
    let cursor = after.map { $0 + 1 } ?? 0
    return written { writer in
      writer.array(2)
      writer.bulk("\(cursor)")
      writer.keys(found)
    }
  }

  private func written(_ body: (inout ReplyWriter) -> Void) -> Bytes {
    var writer = ReplyWriter(version: version, capacity: 256 + foundBytes + 16 * found.count)
    body(&writer)
    let (owner, bytes) = writer.written
    guard let start = bytes.baseAddress else { return Bytes() }
    return Bytes(owner: owner, start: start, count: bytes.count)
  }
}

extension ReplyWriter {
  fileprivate mutating func keys(_ keys: [Bytes]) {
    array(keys.count)
    for key in keys { key.withUnsafeBytes { bulk($0) } }
  }
}
