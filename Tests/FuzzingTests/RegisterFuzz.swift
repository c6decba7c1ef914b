import CASPaxos
import Synod

enum RegisterFuzz: MachineFuzz {
  static func machine(_ voter: VoterID) -> CASPaxos.Machine<SetValue> {
    CASPaxos.Machine(Settings(voter: voter, configuration: configuration, seed: 1))
  }

  static func proposal(_ number: UInt8) -> Proposal<SetValue> {
    let key = Bytes([number & 3])
    switch number >> 2 {
    case 0: return Proposal(key: key, operation: .read)
    case 1: return Proposal(key: key, operation: .list(after: nil, limit: 10))
    case 2: return Proposal(key: key, operation: .watch(.prefix))
    case 3: return Proposal(key: key, operation: .barrierRead)
    default: return Proposal(key: key, operation: .change(SetValue(Bytes([number]))))
    }
  }
}
