public import Synod
public import SynodJournal

/// Why a data directory cannot be used. Nothing was lost by the attempt.
public enum DataDirectoryError: Error, Sendable {
  /// Another process, or another node of this one, has it open.
  case inUse(path: String)
  /// The store belongs to another cluster.
  case otherCluster(path: String, found: ClusterID, expected: ClusterID)
  /// The store holds the records of another protocol.
  case otherMachine(path: String, found: String, expected: String)
  /// The store belongs to another voter.
  case otherVoter(path: String, found: VoterID, expected: VoterID)
  /// A later version wrote it.
  case newerFormat(path: String, required: UInt32, supported: UInt32)
  /// There is none yet.
  case noStore(path: String)
  /// Files of a store without a valid superblock.
  case noSuperblock(path: String, files: [JournalFile])
  /// What was promised may be lost: a node on this store must not vote under its identity.
  case damaged(path: String, LogDamage)
  /// There is no space to open it.
  case noSpace(path: String, reason: String)
  /// The operating system said no.
  case cannot(path: String, reason: String)
}

extension DataDirectoryError: CustomStringConvertible {
  /// What is wrong, with what, and what to do.
  public var description: String {
    switch self {
    case .inUse(let path):
      "the data directory \(path) is in use by another process; one node runs on it at a time"
    case .otherCluster(let path, let found, let expected):
      "the data directory \(path) belongs to cluster \(found), not to \(expected): check the"
        + " initial members, the quorums and the cluster token, or use another directory"
    case .otherMachine(let path, let found, let expected):
      "the data directory \(path) was made with \(found), not with \(expected): start it with"
        + " --protocol \(found), or use another directory"
    case .otherVoter(let path, let found, let expected):
      "the data directory \(path) belongs to node \(found), not to node \(expected): check the"
        + " node id, or use another directory"
    case .newerFormat(let path, let required, let supported):
      "the data directory \(path) needs a version that reads format \(required); this one reads"
        + " up to format \(supported)"
    case .noStore(let path):
      "cannot use the data directory \(path): there is no store in it"
    case .noSuperblock(let path, let files):
      "the data directory \(path) holds \(files.map(\.name).joined(separator: ", ")) but no valid"
        + " META0 or META1: restore them, or let the node join as a new voter on an empty directory"
    case .damaged(let path, let damage):
      "the data directory \(path) is damaged: \(damage). A node that may have forgotten a promise"
        + " must not vote: keep the directory, and let the node join as a new voter on an empty one"
    case .noSpace(let path, let reason):
      "no space to open the data directory \(path): \(reason)"
    case .cannot(let path, let reason):
      "cannot use the data directory \(path): \(reason)"
    }
  }
}
