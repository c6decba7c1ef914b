#if TLS
  import Glibc
  import Synod
  import Testing

  @testable import SynodTLS

  @Suite struct CertificateTests {
    @Test func aNameReadsBackAsWrittenAndNothingElseIsOne() {
      for token in ["", "demo", "a/voter/2", "ü %", "x.y_z~-"] {
        for voter in [1, 7, UInt32.max] {
          let name = CertificateName(token: token, voter: VoterID(voter))
          #expect(CertificateName(name.description) == name)
        }
      }
      #expect("\(TLSBench.name(3, of: "a/b"))" == "synod://a%2Fb/voter/3")
      for text in [
        "", "synod://", "synod://t/voter/", "synod://t/voter/0", "synod://t/voter/03",
        "synod://t/voter/3/", "synod://t/voter/+3", "synod://a/b/voter/3", "http://t/voter/3",
        "synod://t/voter/3/voter/4", "synod://t/voter/4294967296",
      ] {
        #expect(CertificateName(text) == nil, "\(text)")
      }
    }

    @Test func eachSideLearnsWhoTheOtherIs() throws {
      let bench = try TLSBench()
      let pair = TLSPair.nodes(try bench.node(1), try bench.node(2))
      pair.sendA([])
      pair.run()
      #expect(pair.a.objection(to: VoterID(2)) == nil)
      #expect(pair.b.objection(to: VoterID(1)) == nil)
      for (filter, other) in [(pair.a, 3), (pair.b, 2)] {
        let objection = try #require(filter.objection(to: VoterID(UInt32(other))))
        #expect(objection.contains("says that it is voter \(other)"))
      }
    }

    @Test func aNodeOfAnotherClusterIsObjectedTo() throws {
      let bench = try TLSBench()
      let pair = TLSPair.nodes(try bench.node(1), try bench.node(2, of: "u"))
      pair.sendA([])
      pair.run()
      let objection = try #require(pair.a.objection(to: VoterID(2)))
      #expect(objection.contains("names synod://u/voter/2, not synod://t/voter/2"))
      #expect(pair.b.objection(to: VoterID(1)) != nil)
    }

    @Test func aCertificateThatNamesNobodyIsObjectedTo() throws {
      let bench = try TLSBench()
      let client = try bench.context(.client("a client"))
      let node = try bench.node(2)
      let pair = TLSPair(
        TLSFilter(client, .node(own: TLSBench.name(1), dials: true)),
        TLSFilter(node, .node(own: node.names[0], dials: false)))
      pair.sendA([])
      pair.run()
      #expect(pair.b.objection(to: VoterID(1))?.contains("names /CN=a client") == true)
    }

    @Test func anotherAuthoritysCertificateIsRefusedBothWays() throws {
      let (bench, other) = (try TLSBench("one"), try TLSBench("two"))
      // The one that dials is refused by the one that listens, and learns that.
      let foreign = try other.context(.node(TLSBench.name(1), hosts: []), trusting: bench)
      let pair = TLSPair.nodes(foreign, try bench.node(2))
      pair.sendA([[1]])
      pair.run()
      #expect(
        pair.failureB
          == .refusedCertificate(
            of: "synod://t/voter/1", why: "unable to get local issuer certificate"),
        "\(String(describing: pair.failureB))")
      #expect(
        pair.failureA == .refusedByOther("unknown ca"), "\(String(describing: pair.failureA))")
      #expect(pair.gotB == [])
      // The one that listens is refused by the one that dials.
      let turned = TLSPair.nodes(try bench.node(2), foreign)
      turned.sendA([[1]])
      turned.run()
      #expect(turned.failureA?.description.contains("unable to get local issuer") == true)
      #expect(turned.failureB == .refusedByOther("unknown ca"))
      #expect(turned.gotB == [])
    }

    @Test func anExpiredCertificateIsRefusedBothWays() throws {
      let bench = try TLSBench()
      let old = try bench.node(1, valid: .init(from: -7200, until: -60))
      let pair = TLSPair.nodes(old, try bench.node(2))
      pair.sendA([[1]])
      pair.run()
      #expect(
        pair.failureB
          == .refusedCertificate(of: "synod://t/voter/1", why: "certificate has expired"))
      #expect(pair.failureA == .refusedByOther("certificate expired"))
      let turned = TLSPair.nodes(try bench.node(2), old)
      turned.sendA([[1]])
      turned.run()
      #expect(turned.failureA?.description.contains("certificate has expired") == true)
      #expect(turned.gotB == [])
      let early = TLSPair.nodes(
        try bench.node(1, valid: .init(from: 3600, until: 7200)), try bench.node(2))
      early.sendA([[1]])
      early.run()
      #expect(early.failureB?.description.contains("not yet valid") == true)
    }

    @Test func whoShowsNoCertificateIsNoPeer() throws {
      let bench = try TLSBench()
      let node = try bench.node(2)
      let pair = TLSPair(
        TLSFilter(try bench.context(nil), .server(host: "127.0.0.1")),
        TLSFilter(node, .node(own: node.names[0], dials: false)))
      pair.sendA([[1]])
      pair.run()
      #expect(pair.failureB == .noCertificate)
      #expect(pair.failureA?.description.contains("certificate required") == true)
      #expect(pair.gotB == [])
    }

    @Test(arguments: [false, true])
    func aClientNeedsACertificateWhereItMust(_ must: Bool) throws {
      let bench = try TLSBench()
      let node = try bench.node(2)
      for (context, gets) in [
        (try bench.context(nil), !must), (try bench.context(.client("c")), true),
      ] {
        let pair = TLSPair(
          TLSFilter(context, .server(host: "127.0.0.1")),
          TLSFilter(node, .client(showsCertificate: must)))
        pair.sendA([[1]])
        pair.run()
        #expect((pair.gotB == [1]) == gets, "\(String(describing: pair.failureB))")
      }
    }

    @Test func aClientLooksForTheHostThatItAsked() throws {
      let bench = try TLSBench()
      let node = try bench.node(2, hosts: ["db1", "10.0.0.1", "::1"])
      for (host, isRight) in [
        ("db1", true), ("10.0.0.1", true), ("::1", true), ("db2", false), ("10.0.0.2", false),
        ("127.0.0.1", false),
      ] {
        let pair = TLSPair(
          TLSFilter(try bench.context(nil), .server(host: host)),
          TLSFilter(node, .client(showsCertificate: false)))
        pair.sendA([[1]])
        pair.run()
        #expect((pair.gotB == [1]) == isRight, "\(host): \(String(describing: pair.failureA))")
        if !isRight { #expect(pair.failureA?.description.contains("mismatch") == true) }
      }
    }

    @Test func whoJoinsAsksAnyNodeOfItsCluster() throws {
      let bench = try TLSBench()
      for (token, isRight) in [("t", true), ("u", false)] {
        let pair = TLSPair(
          TLSFilter(try bench.node(4), .anyNode(of: TLSBench.name(4))),
          TLSFilter(try bench.node(2, of: token), .client(showsCertificate: true)))
        pair.sendA([[1]])
        pair.run()
        #expect((pair.gotB == [1]) == isRight)
        #expect((pair.failureA == nil) == isRight)
      }
    }

    @Test func filesThatDoNotBelongTogetherAreRefused() throws {
      let (bench, other) = (try TLSBench("one"), try TLSBench("two"))
      let holder = CertificateAuthority.Holder.node(TLSBench.name(1), hosts: ["localhost"])
      let one = try bench.authority.issue(to: holder, .days(1))
      let two = try bench.authority.issue(to: holder, .days(1))
      let ca = "\(bench.directory)/ca.pem"
      let certificate = bench.write(one.certificate, "x.pem")
      defer { for name in ["x.pem", "y.pem", "z.pem"] { unlink("\(bench.directory)/\(name)") } }
      func failure(_ certificate: String, _ key: String, _ authority: String) -> String {
        do throws(TLSError) {
          _ = try TLSContext(.init(certificate: certificate, key: key, authority: authority))
          return "none"
        } catch {
          return error.description
        }
      }
      let key = bench.write(one.key, "y.pem")
      #expect(failure(certificate, key, ca) == "none")
      #expect(
        failure(certificate, bench.write(two.key, "z.pem"), ca).contains("is not that of the"))
      #expect(failure(certificate, "\(bench.directory)/none", ca).contains("none: No such file"))
      #expect(failure("\(bench.directory)/none", key, ca).contains("none: No such file"))
      #expect(failure(certificate, key, "\(bench.directory)/none").contains("none: No such file"))
      #expect(failure(key, key, ca).contains("cannot use"))
      #expect(failure(certificate, certificate, ca).contains("cannot use"))
      #expect(
        failure(certificate, key, "\(other.directory)/ca.pem").contains("is not good by"))
    }

    @Test func moreCertificatesThanAnybodyNeedsAreNotHeld() throws {
      let bench = try TLSBench()
      let made = try bench.authority.issue(
        to: .node(TLSBench.name(1), hosts: ["localhost"]), .days(1))
      defer { for name in ["x.pem", "y.pem"] { unlink("\(bench.directory)/\(name)") } }
      let many = String(repeating: bench.authority.credential.certificate, count: 200)
      let greedy = try TLSContext(
        .init(
          certificate: bench.write(made.certificate + many, "x.pem"),
          key: bench.write(made.key, "y.pem"), authority: "\(bench.directory)/ca.pem"))
      let pair = TLSPair.nodes(greedy, try bench.node(2))
      pair.most = 1000
      pair.sendA([[1]])
      pair.run()
      #expect(
        pair.failureB == .broken("excessive message size"), "\(String(describing: pair.failureB))")
      #expect(pair.gotB == [])
    }

    @Test func whatIsNoHostIsNotPutIntoACertificate() throws {
      let bench = try TLSBench()
      for host in ["", "a,URI:synod://t/voter/2", "a b", "a:b", "é", "a/b"] {
        #expect(throws: TLSError.self) {
          try bench.authority.issue(to: .node(TLSBench.name(1), hosts: [host]), .days(1))
        }
      }
    }

    @Test func anAuthorityThatIsReadBackIssuesWhatTheFirstOneTrusts() throws {
      let bench = try TLSBench()
      let again = try CertificateAuthority(bench.authority.credential)
      let made = try again.issue(to: .node(TLSBench.name(5), hosts: ["localhost"]), .days(1))
      defer { for name in ["x.pem", "y.pem"] { unlink("\(bench.directory)/\(name)") } }
      let context = try TLSContext(
        .init(
          certificate: bench.write(made.certificate, "x.pem"), key: bench.write(made.key, "y.pem"),
          authority: "\(bench.directory)/ca.pem"))
      #expect(context.names == [TLSBench.name(5)])
      let ends = try #require(context.endsAt)
      #expect(abs(ends - Int64(time(nil)) - 86_400) < 100)
      #expect(throws: TLSError.self) {
        try CertificateAuthority(Credential(certificate: made.certificate, key: "nonsense"))
      }
    }
  }
#endif
