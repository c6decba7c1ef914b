public import Synod
public import SynodJournal

/// How an attempt to open a store ended.
public enum StoreOpening {
  /// It runs. `SimulatedStore.isNew` says whether there was none before.
  case opened(SimulatedStore)
  /// It must not be used: its voter never votes again under this identity.
  case refused(StoreRefusal)
  /// An operation failed, or there was no space. Nothing was lost by the attempt; another may succeed.
  case failed(FileFailure)
  /// The crash that was asked for came in its middle.
  case crashed
}

/// Why a store must not be used.
public enum StoreRefusal: Error, Hashable, Sendable {
  /// What was promised may be lost.
  case damaged(LogDamage)
  /// No superblock is valid, or the store cannot be read.
  case survey(Survey.Failure)
  /// It belongs to another cluster or another voter.
  case foreign(ClusterID, VoterID)
}

extension StoreRefusal: CustomStringConvertible {
  /// What is wrong, for people.
  public var description: String {
    switch self {
    case .damaged(let damage): "\(damage)"
    case .survey(let failure): "\(failure)"
    case .foreign(let cluster, let voter): "the store of \(voter) in \(cluster)"
    }
  }
}

extension SimulatedStore {
  /// Opens the store of a voter, or makes it where the disk holds none, as a process does when it
  /// starts: syncs what it will read, surveys, repairs, begins a new life.
  /// - Parameters:
  ///   - disk: outlives the process that opens it.
  ///   - cluster: which the store must belong to.
  ///   - voter: whose store it must be.
  ///   - store: the identity of a store that is made.
  ///   - settings: sizes.
  ///   - crash: how many operations are done before a crash, and which. It comes in the middle of the
  ///     next one; nothing happens where the opening needs fewer.
  public static func open(
    on disk: SimulatedDisk, cluster: ClusterID, voter: VoterID, ifBlank store: StoreID,
    settings: JournalSettings, crash: (after: Int, Crash)? = nil
  ) -> StoreOpening {
    var attempt = OpeningAttempt(disk: disk, crash: crash)
    do throws(OpeningEnd) {
      try attempt.perform(.syncing(attempt.files()))
      var isEmergency = false
      while true {
        let survey = try attempt.survey()
        let opening = try Self.opening(
          survey, cluster: cluster, voter: voter, ifBlank: store, settings, isEmergency)
        do throws(OpeningEnd) {
          for job in opening.jobs { try attempt.perform(job) }
          return .opened(
            SimulatedStore(disk, opening, survey: survey, microseconds: attempt.microseconds))
        } catch {
          guard case .failed(let failure) = error, failure.kind == .noSpace, !isEmergency,
            survey != nil
          else { throw error }
          isEmergency = true
        }
      }
    } catch {
      switch error {
      case .crashed: return .crashed
      case .failed(let failure): return .failed(failure)
      case .refused(let refusal): return .refused(refusal)
      }
    }
  }

  private static func opening(
    _ survey: Survey?, cluster: ClusterID, voter: VoterID, ifBlank store: StoreID,
    _ settings: JournalSettings, _ isEmergency: Bool
  ) throws(OpeningEnd) -> Opening {
    guard let survey else {
      return Opening(
        creating: Superblock(cluster: cluster, voter: voter, store: store), settings: settings)
    }
    let found = survey.superblock
    guard found.cluster == cluster, found.voter == voter else {
      throw .refused(.foreign(found.cluster, found.voter))
    }
    do throws(LogRefusal) {
      return try Opening(survey, settings: settings, isEmergency: isEmergency)
    } catch {
      throw .refused(.damaged(error.damage))
    }
  }
}

/// Why an opening came to nothing.
private enum OpeningEnd: Error {
  case crashed
  case failed(FileFailure)
  case refused(StoreRefusal)
}

/// The operations of an opening, and the crash among them.
private struct OpeningAttempt {
  let disk: SimulatedDisk
  let crash: (after: Int, Crash)?
  private var done = 0
  private(set) var microseconds: UInt64 = 0

  init(disk: SimulatedDisk, crash: (after: Int, Crash)?) {
    self.disk = disk
    self.crash = crash
  }

  /// In a fixed order.
  func files() -> [JournalFile] { disk.entries.map(\.name) }

  func survey() throws(OpeningEnd) -> Survey? {
    do throws(Survey.Failure) {
      return try Survey(disk, readsAll: false)
    } catch {
      switch error {
      case .blank: return nil
      case .unreadable(let failure): throw .failed(failure)
      case .noSuperblock, .newerFormat: throw .refused(.survey(error))
      }
    }
  }

  mutating func perform(_ job: FileJob) throws(OpeningEnd) {
    for operation in job.operations {
      if let crash, done == crash.after {
        disk.crash(crash.1, during: [operation])
        throw .crashed
      }
      done += 1
      microseconds += disk.microseconds(for: operation)
      if let failure = disk.perform(operation) {
        // Whoever started it ends there.
        _ = disk.perform(job.undoing)
        throw .failed(failure)
      }
    }
  }
}
