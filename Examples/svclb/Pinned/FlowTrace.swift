// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ServiceLB

/// What would happen to a new connection, step by step, from what the maps hold.
struct FlowTrace: Encodable {
  /// How it ends.
  enum Verdict: String, Encodable {
    /// One of the backends gets it.
    case translated
    /// No service is concerned: it goes where it was going.
    case untouched
    /// It is refused at once.
    case refused
    /// It is dropped, or fails as unreachable.
    case dropped
  }

  /// A backend that may get it.
  struct Candidate: Encodable {
    var backend: String
    var state: String
    /// Its part of new connections, 0 to 1.
    var share: Double
  }

  /// Who connects.
  enum Client: Hashable {
    /// A socket on this node.
    case socket
    /// An address outside the cluster.
    case outside(IPAddress)
  }

  private(set) var to: String
  private(set) var verdict = Verdict.untouched
  private(set) var service: UInt32?
  /// `cluster` or `local`.
  private(set) var scope: String?
  private(set) var algorithm: String?
  private(set) var affinitySeconds: UInt32?
  private(set) var backends: [Candidate] = []
  /// Sentences, in the order in which the programs decide.
  private(set) var steps: [String] = []

  init(_ services: PinnedServices, to asked: ServiceFrontend.Key, from client: Client, nodePorts: ClosedRange<UInt16>) {
    to = "\(asked)"
    guard let (frontend, word) = find(services, asked, nodePorts),
      let service = services.service(at: frontend)
    else { return }
    self.service = service.index
    if admit(service, frontend, word, asked, client) { choose(service, word, client) }
  }

  /// Whether the client is served at a frontend.
  private mutating func admit(
    _ service: PinnedServices.Service, _ frontend: ServiceFrontend.Key, _ word: FrontendWord,
    _ asked: ServiceFrontend.Key, _ client: Client
  ) -> Bool {
    switch client {
    case .socket:
      if word.flags.contains(.notInternal) {
        say("sockets on this node are not translated: \(frontend) is for clients outside only")
        return false
      }
      if word.flags.contains(.localRedirect) {
        say("a socket whose own network namespace listens on \(asked) is left alone; others are redirected")
      }
    case .outside(let address):
      guard word.flags.contains(.external) else {
        say("clients outside the cluster are not served: \(frontend) is a cluster IP")
        return false
      }
      if word.flags.contains(.sourceRanges) {
        guard let range = service.sourceRanges.first(where: { $0.contains(address) }) else {
          verdict = .dropped
          let ranges = service.sourceRanges.map(\.description).joined(separator: ", ")
          say("\(address) is in none of the source ranges (\(ranges))")
          return false
        }
        say("\(address) is in the source range \(range)")
      }
    }
    return true
  }

  private mutating func say(_ sentence: String) { steps.append(sentence) }

  private mutating func find(
    _ services: PinnedServices, _ asked: ServiceFrontend.Key, _ nodePorts: ClosedRange<UInt16>
  ) -> (ServiceFrontend.Key, FrontendWord)? {
    if let word = services.contents.frontends[asked] {
      say("\(asked) is a frontend of service \(services.label(word))\(word.flags.isEmpty ? "" : " (\(word.flags))")")
      return (asked, word)
    }
    say("\(asked) is no frontend")
    guard nodePorts.contains(asked.port.rawValue) else { return nil }
    guard services.contents.nodeAddresses.contains(asked.address) || asked.address.isLoopback else {
      say("\(asked.port) is in the range of node ports, but \(asked.address) is no address of this node")
      return nil
    }
    let unspecified: IPAddress =
      asked.address.family == .ipv4 ? .v4(IPv4Address(rawValue: 0)) : .v6(IPv6Address(high: 0, low: 0))
    let any = ServiceFrontend.Key(address: unspecified, port: asked.port, protocol: asked.protocol)
    guard let word = services.contents.frontends[any] else {
      say("\(asked.port)/\(asked.protocol) is no node port of a service")
      return nil
    }
    say(
      "\(asked.port)/\(asked.protocol) is a node port of service \(services.label(word)), and \(asked.address) of this node"
    )
    return (any, word)
  }

  private mutating func choose(_ service: PinnedServices.Service, _ word: FrontendWord, _ client: Client) {
    let isLocal = client == .socket ? word.flags.contains(.internalLocal) : word.flags.contains(.externalLocal)
    scope = isLocal ? "local" : "cluster"
    let slots = isLocal ? service.local : service.cluster
    if isLocal {
      let policy = client == .socket ? "internal" : "external"
      say("the \(policy) traffic policy is Local: only endpoints on this node")
    } else {
      say("endpoints of the whole cluster")
    }
    guard !slots.isEmpty else {
      verdict = service.cluster.isEmpty ? .refused : .dropped
      return say(
        service.cluster.isEmpty
          ? "there are none: refused at once (ECONNREFUSED, ICMP port unreachable)"
          : "none is on this node: packets are dropped, and connect fails with EHOSTUNREACH where they pass no program")
    }
    verdict = .translated
    algorithm = service.algorithm.words
    if service.configuration.affinitySeconds > 0 {
      affinitySeconds = service.configuration.affinitySeconds
      say(
        "a client that was here in the last \(service.configuration.affinitySeconds) s keeps its backend while that is "
          + "active")
    }
    var counts: [UInt32: Int] = [:]
    for index in slots { counts[index, default: 0] += 1 }
    backends = service.backends.compactMap { index, record in
      counts[index].map { count in
        Candidate(
          backend: "\(record.key)", state: "\(record.state)",
          share: (Double(count) / Double(slots.count) * 10_000).rounded() / 10_000)
      }
    }
    let words = "one of \(backends.count) backend\(backends.count == 1 ? "" : "s")"
    switch (service.configuration.algorithm, client) {
    case (.maglev, .outside): say("\(words), the one that the flow's hash names in a table of \(slots.count)")
    case (.leastLoad, _): say("\(words): of two at random, the one with fewer open connections of this node")
    default: say("\(words), at random\(service.configuration.algorithm == .maglev ? " by their weights" : "")")
    }
  }
}

extension IPAddress {
  /// 127.0.0.0/8 or ::1.
  fileprivate var isLoopback: Bool {
    switch self {
    case .v4(let address): address.rawValue >> 24 == 127
    case .v6: bytes == [UInt8](repeating: 0, count: 15) + [1]
    }
  }
}
