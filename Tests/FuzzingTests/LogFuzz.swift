import KeyValue
import MultiPaxos
import Synod

enum LogFuzz: MachineFuzz {
  static func machine(_ voter: VoterID) -> MultiPaxos.Machine<KeyValueState> {
    MultiPaxos.Machine(Settings(voter: voter, configuration: configuration, seed: 1))
  }

  static func proposal(_ number: UInt8) -> Proposal<KeyValueState> {
    let key = Bytes([number & 3])
    switch number >> 2 {
    case 0: return Proposal(.query(.one(.get([key])), .follower))
    case 1: return Proposal(.barrier)
    case 2: return Proposal(.transferLeadership(to: VoterID(2)))
    default: return Proposal(.command(.one(.set([KeyValuePair(key, Bytes([number]))]))))
    }
  }
}
