import Synod
import SynodRuntime
import UV

/// A transport of your own: each payload is one datagram.
///
/// What the network loses stays lost, since machines send again by themselves. Nothing is proven: who
/// can write a voter's address into a datagram speaks for that voter. So it is for a network that you
/// trust, and for nodes that are started once: it pins no stores.
final class UDPTransport: Transport {
  /// Near the longest that a datagram may be. A machine's messages must fit: keep values shorter.
  let maxPayload = 60_000
  /// What may leave to one peer in one turn: more than its socket holds would be lost unseen.
  static let bytesPerTurn = 192 << 10

  private let loop: Loop
  private let socket: UDPSocket
  private let voter: VoterID
  private var watcher: ReadWatcher?
  private var events: TransportEvents?
  private var header: Header
  /// Of everyone who was ever a peer.
  private var addresses: [VoterID: UDPAddress]
  /// Strangers that follow a newer membership, and where they are.
  private var guests: [VoterID: UDPAddress] = [:]
  private var status: [PeerStatus] = []
  private var listeners: Set<VoterID> = []
  private var sentInTurn: [VoterID: Int] = [:]

  /// - Parameters:
  ///   - socket: bound to where `voter` is to be reached.
  ///   - peers: the others, and where they are.
  init(_ loop: Loop, _ socket: UDPSocket, voter: VoterID, peers: [VoterID: UDPAddress]) {
    self.loop = loop
    self.socket = socket
    self.voter = voter
    header = Header(sender: voter, epoch: Epoch(0), revision: 0)
    addresses = peers
    follow(peers.keys.map { TransportPeer(voter: $0) }, in: header.epoch, revision: 0)
  }

  func start(_ events: TransportEvents) throws {
    self.events = events
    watcher = try ReadWatcher(loop, descriptor: socket.descriptor) { [unowned self] in receive() }
  }

  // MARK: Sending

  func send(_ payload: Bytes, to voter: VoterID) {
    let peer = status.firstIndex { $0.voter == voter }
    guard let address = peer == nil ? guests[voter] : addresses[voter] else { return }
    if sentInTurn.isEmpty { loop.soon { [weak self] in self?.sentInTurn.removeAll() } }
    let left = sentInTurn[voter, default: 0] + payload.count
    let hasLeft =
      payload.count <= maxPayload && left <= Self.bytesPerTurn
      && header.withBytes { header in
        payload.withUnsafeBytes { socket.send([header, $0], to: address) }
      }
    if hasLeft { sentInTurn[voter] = left }
    guard let peer else { return }
    if hasLeft {
      status[peer].sentBytes += UInt64(payload.count)
    } else {
      status[peer].dropped += 1
    }
  }

  func broadcast(_ payload: Bytes) {
    for peer in status where listeners.contains(peer.voter) { send(payload, to: peer.voter) }
  }

  /// Nothing waits: a datagram leaves when it is sent.
  func flush() {}

  // MARK: Receiving

  /// Some of what has arrived; the rest in the next turn, so that a flood does not stop the node.
  private func receive() {
    for _ in 0..<64 {
      guard events != nil, socket.receive({ take($0, from: $1) }) != nil else { return }
    }
  }

  private func take(_ datagram: UnsafeRawBufferPointer, from address: UDPAddress) {
    let bytes = Bytes(copying: datagram)
    var reader = ByteReader(bytes)
    guard let from = try? Header(from: &reader), from.sender != voter else { return }
    let payload = bytes[Header.size..<bytes.count]
    if let peer = status.firstIndex(where: { $0.voter == from.sender }) {
      guard addresses[from.sender] == address else { return }
      status[peer].state = .connected
      status[peer].receivedBytes += UInt64(payload.count)
      events?.received(payload, from.sender)
    } else if from.isNewer(than: header), guests[from.sender] != nil || guests.count < 64 {
      guests[from.sender] = address
      events?.receivedOfGuest(payload, from.sender)
    }
  }

  // MARK: Peers

  func follow(_ peers: [TransportPeer], in epoch: Epoch, revision: UInt64) {
    header = Header(sender: voter, epoch: epoch, revision: revision)
    guests = [:]
    let others = peers.filter { $0.voter != voter }.sorted { $0.voter < $1.voter }
    listeners = Set(others.filter(\.hasVote).map(\.voter))
    for peer in others {
      let text = String(decoding: peer.address.array, as: UTF8.self)
      if let address = UDPAddress(text) { addresses[peer.voter] = address }
    }
    status = others.map { peer in
      let address = addresses[peer.voter].map { "\($0)" } ?? "unknown"
      return status.first { $0.voter == peer.voter }
        ?? PeerStatus(voter: peer.voter, address: address)
    }
  }

  var peers: [PeerStatus] { status }

  func refuse(_ voter: VoterID, because reason: String) {
    guard let peer = status.firstIndex(where: { $0.voter == voter }) else { return }
    status[peer].state = .down(reason)
  }

  func close(_ done: @escaping () -> Void) {
    watcher?.close()
    events = nil
    loop.soon(done)
  }
}

extension UDPTransport {
  /// What stands before each payload.
  struct Header: ByteCodable {
    static let size = 16

    var sender: VoterID
    /// Which membership the sender follows.
    var epoch: Epoch
    var revision: UInt64

    init(sender: VoterID, epoch: Epoch, revision: UInt64) {
      self.sender = sender
      self.epoch = epoch
      self.revision = revision
    }

    func isNewer(than other: Header) -> Bool {
      (epoch, revision) > (other.epoch, other.revision)
    }

    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
      encoded.withUnsafeBytes(body)
    }

    func encode(into writer: inout ByteWriter) {
      writer.write(sender.rawValue)
      writer.write(epoch.rawValue)
      writer.write(revision)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
      sender = VoterID(try reader.read(UInt32.self))
      epoch = Epoch(try reader.read(UInt32.self))
      revision = try reader.read(UInt64.self)
    }
  }
}
