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

  /// The request's flags.
  var flags: Int {
    switch self {
    case .add: Int(NLM_F_CREATE | NLM_F_EXCL)
    case .replace: Int(NLM_F_CREATE | NLM_F_REPLACE)
    case .remove: 0
    }
  }
}
