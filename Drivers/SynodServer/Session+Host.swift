import CASPaxos
import KeyValue
import Synod
import SynodRuntime
import UV

/// What a conversation asks of the server.
extension Session: ConversationHost {
  func propose(
    _ operation: KeyOperation, once: Once?, of key: Bytes, as number: UInt64
  ) -> Answer? {
    guard !server.isCrowded else { return server.refuse(once, Server.crowded) }
    return server.replica.propose(
      operation, once: once, of: key, as: proposalName(number), on: server)
  }

  func propose(_ command: KeyValueCommand, as number: UInt64) -> CommandEnd? {
    guard !server.isCrowded else { return server.refuse(Server.crowded) }
    return server.replica.propose(command, as: proposalName(number), on: server)
  }

  func proposalName(_ number: UInt64) -> ProposalID {
    ProposalID(prefix | UInt64(UInt32(truncatingIfNeeded: number)))
  }

  func watch(_ key: Bytes, _ request: WatchRequest, as number: UInt32) -> Answer? {
    guard !server.isCrowded else { return server.refuse(nil, Server.crowded) }
    return server.replica.watch(key, request, as: watchName(number), on: server)
  }

  func unwatch(_ number: UInt32) { server.replica.unwatch(watchName(number)) }

  private func watchName(_ number: UInt32) -> ProposalID {
    ProposalID(prefix | ProposalName.watchBit | UInt64(number))
  }

  func change(_ change: MembershipChange, as number: UInt64) -> Answer? {
    server.replica.change(change, as: proposalName(number), on: server)
  }

  var membersReport: MembersReport { server.replica.membersReport(on: server) }

  func countProtocolError() { server.counters.protocolErrors += 1 }

  var now: UInt64 { server.node.loop.now }
  var slowLog: SlowLog {
    get { server.slowLog }
    set { server.slowLog = newValue }
  }
  var clientList: String { server.clientList }
  func info(_ sections: [String], isNarrow: Bool) -> String {
    server.info(sections, isNarrow: isNarrow)
  }
  func forgetLongest() { server.node.loop.forgetLongest() }
}
