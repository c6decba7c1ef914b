import Synod
import Testing
import UV

@testable import SynodServer

/// Of "secret", as `synod users entry` makes it but at the least cost, so that tests are quick.
private let hash = "$y$j75$IJ265wbZQ.PfZH80FMpM4.$o62YCr4VQM9xMW0O2Fo0uvne8aL5zG4LJaMoAXsYq4."

private func book(_ text: String) throws -> UserBook { try UserBook(SettingsText(text)) }

@Test func usersAreReadFromTheirFile() throws {
  let users = try book(
    """
    [default]
    may = "read"
    [alice]
    password = "\(hash)"
    may = "write"
    prefixes = ["cart:", "app:"]
    [bob]
    password = ["\(hash)", "\(hash)"]
    may = "admin"
    """)
  #expect(users.all.map(\.name) == ["alice", "bob", "default"])
  let alice = try #require(users["alice"])
  #expect(alice.right == .write && alice.prefixes == ["cart:", "app:"])
  #expect(alice.has("cart:1") && alice.has("app:") && !alice.has("app") && !alice.has("x"))
  #expect(users["bob"]?.passwords == [hash, hash] && users["bob"]?.has("x") == true)
  guard case .user(let first) = users.initial else {
    Issue.record("default has no password, so whoever comes is default")
    return
  }
  #expect(first.name == "default")
}

@Test func aDefaultUserWithAPasswordLogsInAsOthersDo() throws {
  let users = try book("[default]\nmay = \"admin\"\npassword = \"\(hash)\"")
  guard case .stranger = users.initial else {
    Issue.record("nobody is anybody without a password")
    return
  }
}

@Test(arguments: [
  ("may = \"read\"", "line 1: 'may' belongs to nobody"),
  ("[a]\npassword = \"HASH\"", "line 1: [a] has no 'may'"),
  ("[a]\nmay = \"read\"", "line 1: [a] has no password: 'synod users entry a' makes one"),
  ("[a]\nmay = \"root\"", "line 2: may is \"read\", \"write\" or \"admin\", not \"root\""),
  ("[a]\nmay = 3", "line 2: may is"), ("[a]\nrights = 1", "line 2: 'rights' is none of"),
  ("[a]\npassword = \"secret\"", "line 2: password is no hash of a slow method"),
  ("[a]\npassword = \"$1$salt$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "no hash of a slow method"),
  ("[a]\npassword = []", "line 2: password is one hash"), ("[a]\npassword = 1", "is one hash"),
  ("[a]\nprefixes = []", "line 2: prefixes is a list"), ("[a]\nprefixes = [\"\"]", "is a list"),
  ("[a]\nprefixes = \"x\"", "is a list"), ("[\"a b\"]\nmay = \"read\"", "'a b' is no name"),
  ("[\"\"]\nmay = \"read\"", "'' is no name"),
])
func aFaultInTheFileOfUsersIsNamed(_ text: String, _ expected: String) {
  do throws(SettingsText.Malformed) {
    _ = try UserBook(SettingsText(text.replacing("HASH", with: hash)))
    Issue.record("\(text) was read")
  } catch {
    #expect(error.description.contains(expected), "\(error)")
    #expect(!error.description.contains("secret"), "a password is not repeated")
  }
}

@Test func aPasswordFitsItsHashAndNoOther() throws {
  #expect(PasswordHash.matches("secret", hash))
  for wrong in ["", "Secret", "secre", "secret ", "secret\0", String(repeating: "x", count: 600)] {
    #expect(!PasswordHash.matches(wrong, hash))
  }
  let made = try #require(PasswordHash.make(of: "pw é"))
  #expect(made.hasPrefix("$y$") && PasswordHash.isStrong(made))
  #expect(PasswordHash.matches("pw é", made) && !PasswordHash.matches("pw", made))
  #expect(PasswordHash.make(of: "pw é") != made, "each has a salt of its own")
  #expect(PasswordHash.make(of: "a\0b") == nil)
  for weak in ["", "secret", "*0", "$y$", "$1$abcdefgh$" + String(repeating: "a", count: 40)] {
    #expect(!PasswordHash.isStrong(weak), "\(weak)")
    #expect(!PasswordHash.matches("secret", weak))
  }
}

@Test func anEntryThatIsPrintedIsOneThatIsRead() throws {
  let entry = UsersCommand.Entry.entry("a@b", hash, .write, ["x:", "\"y\\"])
  let user = try #require(try book(entry)["a@b"])
  #expect(user.right == .write && user.passwords == [hash])
  #expect(user.prefixes == ["x:", "\"y\\"])
}

/// A gate, and what it has said.
private final class Gate {
  let loop: Loop
  let gate: PasswordGate
  var said: [String] = []

  init() throws {
    loop = try Loop()
    gate = PasswordGate(try book("[ada]\nmay = \"read\"\npassword = \"\(hash)\""), loop: loop)
  }

  func look(_ name: String, _ password: String, from address: String = "h") {
    gate.look(name, password, from: address) { [unowned self] answer in
      switch answer {
      case .granted(let user): said.append("\(user.name) came")
      case .wrong: said.append("\(name) did not")
      case .crowded: said.append("crowded")
      }
    }
  }
}

@Test func aPasswordIsLookedAtOnceHoweverManyGiveIt() throws {
  let gate = try Gate()
  for _ in 0..<100 { gate.look("ada", "secret") }
  #expect(gate.said.isEmpty, "never on the loop")
  gate.loop.run()
  #expect(gate.said == Array(repeating: "ada came", count: 100))
  gate.look("ada", "secret")
  #expect(gate.said.count == 101, "what is known is answered at once")
}

@Test func wrongPasswordsAndUnknownNamesAreToldAlike() throws {
  let gate = try Gate()
  gate.look("ada", "wrong")
  gate.look("eve", "secret")
  gate.loop.run()
  #expect(gate.said == ["ada did not", "eve did not"])
  gate.look("ada", "wrong")
  #expect(gate.said.count == 3, "it is not looked at again")
}

@Test func aGateThatIsClosedSaysNothingOfWhatIsLookedAt() throws {
  let gate = try Gate()
  gate.look("ada", "wrong")
  gate.look("ada", "secret")
  gate.gate.close()
  gate.loop.close()
  #expect(gate.said.isEmpty)
}

@Test func whoGuessesDoesNotKeepOthersOut() throws {
  let gate = try Gate()
  for number in 0..<30 { gate.look("ada", "guess\(number)", from: "evil") }
  #expect(gate.said == Array(repeating: "crowded", count: 30 - PasswordGate.mostOfAddress))
  gate.look("ada", "secret", from: "good")
  gate.loop.run()
  let place = try #require(gate.said.firstIndex(of: "ada came"))
  #expect(place == 30 - PasswordGate.mostOfAddress + 1, "behind the one that was begun")
  #expect(gate.said.count == 31)
}

@Test func anotherBookCounts() throws {
  let gate = try Gate()
  gate.look("ada", "secret")
  // It is being looked at.
  gate.gate.use(try book("[bob]\nmay = \"read\"\npassword = \"\(hash)\""))
  gate.look("bob", "secret")
  gate.loop.run()
  #expect(gate.said == ["ada did not", "bob came"])
}
