import RESP
import Synod
import Testing

@testable import SynodServer

private let noAuth = "-NOAUTH Authentication required.\r\n"
private let wrongPass = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"

private func user(_ name: String, _ right: Right, _ prefixes: String...) -> User {
  User(
    name: name, passwords: ["$y$"], right: right,
    prefixes: prefixes.isEmpty ? nil : prefixes.map { Bytes($0) })
}

@Test func whoHasNotLoggedInIsToldSo() {
  var talk = Talk(users: user("ada", .write))
  for command in [
    "GET k", "SET k v", "DEL a b", "PING", "CLIENT LIST", "INFO", "SCAN 0", "FLUSHALL", "MULTI",
    "SYNOD.WATCH k", "SYNOD.MEMBERS", "SYNOD.ONCE c 1 INCR k", "SYNOD.SETTLE k", "ACL WHOAMI",
    "CONFIG GET x", "SELECT 0", "COMMAND",
  ] {
    let reply = talk.ask(command)
    // Without --enable-flush it is refused before anybody asks who it is.
    #expect(reply == noAuth || command == "FLUSHALL", "\(command): \(reply)")
  }
  #expect(talk.ask("NONSENSE").hasPrefix("-ERR unknown command"))
  #expect(talk.ask("HELLO 3").hasPrefix("-NOAUTH HELLO must be called"))
  #expect(talk.ask("RESET") == "+RESET\r\n")
  #expect(talk.ask("QUIT") == "+OK\r\n" && talk.conversation.isOver)
}

@Test func figuresOfAllAreNotForThoseOfAFewKeys() {
  var talk = Talk(users: user("ada", .read), user("bob", .write, "b:"), user("eve", .admin))
  #expect(talk.ask("AUTH ada ada", "CONFIG RESETSTAT").contains("-NOPERM"))
  #expect(!talk.ask("INFO").contains("narrow"))
  #expect(talk.ask("AUTH bob bob", "INFO").contains("narrow"))
  #expect(talk.ask("AUTH eve eve", "CONFIG RESETSTAT") == "+OK\r\n+OK\r\n")
}

@Test func whoeverLogsInMayGoOn() {
  var talk = Talk(users: user("ada", .write), user("default", .read))
  #expect(talk.ask("AUTH ada x") == wrongPass)
  #expect(talk.ask("AUTH nobody ada") == wrongPass)
  #expect(talk.ask("GET k") == noAuth)
  #expect(talk.ask("AUTH ada ada", "SET k v", "ACL WHOAMI") == "+OK\r\n+OK\r\n$3\r\nada\r\n")
  #expect(talk.host.facts.user == "ada")
  #expect(talk.ask("AUTH ada x", "GET k") == wrongPass + "$1\r\nv\r\n", "it stays who it was")
  #expect(talk.ask("AUTH default", "GET k") == "+OK\r\n$1\r\nv\r\n", "default, where no name is")
  #expect(talk.ask("RESET", "GET k") == "+RESET\r\n" + noAuth)
  #expect(talk.ask("AUTH a b c") == "-ERR syntax error\r\n")
}

