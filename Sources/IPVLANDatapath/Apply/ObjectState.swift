// SPDX-License-Identifier: Apache-2.0

/// How a planned object compares with the kernel.
enum ObjectState: Sendable, Hashable {
  /// It is there as planned.
  case asPlanned
  /// Nothing is there.
  case absent
  /// Something else is there. `isOurs`: it bears our mark, so it may be replaced.
  case differs(found: String, isOurs: Bool)
}

/// How to take back what one step of an addition did.
enum Undo: Sendable {
  /// Remove what the step made.
  case remove
  /// The link was down before.
  case setDown
  /// The setting had this value before.
  case restore(String)
  /// Detach the programs that were attached, and put the entry in the endpoint map back as it was.
  case programs(ProgramChange)
  /// Nothing: it goes with a link made by an earlier step.
  case nothing
}

/// A planned object that is not there as planned.
public struct Difference: Sendable, Hashable, CustomStringConvertible {
  /// The step of the plan, as the plan prints it.
  public let step: String
  /// What is there instead.
  public let found: String

  /// Both, in one line.
  public var description: String { "\(step)\n      found: \(found)" }
}
