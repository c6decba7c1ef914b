public import Synod

/// What a client may ask to be changed about the members: all of it or nothing.
public struct MembershipChange: Hashable, Sendable {
  /// One step of a change.
  public enum Step: Hashable, Sendable {
    /// A new member. Its identity must be the membership's `nextVoter`, or above.
    case add(Member)
    /// A member that does not vote becomes a voter; whom it replaces goes.
    case promote(VoterID)
    /// A member goes, for ever.
    case remove(VoterID)
    /// A new member takes the place of a voter, whose store is lost, say: as soon as it holds the state it
    /// votes, and the other goes. Its identity must be the membership's `nextVoter`, or above.
    case replace(VoterID, by: Member)
    /// A member is reached elsewhere.
    case setAddress(VoterID, Bytes)
    /// A member's store is this one, and no other ever.
    case pin(VoterID, Identity128)
  }

  /// Applied in order.
  public var steps: [Step]
  /// Refused where the members have changed since: the revision that was looked at.
  public var expected: UInt64?

  /// One made of its parts.
  public init(_ steps: [Step], expected: UInt64? = nil) {
    self.steps = steps
    self.expected = expected
  }

  /// Steps of one change, at the most.
  public static let maxSteps = 32
}

/// Why the members are not changed.
public enum MembershipRefusal: Error, Hashable, Sendable {
  /// Nobody has this identity.
  case unknown(VoterID)
  /// It was given before; the lowest that was not is named.
  case used(VoterID, next: VoterID)
  /// A voter is not promoted, and only a voter is replaced.
  case wrongRole(VoterID)
  /// Its store is another one.
  case otherStore(VoterID)
  /// There would be too many members.
  case tooManyMembers(limit: Int)
  /// There would be none or too many voters.
  case voterCount(Int, limit: Int)
  /// The members changed meanwhile: this is the revision now.
  case overtaken(UInt64)
  /// The members changed as often as can be counted.
  case epochsExhausted
  /// It could not be read.
  case malformed
}

extension MembershipRefusal: CustomStringConvertible {
  /// For people to read: what is wrong, and what to do.
  public var description: String {
    switch self {
    case .unknown(let voter): "there is no member \(voter)"
    case .used(let voter, let next):
      "identity \(voter) was given before, and none is given twice: use \(next) or above"
    case .wrongRole(let voter):
      "member \(voter) has another role: a voter is not promoted, and only a voter is replaced"
    case .otherStore(let voter):
      "member \(voter) has a store already: one that is lost is replaced by a new member"
    case .tooManyMembers(let limit): "there are \(limit) members already: remove one first"
    case .voterCount(let count, let limit):
      "there would be \(count) voters: there must be 1 to \(limit)"
    case .overtaken(let revision):
      "the members changed meanwhile (revision \(revision)): look at them, then ask again"
    case .epochsExhausted: "the members changed as often as can be counted"
    case .malformed: "the change could not be read"
    }
  }
}

extension MembershipChange: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(UInt8(expected == nil ? 0 : 1))
    if let expected { writer.write(expected) }
    writer.write(UInt8(truncatingIfNeeded: steps.count))
    for step in steps { step.encode(into: &writer) }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let mark = try reader.read(UInt8.self)
    guard mark <= 1 else { throw .malformed("unknown marks of a membership change") }
    expected = mark == 0 ? nil : try reader.read(UInt64.self)
    let count = Int(try reader.read(UInt8.self))
    guard count <= Self.maxSteps else {
      throw .overLimit(found: UInt64(count), limit: Self.maxSteps)
    }
    steps = []
    for _ in 0..<count { steps.append(try Step(from: &reader)) }
  }
}

extension MembershipChange.Step: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .add(let member):
      writer.write(UInt8(1))
      member.encode(into: &writer)
    case .promote(let voter):
      writer.write(UInt8(2))
      writer.write(voter.rawValue)
    case .remove(let voter):
      writer.write(UInt8(3))
      writer.write(voter.rawValue)
    case .replace(let voter, let member):
      writer.write(UInt8(4))
      writer.write(voter.rawValue)
      member.encode(into: &writer)
    case .setAddress(let voter, let address):
      writer.write(UInt8(5))
      writer.write(voter.rawValue)
      writer.write(bytes: address)
    case .pin(let voter, let store):
      writer.write(UInt8(6))
      writer.write(voter.rawValue)
      store.encode(into: &writer)
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let kind = try reader.read(UInt8.self)
    if kind == 1 {
      self = .add(try Member(from: &reader))
      return
    }
    let voter = VoterID(try reader.read(UInt32.self))
    switch kind {
    case 2: self = .promote(voter)
    case 3: self = .remove(voter)
    case 4: self = .replace(voter, by: try Member(from: &reader))
    case 5: self = .setAddress(voter, try reader.read(bytesUpTo: Member.maxAddress))
    case 6: self = .pin(voter, try Identity128(from: &reader))
    default: throw .malformed("unknown step of a membership change")
    }
  }
}
