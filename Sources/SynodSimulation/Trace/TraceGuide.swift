/// What a page says of a protocol to somebody who does not know it.
public struct TraceGuide: Hashable, Sendable {
  /// How the protocol works, a paragraph each.
  public var story: [String]
  /// A round in the order of its steps: the word on the arrow, and what it means.
  public var steps: [TraceText.Field]
  /// Other words that events have, and what they mean.
  public var words: [TraceText.Field]

  /// One made of its parts.
  public init(story: [String], steps: [TraceText.Field], words: [TraceText.Field]) {
    self.story = story
    self.steps = steps
    self.words = words
  }

  func write(into json: inout JSONText) {
    json.object { json in
      json.name("story")
      json.array { json in for paragraph in story { json.string(paragraph) } }
      for (name, fields) in [("steps", steps), ("words", words)] {
        json.name(name)
        json.array { json in
          for field in fields {
            json.array { json in
              json.string(field.name)
              json.string(field.value)
            }
          }
        }
      }
    }
  }
}

extension TraceGuide {
  /// Paxos over registers: every change is a round of two questions to all, each answered by enough.
  public static let paxos = TraceGuide(
    story: [
      """
      A register is kept by several nodes, and any of them may change it at any time. What makes \
      them agree is a round of two questions, under a number that nobody else ever uses: a ballot. \
      Ballots are ordered, and each has a colour here. Its last part is the node that drew it.
      """,
      """
      Why it is safe: any group of nodes that promises and any group that accepts share at least \
      one node. So whoever prepares later meets somebody who accepted what was chosen, and carries \
      it on. Which messages are lost, late or repeated does not matter for that.
      """,
      """
      Why it may take long: two nodes that prepare in turn push each other's accepts aside, again \
      and again. They wait for a random while after each conflict, until one is alone.
      """,
    ],
    steps: [
      .init(
        "prepare",
        """
        “Will you refuse every ballot below this one?” A node that wants to change a register asks \
        all of them, itself too.
        """),
      .init(
        "promise",
        """
        “I will; and this is the last I accepted.” A voter says so only if it has promised nothing \
        higher, and only after its promise is synced: it must hold after a crash.
        """),
      .init(
        "accept",
        """
        “Please store this.” With promises from enough voters, the node takes the value of the \
        highest ballot that they told of, applies the change to it, and asks all to accept the \
        result.
        """),
      .init(
        "accepted",
        """
        “It is stored.” Given unless a higher ballot was promised meanwhile, and only after a sync. \
        Once enough have accepted, the value is chosen for good, and the client is answered.
        """),
    ],
    words: [
      .init(
        "conflict",
        """
        “I have promised a higher ballot.” Nothing is lost: the node tries again with a ballot \
        above that.
        """),
      .init(
        "read",
        """
        Asks all for what they accepted last, and changes nothing. If enough of them have the same, \
        it is chosen and the read is over after one round trip; else it becomes a round.
        """),
      .init("read reply", "What this voter accepted last, as far as it is synced."),
      .init(
        "reserve",
        """
        A block of ballots is written down as used before any of them is. After a crash the node \
        begins above it, so no ballot is ever used twice.
        """),
      .init("promised", "The promise, as the voter writes it down before it tells anybody."),
      .init("configuration", "Who votes, and how many make a quorum."),
    ])
}
