// SPDX-License-Identifier: Apache-2.0

/// Which way packets pass a link, seen from the namespace that the link is in.
public enum TrafficDirection: Sendable, Hashable, CaseIterable {
  /// Into the namespace.
  case ingress
  /// Out of it.
  case egress

  /// The direction of filters that hang there; nil when it is neither of the two places at `clsact`.
  init?(parent: TrafficHandle) {
    switch parent {
    case .clsactIngress: self = .ingress
    case .clsactEgress: self = .egress
    default: return nil
    }
  }
}
