import Synod

/// A `MembersReport` for people.
struct MembersTable {
  let lines: [String]

  init(_ report: MembersReport) {
    var lines = [
      "cluster \(report.cluster), epoch \(report.epoch), asked node \(report.node)",
      report.isChanging
        ? "voters \(Self.list(report.voters)) → \(Self.list(report.incoming)), a change under way"
          + (report.progress.map { ", \($0) % of the keys taken over" } ?? "")
        : "voters \(Self.list(report.voters))",
    ]
    if let quorums = report.quorums {
      lines.append(
        "of \(quorums.voters) voters \(quorums.prepare) promise and \(quorums.accept) accept a change"
      )
    }
    let rows =
      [["id", "role", "address", "state"]]
      + report.members.map {
        ["\($0.voter)", $0.role, $0.address.isEmpty ? "unknown" : $0.address, $0.state]
      }
    let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
    for row in rows {
      lines.append(
        zip(row, widths).map { $0.padded(to: $1 + 2) }.joined() + row[3])
    }
    self.lines = lines
  }

  static func list(_ voters: [VoterID]) -> String {
    voters.map(\.description).joined(separator: ", ")
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
