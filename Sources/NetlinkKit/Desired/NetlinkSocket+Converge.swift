// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension NetlinkSocket {
  /// Compares a desired state with what is in the namespace; nothing is changed.
  ///
  /// - Parameters:
  ///   - desired: what one owner wants to be there.
  ///   - stale: what becomes of the owner's objects that are not in it.
  /// - Returns: what has to change; empty when all is as desired.
  /// - Throws: ``NetlinkError`` with code `conflict` when an object that is not the owner's stands in the way,
  ///   `notFound` when a link is neither there nor to be created, `invalidArgument`, `interrupted`.
  public func plan(
    _ desired: DesiredState, stale: StaleObjects = .remove
  ) async throws(NetlinkError) -> ChangePlan {
    var planner = Planner(desired, stale, found: try await snapshot(for: desired, stale: stale))
    return try planner.plan()
  }

  /// Plans the removal of what a state describes, as far as it is there and bears the owner's marks.
  ///
  /// Links that the state does not create stay as they are. What is not there, and what is another's, is no error.
  ///
  /// - Parameter desired: what is to go.
  /// - Returns: what has to change; empty when nothing of it is there.
  /// - Throws: ``NetlinkError`` with code `invalidArgument`, `interrupted`.
  public func plan(removing desired: DesiredState) async throws(NetlinkError) -> ChangePlan {
    var planner = Planner(desired, .keep, found: try await snapshot(for: desired, stale: .keep))
    return try planner.planRemoval()
  }

  /// Makes the changes of a plan, or none of them.
  ///
  /// They are sent in as few batches as possible. When one fails, or the task is cancelled, those before it are taken back
  /// in reverse, whatever the task's state; so is one whose outcome is not known. What a plan can't take back
  /// (``ChangeStep/isReversible``) is done after everything else has succeeded, as far as it is not itself in the way.
  ///
  /// - Parameter plan: from this socket's namespace. It was made for what was there then: what changed since makes it
  ///   fail rather than overwrite.
  /// - Returns: what was done, for ``takeBack(_:)``.
  /// - Throws: ``NetlinkError`` of the step that failed; its ``NetlinkError/operation`` is the step, and its
  ///   ``NetlinkError/reason`` ends with what could not be taken back, if anything.
  /// - Requires: `CAP_NET_ADMIN`.
  @discardableResult
  public func apply(_ plan: ChangePlan) async throws(NetlinkError) -> AppliedChanges {
    var applied = AppliedChanges(indexes: plan.indexes)
    for run in plan.runs {
      let failure: NetlinkError?
      do throws(NetlinkError) {
        failure = try await perform(run, &applied).first
      } catch {
        failure = error
      }
      if let failure { throw failure.adding(await leftovers(of: applied)) }
    }
    return applied
  }

  /// Makes as many changes of a plan as it can, and takes nothing back: for removals, where what is gone is gone.
  ///
  /// - Parameter plan: from this socket's namespace.
  /// - Returns: what failed, in the plan's order; empty when all was done. What is to be removed and is gone already is no
  ///   failure.
  /// - Requires: `CAP_NET_ADMIN`.
  public func attempt(_ plan: ChangePlan) async -> [NetlinkError] {
    var applied = AppliedChanges(indexes: plan.indexes)
    var failures: [NetlinkError] = []
    for run in plan.runs {
      do throws(NetlinkError) {
        failures += try await perform(run, &applied)
      } catch {
        failures.append(error)
      }
    }
    return failures
  }

  /// Takes back what ``apply(_:)`` did, in reverse.
  ///
  /// What is gone already is not an error.
  ///
  /// - Parameter applied: from this socket's namespace.
  /// - Throws: ``NetlinkError`` of the first change that could not be taken back; the others were all the same.
  /// - Requires: `CAP_NET_ADMIN`.
  public func takeBack(_ applied: AppliedChanges) async throws(NetlinkError) {
    if let first = await leftovers(of: applied).first { throw first }
  }

  /// Makes a desired state true, and reads everything back.
  ///
  /// Plans, applies and plans again: that must find nothing to do.
  ///
  /// - Parameters:
  ///   - desired: what one owner wants to be there.
  ///   - stale: what becomes of the owner's objects that are not in it.
  /// - Returns: what was done; empty when all was as desired already.
  /// - Throws: ``NetlinkError`` as ``plan(_:stale:)`` and ``apply(_:)``, and with code `diverged` when the kernel
  ///   acknowledged everything and something is not as asked all the same. Nothing is left of the changes then.
  /// - Requires: `CAP_NET_ADMIN`.
  @discardableResult
  public func converge(
    to desired: DesiredState, stale: StaleObjects = .remove
  ) async throws(NetlinkError) -> AppliedChanges {
    let changes = try await plan(desired, stale: stale)
    guard !changes.isEmpty else { return AppliedChanges(indexes: changes.indexes) }
    let applied = try await apply(changes)
    let failure: NetlinkError
    do throws(NetlinkError) {
      guard let first = try await plan(desired, stale: stale).steps.first else { return applied }
      failure = NetlinkError(
        .diverged, operation: first.description,
        reason: "all was acknowledged, and it is not as asked: " + (first.found ?? "nothing is there"))
    } catch {
      failure = error
    }
    throw failure.adding(await leftovers(of: applied))
  }
}

