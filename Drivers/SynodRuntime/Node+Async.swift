public import Synod

extension Node {
  /// Proposes and waits for the outcome. From any task.
  ///
  /// A task that is cancelled gives the proposal up, and its completion says what is known: "not
  /// applied" where that is certain, "unknown" where it is not.
  /// - Parameters:
  ///   - proposal: what is asked.
  ///   - needsSpace: false for what writes nothing.
  /// - Throws: `.stopped`, `.lowOnSpace` and `.storeBehind`, which had no effect; `.stoppedMeanwhile`,
  ///   which may have had one.
  @inlinable public func propose(
    _ proposal: Machine.Proposal, needsSpace: Bool = true
  ) async throws(NodeError) -> Machine.Completion {
    let id = mailbox.nextID()
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { (reply: NodeMailbox<Machine>.Reply) in
        guard mailbox.post(.propose(proposal, as: id, needsSpace: needsSpace, reply)) else {
          return reply.resume(returning: .failure(.stopped))
        }
        // A cancellation before the post found nothing to cancel; one after it is posted behind it.
        if Task.isCancelled { _ = mailbox.post(.cancel(id)) }
      }
    } onCancel: {
      _ = mailbox.post(.cancel(id))
    }
    return try result.get()
  }
}
