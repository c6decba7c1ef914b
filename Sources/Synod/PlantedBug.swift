#if PlantedBugs
  /// A mistake that is put in on purpose, to see that the simulator finds it. Only in builds with the
  /// package trait `PlantedBugs`; nothing of it is in any other.
  package enum PlantedBug: String, CaseIterable, Sendable {
    /// A group commit is acknowledged once it is written, not once it is synced.
    case skippedSync = "skip an fsync"
    /// A failed sync is tried again, and the disk says that all is well.
    case retriedSync = "retry a failed fsync"
    /// Files are made, renamed and removed without a sync of the directory.
    case omittedDirectorySync = "omit a directory sync"
    /// Recovery cuts the log off where the first checksum is wrong, whatever proves that more was
    /// acknowledged.
    case truncatedLog = "truncate at the first bad checksum"
    /// A reply leaves before the record that it relies on is durable.
    case sentBeforeDurable = "send before durable"
    /// An acceptor forgets its promises when it restarts.
    case forgottenPromise = "forget a promise"
    /// An acceptor accepts below its promise.
    case lowerBallot = "accept a lower ballot"
    /// A second reply of one voter counts as another's.
    case doubleVote = "count one vote twice"
    /// One acceptance too few makes a quorum.
    case shortQuorum = "quorum one short"
    /// A promise that came with an acceptance stays in place when it is used, and is used again after
    /// a failure (Gryadka's).
    case reusedBallot = "reuse a ballot after an ambiguous failure (Gryadka)"
    /// Ballots of one counter count as equal, whoever drew them (Kshaka's).
    case counterAlone = "compare counters without identities (Kshaka)"
    /// A proposer draws the ballots of its earlier lives again.
    case forgottenReservation = "draw ballots of an earlier life again"
    /// A rejected change is answered from a state that may never be chosen.
    case unsettledRefusal = "answer a failed compare from unsettled state"
    /// A read is answered by the first voter that answers.
    case staleRead = "stale read"
    /// A change whose accept had no answer is applied once more, though it is in.
    case doubleApply = "apply again on a retry"
    /// What a register keeps of a client's change is not looked at.
    case doubleOnce = "make again what was to be made once"
    /// A tombstone is erased once a quorum has it, while a voter may still hold an older state.
    case earlyErasure = "collect without every voter"
    /// In a joint epoch, a tombstone is erased once the old voters have it.
    case erasureWithoutJoining = "collect without the joining voters"
    /// Whatever is deleted is erased, at whichever ballot (peterbourgon's).
    case erasureByValue = "collect by value, not by ballot"
    /// An acceptor that restarts forgets what stands for the registers that it erased.
    case forgottenFloor = "forget the floor"
    /// A voter that lost its disk comes back blank, and its peers take it for the old one.
    case blankRejoin = "blank rejoin after a lost disk"
    /// The identity of a voter that left is given out again, and its old store votes under it.
    case returningVoter = "let a retired voter return"
    /// The new voters go on alone before every register was accepted anew.
    case skippedTransfer = "skip the transfer"
    /// A list counts that was given by a voter that had not adopted the joint epoch.
    case earlyKeyList = "list the keys too early"
    /// The transfer installs states under the ballots that they had.
    case copiedStates = "copy instead of re-accepting"
    /// Requests of other epochs are voted on.
    case ignoredEpoch = "ignore the epoch"
    /// Ballots are compared without their epoch.
    case epochlessBallot = "leave the epoch out of the ballot's comparison"
    /// A proposer changes the membership that it knows, not the one that it finds.
    case unguardedMembers = "drop the guard of the members' register"

    /// The old voters hand over to new ones that never accepted it.
    case unaskedHandOver = "hand over without the new voters"
    /// In a joint epoch, a round on the members' register goes by the quorums of either side.
    case eitherSide = "let either side of a joint epoch decide about the members"

    /// What is sent again carries the ballot that was drawn last, of whatever round (durable-utils').
    case sharedBallot = "send again at the ballot of another round (durable-utils)"
    /// A proposer counts from one again when a change is given up whose accept nobody answered
    /// (Kshaka's).
    case restartedCounter = "begin the counter anew after a failure (Kshaka)"
    /// An acceptance is made durable in two steps: its ballots, then its value (Kshaka's).
    case tornAcceptance = "save an acceptance in two parts (Kshaka)"
    /// A proposer takes over the counter of a conflict though its own is higher (peterbourgon's).
    case loweredCounter = "take over a lower counter (peterbourgon)"
    /// Whatever the round of a collection finds is collected, be it a value (peterbourgon's).
    case collectedValue = "collect without looking for a value (peterbourgon)"
    /// A prepare that is refused waits for more promises, for ever (the Python prototype's).
    case endlessPrepare = "wait for ever after a conflict (the Python prototype)"
    /// An acceptor that accepts looks at its promise alone, and raises none (Scylla's).
    case looseAcceptance = "accept by the promise alone (Scylla)"
    /// A change is built on the oldest state that promises tell of: what is newer may never have been
    /// committed (what an early TLA+ model asks for).
    case oldestState = "build on what was committed before alone (an early TLA+ model)"

    // Of the log.

    /// The first leader that was ever granted anything may break every later leader's lease.
    case exemptFirstLeader = "exempt the first leader from later leases"
    /// A voter that restarts grants and promises anew, while what it granted before lives.
    case forgottenGrants = "forget grants in a restart"
    /// A leader counts its lease from when the answer came, not from when it asked.
    case leaseFromAnswer = "count a lease from the answer"
    /// A live grant refuses what others prepare, and not what they have accepted.
    case grantWithoutAccepts = "grant a lease against prepares only"
    /// A leader with the promises of one slot's voters proposes in all slots.
    case firstQuorumForAll = "judge promises by one configuration"
    /// What late promises tell of is not looked at.
    case earlyMaximum = "fix the reported slots at the first quorum"
    /// What a promise tells of is filled with nothing.
    case filledReports = "fill slots that promises tell of"
    /// Of two reports of a slot the one that came first counts, whatever their ballots.
    case firstReport = "take the first report of a slot"
    /// A promise leaves out in silence what was applied.
    case silentPromise = "promise without the slots that are applied"
    /// An acceptor follows a leader at a higher ballot than it promised, and goes on with its promise.
    case unraisedPromise = "accept without raising the promise"
    /// What was accepted at any ballot is taken for what was chosen.
    case claimOfAnyBallot = "commit by number what was accepted at another ballot"
    /// The window is four times as wide as it should be.
    case widerWindow = "ignore the window"
    /// A snapshot takes the place of what was accepted behind it.
    case overwritingSnapshot = "overwrite the accepted slots by a snapshot"
    /// An identity is taken over by name: of another store than the one it was given to.
    case rejoinByName = "rejoin by name, without the number of the store"
    /// A leader answers reads before it knows all that may be chosen.
    case readWithoutPromises = "read without phase 1"
    /// A leader counts its own acceptance before that is durable.
    case earlyOwnVote = "count the own vote before it is durable"
    /// An entry that stands in two slots is applied in both.
    case appliedTwice = "apply an entry in every slot in which it stands"

    // Of instances.

    /// A promise takes the place of the ballot at which a value was accepted (Sutra's).
    case singleBallot = "keep one ballot for promises and acceptances (Sutra)"
    /// A recovery goes on as if the owner had not been among those who answered.
    case unheededOwner = "leave out R3"
    /// A recovery that waits yields to any other that does.
    case yieldToAny = "W3 without its threshold"
    /// What is void conflicts with nothing.
    case commutingVoid = "take the void for what conflicts with nothing"
    /// Answers decide in one round trip, whatever they say.
    case agreedDependencies = "decide at once though dependencies were added"
    /// What a validation says is taken for new when something was accepted since.
    case lateValidate = "leave out the guard of rule 18"
    /// Whoever was found to come behind does not object, though its owner knew nothing of it.
    case foundDependencies = "object by what was found, not by what was proposed"
    /// A recovery waits for another whose owner is silent, at the bound, too.
    case endlessWait = "leave out the second half of V2"
    /// What speaks against a value is not looked at.
    case unheardObjections = "ignore what a validation finds"
    /// A repeated question is answered with what is known by then.
    case recomputedAnswer = "answer a repeated pre-accept anew"
    /// A majority decides in one round trip, also of seven.
    case fastMajority = "take a majority for a fast quorum"
    /// A decision is told of before it is durable.
    case earlyCommit = "tell of a decision before it is durable"
    /// A command comes behind what it interferes with, and not behind all that is forgotten.
    case freeOfForgotten = "leave the forgotten out of what a command comes behind"
    /// What is forgotten is answered for as if it had never been.
    case unknownForgotten = "take the forgotten for the unknown"
    /// An owner that comes back knows nothing of what it may have proposed.
    case forgottenProposal = "forget what an earlier life may have proposed"
    /// A node forgets what it alone has executed.
    case earlyForgetting = "forget before others have executed"

    /// Those that are in the log's machine.
    package static var ofLog: [PlantedBug] {
      Array(allCases.drop { $0 != .exemptFirstLeader }.prefix { $0 != .singleBallot })
    }

    /// Those that are in the machine of instances.
    package static var ofInstances: [PlantedBug] {
      Array(allCases.drop { $0 != .singleBallot })
    }

    /// Those that are elsewhere.
    package static var ofRegisters: [PlantedBug] {
      Array(allCases.prefix { $0 != .exemptFirstLeader })
    }

    /// Which one is planted here; nil for none. Of a thread or a task, so that others are as they
    /// should be meanwhile.
    @TaskLocal package static var planted: PlantedBug?

    /// Whether it is this one.
    package static func has(_ bug: PlantedBug) -> Bool { planted == bug }
  }
#endif
