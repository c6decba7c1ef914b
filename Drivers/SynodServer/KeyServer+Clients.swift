import Logging
import RESP
import SynodRuntime
import UV

/// Who may connect, and what is said of those whose connections are closed on them.
extension KeyServer {
  /// Takes one that connects, where there is room.
  func accept(_ stream: TCPStream) {
    counters.connectionsAccepted += 1
    // One that is gone already has no address.
    guard let address = stream.peerAddress else { return stream.close() }
    let origin = address.origin
    if let most = configuration.mostClients(of: origin), census.count(of: origin) >= most {
      return turnAway(stream, "--max-clients-per-address")
    }
    if initialAccess.isStranger { makeRoomAmongStrangers() }
    guard census.count < configuration.maxClients else {
      return turnAway(stream, "--max-clients")
    }
    let index = free.popLast() ?? table.count
    if index == table.count { table.append(Place()) }
    lastClientID += 1
    let facts = ClientFacts(
      id: lastClientID, address: address.description,
      localAddress: stream.localAddress?.description ?? "?", connectedSince: node.loop.now,
      strangerSince: node.loop.now)
    let prefix = ProposalName.prefix(index)
    let session = Session<Backend>(self, stream, from: origin, prefix: prefix, facts: facts)
    table[index].session = session
    census.add(origin)
    session.start()
  }

  private func turnAway(_ stream: TCPStream, _ flag: String) {
    counters.connectionsRefused += 1
    // Who speaks TLS would not understand.
    if encryption?.settings.clients ?? .off == .off {
      var writer = ReplyWriter(capacity: 64)
      writer.error("ERR max number of clients reached (\(flag))")
      stream.write(StreamBuffer(owner: writer.written.owner, bytes: writer.written.bytes))
    }
    stream.close()
  }

  /// Those that have not logged in have half of the places; where one more comes, the oldest goes.
  private func makeRoomAmongStrangers() {
    guard census.strangers >= max(1, configuration.maxClients / 2),
      let place = census.oldestStranger(
        where: { stranger(at: $0.index)?.facts.id == $0.id },
        of: {
          table.indices.compactMap { index in
            stranger(at: index).map { .init(id: $0.facts.id, index: index) }
          }
        }),
      let oldest = stranger(at: place.index)
    else { return }
    counters.closedForNotLoggingIn += 1
    tellOfClosing(oldest.facts, because: .notLoggingIn, now: node.loop.now)
    oldest.close()
  }

  private func stranger(at index: Int) -> Session<Backend>? {
    guard let session = table[index].session, session.isStranger else { return nil }
    return session
  }

  /// Says so in the log, but not of every one where there are many.
  func tellOfClosing(_ client: ClientFacts, because why: Closing, now: UInt64) {
    let (isAdmitted, suppressed) = closings.admits(why, at: now)
    guard isAdmitted else { return }
    logger.info(
      "client \(client.address) was closed: \(why.rawValue)",
      metadata: suppressed == 0 ? [:] : ["others-since-the-last-such-line": "\(suppressed)"])
  }

  /// As `tellOfClosing`: its TLS was not what is asked for.
  func tellOfBadTLS(_ client: ClientFacts, _ why: String) {
    counters.closedForTLS += 1
    let (isAdmitted, suppressed) = badTLS.admits(why, at: node.loop.now)
    guard isAdmitted else { return }
    logger.info(
      "client \(client.address) was closed: \(why)",
      metadata: suppressed == 0 ? [:] : ["others-since-the-last-such-line": "\(suppressed)"])
  }
}

/// Why a client's connection was closed on it.
enum Closing: String {
  case notReading = "it took none of its replies for a while"
  case notSending = "it did not finish a command that it began"
  case notLoggingIn = "it did not log in"
  case notShakingHands = "it did not shake hands"
}
