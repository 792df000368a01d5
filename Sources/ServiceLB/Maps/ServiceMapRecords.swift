// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// Map `backend`: where an endpoint is, and whether flows may go there.
public struct BackendRecord: Hashable, Sendable {
  /// Whether flows may go there: `BACKEND_*`.
  public enum State: UInt8, Hashable, Sendable, CaseIterable {
    /// It takes new flows.
    case active = 1
    /// It keeps its flows, and takes new ones only while a service has no active one.
    case terminating = 2
    /// TCP flows go on until they end by themselves; UDP flows move to another backend.
    case gone = 3
  }

  /// The endpoint's address.
  public var address: IPAddress
  /// The endpoint's port.
  public var port: Port
  /// The service's protocol.
  public var `protocol`: IPProtocol
  /// Whether flows may go there.
  public var state: State
  /// The index of the service that it belongs to; 0: of none any more.
  public var service: UInt32
  /// Which use of the index this is.
  public var epoch: UInt32
  /// Open connections of this node, as the programs count them under ``ServiceAlgorithm/leastLoad``.
  public var load: UInt32

  /// Makes a record from its parts.
  public init(
    address: IPAddress, port: Port, protocol: IPProtocol, state: State, service: UInt32, epoch: UInt32, load: UInt32 = 0
  ) {
    self.address = address
    self.port = port
    self.protocol = `protocol`
    self.state = state
    self.service = service
    self.epoch = epoch
    self.load = load
  }

  /// Address and port.
  public var key: ServiceBackend.Key { ServiceBackend.Key(address: address, port: port) }
}

extension BackendRecord: CustomStringConvertible {
  /// `10.0.1.5:8080/TCP active, service 3, epoch 1`.
  public var description: String { "\(key)/\(`protocol`) \(state), service \(service), epoch \(epoch)" }
}

/// Map `vip`: what was asked for, for the way back.
public struct VIPRecord: Hashable, Sendable {
  /// The frontend.
  public var frontend: ServiceFrontend.Key
  /// The index of the service.
  public var service: UInt32
  /// Which use of the index this is; 12 bits.
  public var epoch: UInt32

  /// Makes a record from its parts.
  public init(frontend: ServiceFrontend.Key, service: UInt32, epoch: UInt32) {
    self.frontend = frontend
    self.service = service
    self.epoch = epoch
  }
}

extension VIPRecord: CustomStringConvertible {
  /// `10.96.0.10:80/TCP, service 3, epoch 1`.
  public var description: String { "\(frontend), service \(service), epoch \(epoch)" }
}

/// Map `service`: where the slots of a service's two scopes are.
public struct ServiceExtents: Hashable, Sendable {
  /// All backends.
  public var cluster: SlotExtent
  /// Those on this node; kept where a frontend asks for them.
  public var local: SlotExtent

  /// Makes extents.
  public init(cluster: SlotExtent = .empty, local: SlotExtent = .empty) {
    self.cluster = cluster
    self.local = local
  }
}

/// Map `service_config`: how a service's backends are chosen.
public struct ServiceConfiguration: Hashable, Sendable {
  /// The `SERVICE_*` algorithms.
  public enum Algorithm: UInt8, Hashable, Sendable, CaseIterable {
    /// Any slot.
    case random = 0
    /// The slot that the flow's hash names.
    case maglev = 1
    /// The less loaded of two random slots.
    case leastLoad = 2
  }

  /// How long a client keeps its backend after its last flow, in seconds; 0: it does not.
  public var affinitySeconds: UInt32
  /// How a slot is chosen.
  public var algorithm: Algorithm
  /// Whether backends answer clients outside by themselves.
  public var isDirectReturn: Bool

  /// Makes a configuration; the default asks for nothing and is what an unused index has.
  public init(affinitySeconds: UInt32 = 0, algorithm: Algorithm = .random, isDirectReturn: Bool = false) {
    self.affinitySeconds = affinitySeconds
    self.algorithm = algorithm
    self.isDirectReturn = isDirectReturn
  }

  /// The configuration of an entry.
  init(_ entry: ServiceEntry) {
    let algorithm: Algorithm =
      switch entry.algorithm {
      case .random: .random
      case .maglev: .maglev
      case .leastLoad: .leastLoad
      }
    self.init(
      affinitySeconds: entry.affinitySeconds ?? 0, algorithm: algorithm, isDirectReturn: entry.isDirectReturn)
  }
}

extension ServiceConfiguration: CustomStringConvertible {
  /// `random`, `maglev, affinity 10800 s, direct return`.
  public var description: String {
    "\(algorithm)\(affinitySeconds == 0 ? "" : ", affinity \(affinitySeconds) s")"
      + (isDirectReturn ? ", direct return" : "")
  }
}

/// Map `source_range`: clients that a service's load balancer addresses are open to.
public struct SourceRange: Hashable, Sendable {
  /// The service's index.
  public var service: UInt32
  /// The clients.
  public var range: IPCIDR

  /// Makes a range of a service.
  public init(service: UInt32, range: IPCIDR) {
    self.service = service
    self.range = range.masked
  }
}
