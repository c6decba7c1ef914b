import KeyValue
import Synod
import Testing

@Test(arguments: 1...30 as ClosedRange<UInt64>)
func commandsThatDoNotInterfereMayBeExchanged(_ seed: UInt64) {
  var commands = RandomCommands(seed: seed, names: 6)
  var state = KeyValueState()
  var events: [LeaseEvent] = []
  var exchanged = 0
  for stamp in stride(from: 1, to: 600, by: 2) as StrideTo<UInt64> {
    let a = commands.command()
    let b = commands.command()
    if !a.footprint.interferes(with: b.footprint) {
      exchanged += 1
      #expect(!b.footprint.interferes(with: a.footprint))
      var first = state
      var second = state
      let a1 = first.apply(a, stamp: stamp, events: &events)
      let b1 = first.apply(b, stamp: stamp + 1, events: &events)
      let b2 = second.apply(b, stamp: stamp + 1, events: &events)
      let a2 = second.apply(a, stamp: stamp, events: &events)
      #expect(a1 == a2 && b1 == b2, "\(a) and \(b)")
      #expect(first.digest == second.digest, "\(a) and \(b)")
    }
    commands.note(state.apply(a, stamp: stamp, events: &events), stamp: stamp)
    commands.note(state.apply(b, stamp: stamp + 1, events: &events), stamp: stamp + 1)
  }
  #expect(exchanged > 50)
}

@Test(arguments: 1...10 as ClosedRange<UInt64>)
func whatWritesNothingSaysSo(_ seed: UInt64) {
  var commands = RandomCommands(seed: seed)
  var state = KeyValueState()
  var events: [LeaseEvent] = []
  for stamp in 1...500 as ClosedRange<UInt64> {
    let command = commands.command()
    let before = state.digest
    let answer = state.answer(command)
    #expect((answer != nil) == command.isReadOnly)
    let outcome = state.apply(command, stamp: stamp, events: &events)
    if !command.footprint.isWrite { #expect(state.digest == before) }
    if command.isReadOnly {
      #expect(!command.footprint.isWrite)
      #expect(answer == outcome)
    }
    commands.note(outcome, stamp: stamp)
  }
}

@Test func readsOfOneKeyDoNotInterfereAndWritesDo() {
  func footprint(_ step: KeyValueStep) -> Footprint { KeyValueCommand.one(step).footprint }
  let get = footprint(.change(.get, of: "k"))
  let set = footprint(.change(.set("v"), of: "k"))
  let other = footprint(.set([KeyValuePair("a", "1"), KeyValuePair("b", "2")]))
  let lease = footprint(.lease(.take(name: "k", holder: "h", milliseconds: 1)))
  #expect(!get.interferes(with: get))
  #expect(get.interferes(with: set) && set.interferes(with: get) && set.interferes(with: set))
  #expect(!other.interferes(with: set))
  #expect(other.interferes(with: footprint(.get(["c", "b"]))))
  #expect(!lease.interferes(with: set), "a lease and a key of one name are two things")
  #expect(footprint(.size).interferes(with: set) && !footprint(.size).interferes(with: get))
  #expect(
    footprint(.deleteAll).interferes(with: get) && !footprint(.deleteAll).interferes(with: lease))
  let configure = footprint(.configure(KeyValueLimits(), seed: 1))
  #expect(configure.interferes(with: lease), "limits hold for leases too")
}
