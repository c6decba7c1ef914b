public import Synod

/// What a client may ask to be changed about the members: one entry of the log, all of it or nothing.
/// It takes effect α slots behind that entry (rule 19); any change of the voters is safe, since the
/// promises of a leader are judged slot by slot (rule 7).
public struct MembershipChange: Hashable, Sendable {
  /// One step of a change.
  public enum Step: Hashable, Sendable {
    /// A new member. Its identity must be the membership's `nextVoter`, or above.
    case add(Member)
    /// A learner becomes a voter; whom it replaces goes.
    case promote(VoterID)
    /// A member goes, for ever.
    case remove(VoterID)
    /// A new voter takes the place of one whose store was lost (rule 33): its identity must be the
    /// membership's `nextVoter`, or above.
    case replace(VoterID, by: Member)
    /// A member is reached elsewhere.
    case setAddress(VoterID, Bytes)
    /// The store that an identity belongs to was seen: no other is one of it from now on.
    case pin(VoterID, Identity128)
  }

  /// Applied in order.
  public var steps: [Step]
  /// What makes a quorum afterwards: prepare and accept; majorities where nil.
  public var quorums: QuorumSystem?
  /// Refused where the members have changed since: the epoch of the configuration that was looked at.
  public var expected: Epoch?

  /// One made of its parts.
  public init(_ steps: [Step], quorums: QuorumSystem? = nil, expected: Epoch? = nil) {
    self.steps = steps
    self.quorums = quorums
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
  /// Only a learner is promoted, only a voter replaced.
  case wrongRole(VoterID)
  /// There would be too many members.
  case tooManyMembers(limit: Int)
  /// There would be none or too many voters.
  case voterCount(Int, limit: Int)
  /// The quorums are not those of so many voters.
  case quorums
  /// The members changed meanwhile: this is the epoch now.
  case overtaken(Epoch)
  /// Too many changes are yet to take effect.
  case tooManyUnderWay
  /// The members changed as often as can be counted.
  case epochsExhausted
  /// The identity belongs to another store.
  case pinned(VoterID)
  /// It would vote, and nobody knows with which store: one that was lost and begun anew could not be told
  /// from it.
  case withoutStore(VoterID)
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
      "member \(voter) has another role: only a learner is promoted, only a voter replaced"
    case .tooManyMembers(let limit): "there are \(limit) members already: remove one first"
    case .voterCount(let count, let limit):
      "there would be \(count) voters: there must be 1 to \(limit)"
    case .quorums: "the quorums are not those of so many voters"
    case .overtaken(let epoch):
      "the members changed meanwhile (epoch \(epoch)): look at them, then ask again"
    case .tooManyUnderWay: "too many changes are yet to take effect: wait for them"
    case .epochsExhausted: "the members changed as often as can be counted"
    case .pinned(let voter):
      "member \(voter) belongs to another store: a lost store is replaced, not brought back"
    case .withoutStore(let voter):
      "member \(voter) would vote with any store: name its store in the same change"
    case .malformed: "the change could not be read"
    }
  }
}

extension MembershipChange: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(UInt8(quorums == nil ? 0 : 1) | UInt8(expected == nil ? 0 : 2))
    if let quorums {
      writer.write(UInt8(truncatingIfNeeded: quorums.voters))
      writer.write(UInt8(truncatingIfNeeded: quorums.prepare))
      writer.write(UInt8(truncatingIfNeeded: quorums.accept))
    }
    if let expected { writer.write(expected.rawValue) }
    writer.write(UInt8(truncatingIfNeeded: steps.count))
    for step in steps { step.encode(into: &writer) }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let mark = try reader.read(UInt8.self)
    guard mark <= 3 else { throw .malformed("unknown marks of a membership change") }
    quorums = mark & 1 == 0 ? nil : try Self.quorums(from: &reader)
    expected = mark & 2 == 0 ? nil : Epoch(try reader.read(UInt32.self))
    let count = Int(try reader.read(UInt8.self))
    guard count <= Self.maxSteps else {
      throw .overLimit(found: UInt64(count), limit: Self.maxSteps)
    }
    steps = []
    for _ in 0..<count { steps.append(try Step(from: &reader)) }
  }

  private static func quorums(from reader: inout ByteReader) throws(CodingError) -> QuorumSystem {
    let voters = Int(try reader.read(UInt8.self))
    let prepare = Int(try reader.read(UInt8.self))
    let accept = Int(try reader.read(UInt8.self))
    do {
      return try QuorumSystem(voters: voters, prepare: prepare, accept: accept)
    } catch {
      throw CodingError.malformed("quorums that can miss each other")
    }
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
    switch try reader.read(UInt8.self) {
    case 1: self = .add(try Member(from: &reader))
    case 2: self = .promote(VoterID(try reader.read(UInt32.self)))
    case 3: self = .remove(VoterID(try reader.read(UInt32.self)))
    case 4:
      self = .replace(
        VoterID(try reader.read(UInt32.self)), by: try Member(from: &reader))
    case 5:
      self = .setAddress(
        VoterID(try reader.read(UInt32.self)), try reader.read(bytesUpTo: Member.maxAddress))
    case 6:
      self = .pin(VoterID(try reader.read(UInt32.self)), try Identity128(from: &reader))
    default: throw .malformed("unknown step of a membership change")
    }
  }
}
