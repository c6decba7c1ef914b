import CASPaxos
import RESP
import Synod

extension Request {
  /// `SYNOD.MEMBERS [LIST | ADD address [ROLE role] | REMOVE id | REPLACE id address | MOVE id address
  /// | ROLLBACK epoch]`
  static func members(_ parser: RequestParser) -> Request {
    let count = parser.argumentCount
    let what = count > 1 ? parser.text(1).uppercased() : "LIST"
    switch (what, count) {
    case ("LIST", ...2): return .connection(.synodMembers)
    case ("ADD", 3), ("ADD", 5): return adding(parser)
    case ("REMOVE", 3):
      guard let voter = voter(parser, 2) else { return noMember(parser, 2) }
      return .members(.remove(voter))
    case ("REPLACE", 4), ("MOVE", 4):
      guard let voter = voter(parser, 2) else { return noMember(parser, 2) }
      guard let address = address(parser, 3) else { return noAddress(parser, 3) }
      return .members(
        what == "MOVE" ? .setAddress(voter, address) : .replace(voter, address: address))
    case ("ROLLBACK", 3):
      guard let epoch = parseInteger(parser.argument(2)).flatMap({ UInt32(exactly: $0) }) else {
        return .invalid("ERR '\(parser.text(2, limit: 64))' is no epoch")
      }
      return .members(.rollback(of: Epoch(epoch)))
    case ("LIST", _), ("ADD", _), ("REMOVE", _), ("REPLACE", _), ("MOVE", _), ("ROLLBACK", _):
      return .invalid(wrongNumber("synod.members|\(what.lowercased())"))
    default:
      return .invalid(
        "ERR unknown subcommand '\(parser.text(1, limit: 64))'. Try LIST, ADD, REMOVE, REPLACE, "
          + "MOVE or ROLLBACK.")
    }
  }

  private static func adding(_ parser: RequestParser) -> Request {
    guard let address = address(parser, 2) else { return noAddress(parser, 2) }
    guard parser.argumentCount == 5 else { return .members(.add(address: address, role: .voter)) }
    guard parser.text(3).uppercased() == "ROLE" else { return .invalid("ERR syntax error") }
    switch parser.text(4).lowercased() {
    case "voter": return .members(.add(address: address, role: .voter))
    case "proposer": return .members(.add(address: address, role: .proposer))
    case "observer": return .members(.add(address: address, role: .observer))
    default:
      return .invalid(
        "ERR '\(parser.text(4, limit: 64))' is no role; it is voter, proposer or observer")
    }
  }

  private static func voter(_ parser: RequestParser, _ index: Int) -> VoterID? {
    parseInteger(parser.argument(index)).flatMap { UInt32(exactly: $0) }.flatMap {
      $0 > 0 ? VoterID($0) : nil
    }
  }

  private static func noMember(_ parser: RequestParser, _ index: Int) -> Request {
    .invalid("ERR '\(parser.text(index, limit: 64))' is no member's id")
  }

  private static func address(_ parser: RequestParser, _ index: Int) -> Bytes? {
    guard parser.argument(index).count <= Member.maxAddress,
      let endpoint = try? Endpoint(parser.text(index), what: "address")
    else { return nil }
    return Bytes(endpoint.description)
  }

  private static func noAddress(_ parser: RequestParser, _ index: Int) -> Request {
    .invalid(
      "ERR '\(parser.text(index, limit: 64))' is no address; write it as 127.0.0.1:7104")
  }
}