@Test func whoAsksOnWithoutLoggingInIsTurnedAway() {
  var talk = Talk(users: user("ada", .write))
  for _ in 0..<Conversation.mostOfStranger { #expect(talk.ask("GET k") == noAuth) }
  #expect(talk.ask("GET k", "GET k").hasPrefix("-NOAUTH Authentication required; that was asked"))
  #expect(talk.conversation.isOver)
  // Those who log in have asked nothing before.
  var known = Talk(users: user("ada", .write))
  for _ in 0..<3 {
    for _ in 0..<(Conversation.mostOfStranger - 2) { #expect(known.ask("RESET") == "+RESET\r\n") }
    #expect(known.ask("AUTH ada ada") == "+OK\r\n")
  }
  for _ in 0..<(2 * Conversation.mostOfStranger) { #expect(known.ask("GET k") == "$-1\r\n") }
}

@Test func helloLogsIn() {
  var talk = Talk(users: user("ada", .write))
  #expect(talk.ask("HELLO 3 AUTH ada x SETNAME n") == wrongPass)
  #expect(talk.host.facts.name == "" && talk.conversation.version == .resp2)
  let reply = talk.ask("HELLO 3 AUTH ada ada SETNAME n", "GET none")
  #expect(reply.hasPrefix("%7\r\n") && reply.hasSuffix("_\r\n"), "\(reply)")
  #expect(talk.host.facts.name == "n")
  #expect(talk.ask("HELLO 2").hasPrefix("*14\r\n"), "who has logged in says no password again")
}

@Test func nothingIsTakenWhileAPasswordIsLookedAt() {
  var talk = Talk(users: user("ada", .write))
  talk.host.isLookingLater = true
  talk.send("PING\r\nAUTH ada ada\r\nSET k v\r\nGET k\r\n")
  talk.settle()
  #expect(talk.received() == noAuth)
  #expect(!talk.conversation.isReadable && !talk.conversation.goesOn)
  #expect(talk.host.table.isEmpty)
  talk.conversation.loggedIn(talk.host.answerToLogin(), talk.host)
  #expect(talk.conversation.goesOn)
  talk.settle()
  #expect(talk.received() == "+OK\r\n+OK\r\n$1\r\nv\r\n")
}

@Test func aConnectionThatEndsMeanwhileIsStillAnswered() {
  var talk = Talk(users: user("ada", .write))
  talk.host.isLookingLater = true
  talk.send("AUTH ada ada\r\n")
  talk.conversation.endInput()
  #expect(!talk.conversation.isOver)
  talk.conversation.loggedIn(.crowded, talk.host)
  #expect(talk.received().hasPrefix("-TRYAGAIN too many passwords wait"))
  #expect(talk.conversation.isOver)
}

@Test(arguments: [
  ("GET k", Right.read, "get"), ("MGET a b", .read, ""), ("EXISTS k", .read, ""),
  ("STRLEN k", .read, ""), ("SCAN 0", .read, ""), ("KEYS *", .read, ""), ("DBSIZE", .read, ""),
  ("SYNOD.WATCH k", .read, ""), ("SET k v", .write, "set"), ("GETSET k v", .write, "getset"),
  ("GETDEL k", .write, "getdel"), ("DEL a b", .write, "del"), ("CAS k a b", .write, "cas"),
  ("SYNOD.ONCE c 1 INCR k", .write, "synod.once"), ("SYNOD.SETTLE k", .write, "synod.settle"),
  ("SYNOD.FORGET c 1 k", .write, "synod.forget"), ("MSET a 1", .write, "mset"),
  ("SYNOD.LEASE GET l", .read, ""), ("SYNOD.LEASE TAKE l h 9", .write, "synod.lease"),
  ("SYNOD.MEMBERS", .admin, "synod.members"), ("CLIENT LIST", .admin, "client|list"),
  ("SYNOD.MEMBERS REMOVE 2", .admin, "synod.members|remove"), ("CLIENT ID", .read, ""),
  ("PING", .read, ""), ("INFO", .read, ""),
])
func aCommandNeedsItsRight(_ command: String, _ needed: Right, _ name: String) {
  for right in Right.allCases {
    var talk = Talk(users: user("ada", right), initially: .user(user("ada", right)))
    talk.send(command + "\r\n")
    let reply = talk.received()
    if right < needed {
      #expect(reply == "-NOPERM User ada has no permissions to run the '\(name)' command\r\n")
    } else {
      #expect(!reply.hasPrefix("-NOPERM"), "\(right): \(reply)")
    }
  }
}

@Test func deletingEverythingIsForAdministrators() {
  var limits = Conversation.Limits()
  limits.values.allowsFlush = true
  for right in Right.allCases {
    var talk = Talk(limits)
    talk.conversation.access = .user(user("ada", right))
    let reply = talk.ask("FLUSHALL")
    #expect(reply.hasPrefix("-NOPERM ") == (right != .admin), "\(reply)")
  }
}

@Test func aUserSeesOnlyKeysThatBeginAsSaid() {
  let refusal = "-NOPERM No permissions to access a key\r\n"
  var talk = Talk(initially: .user(user("ada", .admin, "a:", "bb")))
  talk.host.table = ["a:1": "x", "zzzz1": "y", "bb": "z", "b12345": "q"]
  #expect(talk.ask("GET a:1", "GET bb") == "$1\r\nx\r\n$1\r\nz\r\n")
  for command in [
    "GET zzzz1", "GET b", "GET a", "SET b1 v", "DEL a:1 zzzz1", "MGET a:1 b", "CAS x 1 2",
    "SYNOD.ONCE c 1 INCR x", "SYNOD.SETTLE x", "SYNOD.FORGET c 1 x", "MSET a:1 1 x 2",
    "SYNOD.LEASE TAKE x h 9", "SYNOD.WATCH x", "SYNOD.WATCH PREFIX a", "EXISTS a:1 x",
    "SYNOD.WATCH PREFIX",
  ] {
    #expect(talk.ask(command) == refusal, "\(command)")
  }
  #expect(talk.host.proposed.isEmpty && talk.host.watched.isEmpty)
  #expect(talk.ask("KEYS *") == "*2\r\n$2\r\nbb\r\n$3\r\na:1\r\n")
  #expect(talk.ask("SCAN 0") == "*2\r\n$1\r\n0\r\n*2\r\n$2\r\nbb\r\n$3\r\na:1\r\n")
  for command in ["DBSIZE", "RANDOMKEY"] {
    #expect(talk.ask(command).hasPrefix("-NOPERM User ada"), "\(command)")
  }
  #expect(talk.ask("SYNOD.WATCH PREFIX a:") == "+OK\r\n")
  #expect(talk.host.watched.count == 1)
}

@Test func aTransactionWithWhatIsNotAllowedIsRefused() {
  var talk = Talk(initially: .user(user("ada", .read)), takesCommands: true)
  talk.send("MULTI\r\nGET k\r\nSET k v\r\nEXEC\r\n")
  let replies = talk.received()
  #expect(replies.contains("-NOPERM User ada has no permissions to run the 'set' command"))
  #expect(replies.contains("-EXECABORT"), "\(replies)")
  #expect(talk.host.commands.isEmpty)
}

@Test func whoBecomesAnotherWatchesNoMore() {
  var talk = Talk(users: user("ada", .read), initially: .user(user("bob", .read)))
  #expect(talk.ask("HELLO 3", "SYNOD.WATCH k").hasSuffix("+OK\r\n"))
  #expect(talk.ask("AUTH ada ada") == "+OK\r\n")
  #expect(talk.host.watched.isEmpty)
}

@Test func littleIsHeldOfOneWhoHasNotLoggedIn() {
  var talk = Talk(users: user("ada", .write))
  talk.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$16385\r\n")
  #expect(talk.received().contains("invalid bulk length: 16385 bytes, the limit is 16384"))
  #expect(talk.conversation.isOver)
  var other = Talk(users: user("ada", .write))
  #expect(other.ask("AUTH ada ada") == "+OK\r\n")
  other.send(
    "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$16385\r\n" + String(repeating: "v", count: 16385) + "\r\n")
  other.settle()
  #expect(other.received() == "+OK\r\n")
}

@Test func aPasswordMayHaveBlanksAndIsBounded() {
  var talk = Talk(users: user("ada", .write))
  talk.host.passwords["ada"]?.password = "a b"
  #expect(talk.ask("AUTH ada \"a b\"") == "+OK\r\n")
  let long = String(repeating: "x", count: PasswordHash.longestPassword + 1)
  #expect(talk.ask("AUTH ada " + long) == wrongPass)
  #expect(talk.host.logins.isEmpty)
}
