/// What a world asks, as closures that are specialised where the subject is known.
extension ClusterModel {
  @inlinable
  var rules: ClusterRules {
    ClusterRules(
      nodes: nodes, plan: subject.plan.map(\.node), groups: subject.groups,
      interchangeable: interchangeable,
      begin: {
        let beginning = self.begin()
        return (beginning.locals, beginning.mailboxes, beginning.ledger)
      },
      react: { self.react($0, to: $1) },
      record: { self.ledger($1, after: $0) },
      isDead: { self.isDead($0, at: $1, done: $2) },
      mayWait: { self.mayWait($0, at: $1) },
      localTraits: { self.traits(ofLocal: $0) },
      ledgerTraits: { self.traits(ofLedger: $0) },
      violation: { self.violations[Int($0)] },
      describe: { self.describe($0, at: $1) },
      swap: { self.swapped($0, $1, $2, $3) },
      bytes: { self.bytes }, sights: { self.sights })
  }
}
