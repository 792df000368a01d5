// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// A way to serve services, or a floor.
enum Mode: String, CaseIterable, Sendable {
  /// No service: straight to the backend, and no netfilter in between.
  case direct
  /// The same through a node that tracks connections.
  case directConntrack = "direct-conntrack"
  /// kube-proxy's iptables rules, by iptables-nft-restore: what distributions install.
  case iptables
  /// The same rules by iptables-legacy-restore.
  case iptablesLegacy = "iptables-legacy"
  /// kube-proxy's nftables rules.
  case nftables
  /// One nftables map from all services to all backends.
  case nftFlat = "nft-flat"
  /// IPVS with the sets and rules that kube-proxy puts around it.
  case ipvs
  /// ServiceLB at sockets.
  case terwaykit
  /// ServiceLB at packets, by the pod programs.
  case terwaykitPacket = "terwaykit-packet"

  /// Whether connections are made to the backend itself.
  var isFloor: Bool { self == .direct || self == .directConntrack }

  /// Whether it is one of ours, to be compared with the others.
  var isOurs: Bool { self == .terwaykit || self == .terwaykitPacket }

  /// Whether its figures grow with the number of services, or its rules take too long to load beyond a number.
  var isLimited: Bool { self == .iptables || self == .iptablesLegacy || self == .nftables }

  /// The programs it needs.
  var tools: [String] {
    switch self {
    case .direct, .terwaykit, .terwaykitPacket: []
    case .directConntrack, .nftables, .nftFlat: ["nft"]
    case .iptables: ["iptables-nft-restore"]
    case .iptablesLegacy: ["iptables-legacy-restore"]
    case .ipvs: ["ipvsadm", "ipset", "iptables-nft-restore"]
    }
  }
}

/// Traffic that is timed.
enum Profile: String, CaseIterable, Sendable {
  /// Connect, request, response, close.
  case crr
  /// Request and response on one connection.
  case rr
  /// A datagram and its answer on a new socket.
  case udp
}

/// Which of the services is asked.
enum Place: String, CaseIterable, Sendable { case first, last }

/// Values separated by commas, as an argument.
struct Choices<Value: Hashable & Sendable>: ExpressibleByArgument, Sendable {
  var values: [Value]

  init(_ values: [Value]) { self.values = values }

  init?(argument: String) {
    var values: [Value] = []
    for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let value = Self.value(String(word)), !values.contains(value) else { return nil }
      values.append(value)
    }
    self.init(values)
  }

  private static func value(_ word: String) -> Value? {
    switch Value.self {
    case is Mode.Type: Mode(rawValue: word) as? Value
    case is Profile.Type: Profile(rawValue: word) as? Value
    default: Int(word) as? Value
    }
  }

  var defaultValueDescription: String {
    values.map { ($0 as? Mode)?.rawValue ?? ($0 as? Profile)?.rawValue ?? "\($0)" }.joined(separator: ",")
  }
}
