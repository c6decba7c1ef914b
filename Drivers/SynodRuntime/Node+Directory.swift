public import Logging
public import Synod
internal import SynodJournal
internal import SynodWire
public import UV

extension Node {
  /// A node whose store is a data directory and whose peers are reached over TCP, as the server's are;
  /// it does not run yet. Peers that come and go later are for `transport.follow`.
  /// - Parameters:
  ///   - settings: what the machine is made from.
  ///   - voter: as in the settings: whose store the directory holds. One directory, one voter, for ever.
  ///   - cluster: the same on every node.
  ///   - directory: made where it is missing.
  ///   - addresses: where the voters listen, this one too.
  ///   - machine: the name of the protocol whose records the directory holds, without blanks.
  ///   - logger: where trouble is told.
  /// - Throws: `.storage` where the directory cannot be opened or read, `.record` where its records are
  ///   not this machine's, `.system` where the process has no descriptors left.
  @inlinable public convenience init(
    _ settings: Machine.Settings, voter: VoterID, of cluster: ClusterID, in directory: String,
    addresses: [VoterID: TCPTransportSettings.Address], machine: String,
    logger: Logger = Logger(label: "synod.node")
  ) throws(NodeError) {
    let parts = try NodeParts(voter, cluster, directory, addresses, machine, logger)
    try self.init(
      settings, loop: parts.loop, storage: parts.storage, transport: parts.transport,
      logger: logger)
  }
}

/// A loop, and the usual storage and transport on it.
@usableFromInline
struct NodeParts {
  @usableFromInline let loop: Loop
  @usableFromInline let storage: FileStorage
  @usableFromInline let transport: TCPTransport

  @usableFromInline
  init(
    _ voter: VoterID, _ cluster: ClusterID, _ path: String,
    _ addresses: [VoterID: TCPTransportSettings.Address], _ machine: String, _ logger: Logger
  ) throws(NodeError) {
    guard let own = addresses[voter] else { throw .system(MissingAddress(voter: voter)) }
    do throws(UVError) { loop = try Loop() } catch { throw .system(error) }
    let directory: DataDirectory
    do throws(DataDirectoryError) {
      directory = try DataDirectory.open(path, cluster: cluster, voter: voter, machine: machine)
    } catch {
      throw .storage(error)
    }
    storage = FileStorage(loop, directory)
    let hello = Hello(
      cluster: cluster, voter: voter, store: directory.store,
      incarnation: directory.identity.incarnation, epoch: Epoch(1),
      machine: Hello.machine(named: machine))
    transport = TCPTransport(
      TCPTransportSettings(
        hello: hello, listen: own, peers: addresses, seed: .random(in: .min ... .max),
        logger: logger),
      loop: loop, pins: directory)
  }
}

/// A node has to listen somewhere.
struct MissingAddress: Error, CustomStringConvertible {
  let voter: VoterID

  var description: String { "no address is given where voter \(voter) itself listens" }
}
