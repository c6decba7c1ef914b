import RESP
import Synod
import Testing

@testable import SynodServer

@Test(arguments: [
  ("PING", "+PONG\r\n"), ("PING hi", "$2\r\nhi\r\n"), ("ECHO hi", "$2\r\nhi\r\n"),
  ("PING a b", "-ERR wrong number of arguments for 'ping' command\r\n"),
  ("SELECT 0", "+OK\r\n"), ("SELECT 1", "-ERR DB index is out of range\r\n"),
  ("SELECT x", "-ERR value is not an integer or out of range\r\n"), ("RESET", "+RESET\r\n"),
  ("CLIENT ID", ":7\r\n"), ("CLIENT GETNAME", "$-1\r\n"),
  ("CLIENT SETINFO lib-name redis-py", "+OK\r\n"), ("CLIENT SETNAME me", "+OK\r\n"),
  ("CLIENT NO-EVICT on", "+OK\r\n"),
  ("CLIENT SETNAME", "-ERR wrong number of arguments for 'client|setname' command\r\n"),
  ("CLIENT KILL x", "-ERR unknown subcommand 'KILL'. Try CLIENT HELP.\r\n"),
  ("COMMAND DOCS", "*0\r\n"), ("COMMAND", "*0\r\n"), ("COMMAND COUNT", ":48\r\n"),
  ("CONFIG GET save", "*0\r\n"),
  (
    "AUTH x",
    "-ERR AUTH <password> called without any password configured for the default user. "
      + "Are you sure your configuration is correct?\r\n"
  ),
  ("AUTH default x", "+OK\r\n"),
  ("AUTH other x", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
  ("AUTH a b c", "-ERR syntax error\r\n"),
  ("HELLO 3 AUTH other x", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
  ("HELLO 3 AUTH x", "-ERR Syntax error in HELLO option 'AUTH'\r\n"),
  ("CLIENT NO-EVICT bogus", "-ERR syntax error\r\n"), ("CLIENT TRACKING OFF", "+OK\r\n"),
  ("CLIENT TRACKING on", "-ERR CLIENT TRACKING ON is not supported\r\n"),
  ("CLIENT REPLY ON", "+OK\r\n"),
  ("CLIENT REPLY skip", "-ERR CLIENT REPLY SKIP is not supported\r\n"),
  ("CLIENT GETREDIR", ":-1\r\n"), ("CLIENT LIST bogus", "-ERR syntax error\r\n"),
  ("CLIENT HELP x", "-ERR wrong number of arguments for 'client|help' command\r\n"),
  ("COMMAND COUNT x", "-ERR wrong number of arguments for 'command|count' command\r\n"),
  ("COMMAND BOGUS", "-ERR unknown subcommand 'BOGUS'. Try COMMAND HELP.\r\n"),
  ("CONFIG BOGUS", "-ERR unknown subcommand 'BOGUS'. Try CONFIG HELP.\r\n"),
  ("CONFIG REWRITE", "-ERR CONFIG REWRITE is not supported: settings are flags of synod serve\r\n"),
  (
    "CLIENT SETNAME 'a b'",
    "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"
  ),
  ("HELLO 4", "-NOPROTO unsupported protocol version\r\n"),
  ("HELLO x", "-ERR Protocol version is not an integer or out of range\r\n"),
  ("HELLO 3 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'\r\n"),
])
func aConnectionCommandIsAnswered(_ line: String, _ reply: String) {
  var talk = Talk()
  #expect(talk.ask(line) == reply)
}

@Test func helloChoosesTheVersionOfWhatFollows() {
  var talk = Talk()
  talk.send("GET k\r\nHELLO 3 SETNAME me\r\nGET k\r\n")
  talk.settle()
  let replies = talk.received()
  #expect(replies.hasPrefix("$-1\r\n%7\r\n$6\r\nserver\r\n$5\r\nsynod\r\n"))
  #expect(replies.hasSuffix("_\r\n"))
  #expect(talk.host.facts.name == "me" && talk.host.facts.version == .resp3)
  #expect(talk.ask("COMMAND DOCS", "HELLO 2").hasPrefix("%0\r\n*14\r\n"))
}

@Test func aRefusedHelloChangesNothing() {
  var talk = Talk()
  #expect(talk.ask("HELLO 3 AUTH other x").hasPrefix("-WRONGPASS "))
  #expect(talk.ask("GET k") == "$-1\r\n")
}

@Test func theDefaultUserNeedsNoPasswordAndMayGiveOne() {
  var talk = Talk()
  #expect(talk.ask("HELLO 3 AUTH default x SETNAME me").hasPrefix("%7\r\n"))
  #expect(talk.host.facts.name == "me")
}

@Test func whatAnErrorRecommendsIsThere() {
  var talk = Talk()
  for command in ["CLIENT", "COMMAND", "CONFIG"] {
    let reply = talk.ask("\(command) HELP")
    let lines = reply.split(separator: "\r\n")
    #expect(lines[0] == "*\(lines.count - 1)" && lines[1].hasPrefix("+\(command) <subcommand>"))
    #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("+") })
  }
}

@Test func quitIsAnsweredAndNothingBehindItIsRun() {
  var talk = Talk()
  talk.send("SET a 1\r\nQUIT\r\nSET a 2\r\n")
  talk.settle()
  #expect(talk.received() == "+OK\r\n+OK\r\n")
  #expect(talk.conversation.isOver && talk.host.table["a"] == "1")
}

@Test func aNameCannotBreakTheListOfClients() {
  var talk = Talk()
  #expect(talk.ask(#"CLIENT SETNAME "a\nid=1""#).hasPrefix("-ERR Client names cannot contain"))
  #expect(talk.ask("CLIENT SETNAME me").hasPrefix("+OK"))
  #expect(
    talk.ask("CLIENT LIST").contains("id=7 addr=127.0.0.1:5000 laddr=127.0.0.1:7001 name=me "))
}

@Test func theLongestIsForgottenWhenAClientAsksForThat() {
  var talk = Talk()
  #expect(talk.ask("CONFIG RESETSTAT") == "+OK\r\n")
  #expect(talk.host.longestForgotten == 1)
}

@Test func infoIsTextOfTheSectionsAskedFor() {
  var talk = Talk()
  #expect(talk.ask("INFO Server peers").contains(#"sections:["server", "peers"]"#))
}