extension NetlinkSocket {
  /// Carries out steps at once, and looks for the links that they created.
  ///
  /// - Returns: what failed.
  private func perform(_ run: ArraySlice<ChangeStep>, _ applied: inout AppliedChanges) async throws(NetlinkError)
    -> [NetlinkError]
  {
    var operations: [NetlinkOperation] = []
    for step in run {
      guard let operation = step.change.operation({ applied.indexes[$0] }) else {
        throw NetlinkError(.notFound, operation: step.description, reason: "a link that it names is not there")
      }
      operations.append(operation)
    }
    let outcome = await performAll(operations)
    var failures: [NetlinkError] = []
    var created: [InterfaceName] = []
    for (step, result) in zip(run, outcome) {
      switch result {
      case .success:
        applied.steps.append(step)
        created += step.change.creates
        if case .removeLink(let name) = step.change { applied.indexes[name] = nil }
      case .failure(let error) where error.code == .notFound && step.change.isRemoval: break
      case .failure(let error):
        // It may have been done all the same.
        if error.isOutcomeUnknown { applied.steps.append(step) }
        failures.append(error.about(step))
      }
    }
    guard failures.isEmpty else { return failures }
    for name in created { applied.indexes[name] = try await links.link(named: name)?.index }
    return []
  }

  /// Takes changes back in a task of its own: the caller's may be cancelled, and then sends nothing.
  ///
  /// - Returns: what could not be taken back.
  private func leftovers(of applied: AppliedChanges) async -> [NetlinkError] {
    await Task {
      var indexes = applied.indexes
      var failures: [NetlinkError] = []
      for step in applied.steps.reversed() {
        guard let undo = step.undo else { continue }
        do throws(NetlinkError) {
          try await takeBack(undo, of: step.change, &indexes)
        } catch  where error.code == .notFound {
          // It is gone already.
        } catch {
          failures.append(error.about(undo.description))
        }
      }
      return failures
    }.value
  }

  private func takeBack(
    _ undo: NamedChange, of change: NamedChange, _ indexes: inout [InterfaceName: InterfaceIndex]
  ) async throws(NetlinkError) {
    for name in undo.links where indexes[name] == nil { indexes[name] = try await links.link(named: name)?.index }
    switch (change, undo) {
    case (.createLink(let wanted), _):
      // Whether it was created may not be known, and then one of that name may be another's.
      let name = wanted.birthName ?? wanted.name
      guard let link = try await links.link(named: name) else { return }
      guard link.alias == nil || link.alias == wanted.settings.alias else { return }
      indexes[name] = link.index
    case (_, .removeEmptyClsact(let name)):
      guard let index = indexes[name], try await filters.all(on: index).isEmpty else { return }
    default: break
    }
    guard let operation = undo.operation({ indexes[$0] }) else { return }
    try await performAll([operation]).get()
  }
}

/// What ``NetlinkSocket/apply(_:)`` did.
public struct AppliedChanges: Sendable, CustomStringConvertible {
  /// The changes, in the order in which they were made.
  public internal(set) var steps: [ChangeStep] = []
  /// The indexes of the links, those that were created among them.
  var indexes: [InterfaceName: InterfaceIndex]

  /// Whether nothing had to be done.
  public var isEmpty: Bool { steps.isEmpty }
  /// One command a line.
  public var description: String { steps.map(\.description).joined(separator: "\n") }
}

extension ChangePlan {
  /// The steps in groups that can be sent at once.
  ///
  /// A group ends before a step that names a link which the group creates, and before one that can't be taken back when
  /// those before it can. A link and its alias are in one group: it is born with its mark.
  var runs: [ArraySlice<ChangeStep>] {
    var runs: [ArraySlice<ChangeStep>] = []
    var start = 0
    var created: Set<InterfaceName> = []
    for (place, step) in steps.enumerated() where place > start {
      created.formUnion(steps[place - 1].change.creates)
      let isFull = place - start >= ChangePlan.linksAtOnce && !created.isEmpty && !step.change.creates.isEmpty
      let needsEarlier = !created.isDisjoint(with: step.change.links)
      guard isFull || needsEarlier || step.isReversible != steps[place - 1].isReversible else { continue }
      runs.append(steps[start..<place])
      start = place
      created = []
    }
    if start < steps.count { runs.append(steps[start...]) }
    return runs
  }

  /// So few that a link's creation and its alias always go into one datagram.
  private static let linksAtOnce = 48
}

extension NetlinkError {
  /// Whether the change may have been made all the same.
  fileprivate var isOutcomeUnknown: Bool { [.timedOut, .cancelled, .overrun, .malformedReply, .socket].contains(code) }

  /// The same failure, of a step.
  fileprivate func about(_ step: ChangeStep) -> NetlinkError { about(step.description) }

  /// The same failure, with what could not be taken back.
  fileprivate func adding(_ leftovers: [NetlinkError]) -> NetlinkError {
    guard !leftovers.isEmpty else { return self }
    return NetlinkError(
      code, operation: operation,
      reason: reason + "; not taken back: "
        + leftovers.map(\.message).joined(separator: "; "), request: request, errno: errno,
      kernelMessage: kernelMessage, attributeOffset: attributeOffset, attributeType: attributeType)
  }
}
