public import Synod
public import UV

/// A transport for examples and tests: payloads go to the other transports of one `MemoryNetwork`.
public final class MemoryTransport: Transport {
  private let loop: Loop
  private let network: MemoryNetwork
  private let voter: VoterID
  private let inbox = MemoryInbox()
  private var wakeup: Wakeup?
  private var events: TransportEvents?
  private var status: [PeerStatus]
  /// By the places of `status`: whether a broadcast goes there.
  private var votes: [Bool]
  private var membership = MemoryMembership()
  /// Strangers that know newer members: what is sent to them goes there.
  private var guests: Set<VoterID> = []
  private var waiting: [(payload: Bytes, voter: VoterID)] = []

  /// The largest payload, in bytes.
  public let maxPayload: Int

  /// - Parameters:
  ///   - loop: the node's.
  ///   - network: links all transports that it is given to.
  ///   - voter: whose transport it is; takes the place of an earlier one of this voter.
  ///   - peers: the others.
  ///   - maxPayload: the largest payload, in bytes.
  public init(
    _ loop: Loop, network: MemoryNetwork, voter: VoterID, peers: [VoterID],
    maxPayload: Int = 1 << 20
  ) {
    self.loop = loop
    self.network = network
    self.voter = voter
    self.maxPayload = maxPayload
    status = peers.filter { $0 != voter }.sorted().map { PeerStatus(voter: $0, address: "memory") }
    votes = status.map { _ in true }
  }

  /// Joins the network.
  public func start(_ events: TransportEvents) throws {
    self.events = events
    let wakeup = try Wakeup(loop) { [unowned self] in receive() }
    self.wakeup = wakeup
    inbox.open(wakeup)
    network.join(voter, inbox)
  }

  /// Queues a payload until the end of the turn.
  public func send(_ payload: Bytes, to voter: VoterID) {
    if let peer = status.firstIndex(where: { $0.voter == voter }) { return queue(payload, peer) }
    if guests.contains(voter), payload.count <= maxPayload { waiting.append((payload, voter)) }
  }

  /// Queues a payload to every peer that has a vote.
  public func broadcast(_ payload: Bytes) {
    for peer in status.indices where votes[peer] { queue(payload, peer) }
  }

  /// Takes the peers of a new configuration; their addresses say nothing here.
  public func follow(_ peers: [TransportPeer], in epoch: Epoch, revision: UInt64) {
    flush()
    membership = MemoryMembership(epoch: epoch, revision: revision)
    guests = []
    let named = peers.filter { $0.voter != voter }.sorted { $0.voter < $1.voter }
    votes = named.map(\.hasVote)
    status = named.map { peer in
      status.first { $0.voter == peer.voter } ?? PeerStatus(voter: peer.voter, address: "memory")
    }
  }

  private func queue(_ payload: Bytes, _ peer: Int) {
    guard payload.count <= maxPayload else {
      status[peer].dropped += 1
      return
    }
    waiting.append((payload, status[peer].voter))
  }

  /// Delivers what was queued.
  public func flush() {
    guard !waiting.isEmpty else { return }
    for (payload, other) in waiting {
      let letter = MemoryInbox.Letter(payload: payload, sender: voter, membership: membership)
      let isDelivered = network.deliver(letter, to: other)
      guard let peer = status.firstIndex(where: { $0.voter == other }) else { continue }
      if isDelivered {
        status[peer].sentBytes += UInt64(payload.count)
      } else {
        status[peer].dropped += 1
      }
    }
    waiting.removeAll(keepingCapacity: true)
  }

  private func receive() {
    for letter in inbox.takeAll() {
      guard let peer = status.firstIndex(where: { $0.voter == letter.sender }) else {
        guard letter.membership > membership else { continue }
        guests.insert(letter.sender)
        events?.receivedOfGuest(letter.payload, letter.sender)
        continue
      }
      status[peer].receivedBytes += UInt64(letter.payload.count)
      status[peer].state = .connected
      events?.received(letter.payload, letter.sender)
    }
  }

  /// Remembers why; there is no connection to close.
  public func refuse(_ voter: VoterID, because reason: String) {
    if let peer = status.firstIndex(where: { $0.voter == voter }) {
      status[peer].state = .down(reason)
    }
  }

  /// The peers, and whether they can be reached now.
  public var peers: [PeerStatus] {
    status.map { peer in
      var peer = peer
      if peer.state != .connecting, peer.state != .connected { return peer }
      peer.state = network.isReachable(peer.voter, from: voter) ? .connected : .connecting
      return peer
    }
  }

  /// Leaves the network.
  public func close(_ done: @escaping () -> Void) {
    network.leave(voter, inbox)
    inbox.close()
    wakeup?.close()
    events = nil
    loop.soon(done)
  }
}
