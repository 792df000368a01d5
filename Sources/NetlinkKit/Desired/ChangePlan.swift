// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// What has to change for a ``DesiredState`` to become true, in the order in which it is done.
///
/// It prints as the commands an operator would type, one a line. An empty plan means that all is as desired.
///
/// Links come first and are set up only when their filters and addresses are there, so that nothing passes unseen; then
/// neighbours, routes and rules; what is stale goes last, so that nothing is missing meanwhile.
public struct ChangePlan: Sendable {
  /// The changes, in order.
  public let steps: [ChangeStep]
  /// The indexes of the links that are there already.
  let indexes: [InterfaceName: InterfaceIndex]

  /// Whether nothing has to change.
  public var isEmpty: Bool { steps.isEmpty }
}

extension ChangePlan: CustomStringConvertible {
  /// One command a line.
  public var description: String { steps.map(\.description).joined(separator: "\n") }
}

/// One change of a ``ChangePlan``.
public struct ChangeStep: Sendable, CustomStringConvertible {
  /// What is there instead, in `ip`'s words; nil when nothing is.
  public let found: String?
  let change: NamedChange
  let undo: NamedChange?

  init(_ change: NamedChange, undo: NamedChange?, found: String? = nil) {
    self.change = change
    self.undo = undo
    self.found = found
  }

  /// Whether it can be taken back: not so the removal of a link or of a filter.
  public var isReversible: Bool { undo != nil }
  /// The command that would make the change.
  public var description: String { change.description }
}
