import Logging
public import Synod
import SynodWire
import UV

extension TCPTransport {
  /// Takes the peers of a new configuration: new ones are dialed, those that are gone are told so and
  /// their connections closed. An address is read as `host:port`; one that cannot be read is logged,
  /// and the peer is waited for.
  public func follow(_ peers: [TransportPeer], in epoch: Epoch, revision: UInt64) {
    guard !isClosed else { return }
    settings.session.hello.epoch = epoch
    settings.session.hello.revision = revision
    let own = settings.session.hello.voter
    let named = peers.filter { $0.voter != own }.sorted { $0.voter < $1.voter }
    settings.session.voters = [own] + named.map(\.voter)
    for peer in others where peer.isGuest { dismiss(peer) }
    for peer in others where !named.contains(where: { $0.voter == peer.voter }) { leave(peer) }
    others = named.map { follow($0) }
    guard events != nil else { return }
    for peer in others where peer.address != nil { dial(peer) }
    rearm()
  }

  private func follow(_ named: TransportPeer) -> TCPPeer {
    let peer = peer(named.voter) ?? makePeer(named.voter, at: nil)
    peer.hasVote = named.hasVote
    if !named.address.isEmpty {
      let text = String(decoding: named.address.array, as: UTF8.self)
      if let address = TCPTransportSettings.Address(text) {
        peer.address = address
      } else {
        say("address \(named.voter)", "voter \(named.voter): '\(text)' is no address")
      }
    }
    return peer
  }

  /// Tells a peer that it is none any more, behind what still waits for it.
  private func leave(_ peer: TCPPeer) {
    peer.isGone = true
    if case .connecting(let stream, _) = peer.dialing { stream.close() }
    peer.dialing = .idle
    for connection in Array(connections.values)
    where (connection.session.peer?.voter ?? connection.session.dialed) == peer.voter {
      connection.pump()
      refuse(connection, .unknownVoter(peer.voter))
    }
    peer.current = nil
  }

  // MARK: Guests

  func makeGuest(_ voter: VoterID) -> TCPPeer {
    let guest = makePeer(voter, at: nil)
    guest.hasVote = false
    guest.isGuest = true
    others.append(guest)
    return guest
  }

  /// The members are others now: a guest among them says hello again, so that its store is pinned.
  private func dismiss(_ guest: TCPPeer) {
    for connection in Array(connections.values)
    where connection.isGuest && connection.session.peer?.voter == guest.voter {
      connection.pump()
      dismiss(connection)
    }
    others.removeAll { $0 === guest }
  }

  func dismiss(_ connection: TCPConnection) {
    end(connection, "a guest no longer, it is to say hello again", kind: "guest", .debug)
  }

  func makePeer(_ voter: VoterID, at address: TCPTransportSettings.Address?) -> TCPPeer {
    let seed = settings.seed ^ UInt64(voter.rawValue) << 32
    return TCPPeer(
      voter, address,
      Backoff(
        first: settings.firstRetry, cap: settings.longestRetry,
        random: SplitMix(seed: seed, voter: settings.session.hello.voter)))
  }
}
