// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// What a request does to an address, a route or a neighbour.
enum ObjectChange: Sendable {
  /// Makes it; one that is there already is an error.
  case add
  /// Makes it, or puts it in the place of the one that is there.
  case replace
  /// Takes it away.
  case remove
  /// Makes it, behind those like it that are there.
  case append
  /// Makes it, before those like it that are there.
  case prepend
  /// Puts it in the place of the one that is there; if there is none that is an error.
  case update

  /// The request's flags.
  var flags: Int {
    switch self {
    case .add: Int(NLM_F_CREATE | NLM_F_EXCL)
    case .replace: Int(NLM_F_CREATE | NLM_F_REPLACE)
    case .remove: 0
    case .append: Int(NLM_F_CREATE | NLM_F_APPEND)
    case .prepend: Int(NLM_F_CREATE)
    case .update: Int(NLM_F_REPLACE)
    }
  }
}
