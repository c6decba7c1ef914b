import EPaxos
import KeyValue
import Synod

enum LeaderlessFuzz: MachineFuzz {
  static func machine(_ voter: VoterID) -> EPaxos.Machine<KeyValueState> {
    EPaxos.Machine(Settings(voter: voter, configuration: configuration, seed: 1))
  }

  static func proposal(_ number: UInt8) -> Proposal<KeyValueState> {
    let key = Bytes([number & 3])
    switch number >> 2 {
    case 0: return Proposal(.query(.one(.get([key])), .linearizable))
    case 1: return Proposal(.barrier)
    default: return Proposal(.command(.one(.set([KeyValuePair(key, Bytes([number]))]))))
    }
  }
}
