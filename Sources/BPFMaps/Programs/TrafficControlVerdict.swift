// SPDX-License-Identifier: Apache-2.0

/// What a traffic control program decides. `TC_ACT_…`
public enum TrafficControlVerdict: Sendable, Hashable {
  /// The next program or filter decides; at tcx `TCX_NEXT`.
  case next
  /// The packet passes, and nobody else is asked.
  case pass
  /// The packet is dropped.
  case drop
  /// The packet goes elsewhere.
  case redirect
  /// Another number: what it means depends on the mechanism.
  case other(Int32)

  init(_ number: Int32) {
    switch number {
    case -1: self = .next
    case 0: self = .pass
    case 2: self = .drop
    case 7: self = .redirect
    default: self = .other(number)
    }
  }
}

extension TestRun {
  /// What a traffic control program decided.
  public var verdict: TrafficControlVerdict { TrafficControlVerdict(returnValue) }
}
