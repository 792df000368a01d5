// SPDX-License-Identifier: Apache-2.0

/// A part of the backends of a Service.
///
/// Kubernetes: `discovery.k8s.io/v1 EndpointSlice`.
public struct EndpointSlice: Hashable, Sendable {
  /// Name, namespace and labels; the label `kubernetes.io/service-name` says which Service it belongs to.
  public var metadata: ObjectMeta
  /// What the addresses are.
  public var addressType: AddressType
  /// The backends.
  public var endpoints: [Endpoint]
  /// The ports that every backend of the slice has.
  public var ports: [Port]

  /// What the addresses of a slice are.
  public enum AddressType: String, Hashable, Sendable, Codable, CaseIterable {
    /// IPv4 addresses.
    case ipv4 = "IPv4"
    /// IPv6 addresses.
    case ipv6 = "IPv6"
    /// DNS names, which no datapath forwards to.
    case fqdn = "FQDN"
  }

  /// One backend.
  ///
  /// Kubernetes: `Endpoint`.
  public struct Endpoint: Hashable, Sendable, Encodable {
    /// The backend's addresses in text form; those after the first mean the same backend.
    public var addresses: [String]
    /// Whether it can take traffic.
    public var conditions: Conditions
    /// The node it runs on.
    public var nodeName: String?
    /// The zone it is in.
    public var zone: String?
    /// The backend's host name.
    public var hostname: String?
    /// The pod behind it, where there is one.
    public var targetRef: NamespacedName?
    /// Zones whose clients should use this backend; empty for no hint.
    public var hintedZones: [String]
    /// Nodes whose clients should use this backend; empty for no hint.
    public var hintedNodes: [String]

    /// Makes a backend.
    ///
    /// - Parameters:
    ///   - addresses: its addresses in text form.
    ///   - conditions: whether it can take traffic.
    ///   - nodeName: the node it runs on.
    ///   - zone: the zone it is in.
    ///   - hostname: its host name.
    ///   - targetRef: the pod behind it.
    ///   - hintedZones: zones whose clients should use it.
    ///   - hintedNodes: nodes whose clients should use it.
    public init(
      addresses: [String], conditions: Conditions = Conditions(), nodeName: String? = nil, zone: String? = nil,
      hostname: String? = nil, targetRef: NamespacedName? = nil, hintedZones: [String] = [],
      hintedNodes: [String] = []
    ) {
      self.addresses = addresses
      self.conditions = conditions
      self.nodeName = nodeName
      self.zone = zone
      self.hostname = hostname
      self.targetRef = targetRef
      self.hintedZones = hintedZones
      self.hintedNodes = hintedNodes
    }
  }

  /// Whether a backend can take traffic.
  ///
  /// Kubernetes: `EndpointConditions`. Nil is "unknown".
  public struct Conditions: Hashable, Sendable, Encodable {
    /// Ready for new connections; unknown counts as ready.
    public var ready: Bool?
    /// Able to serve, even while terminating; unknown counts as true.
    public var serving: Bool?
    /// On its way out.
    public var terminating: Bool?

    /// Makes conditions.
    ///
    /// - Parameters:
    ///   - ready: ready for new connections.
    ///   - serving: able to serve, even while terminating.
    ///   - terminating: on its way out.
    public init(ready: Bool? = nil, serving: Bool? = nil, terminating: Bool? = nil) {
      self.ready = ready
      self.serving = serving
      self.terminating = terminating
    }

    /// Whether the backend is ready, with the default that the API gives to "unknown".
    public var isReady: Bool { ready ?? true }
    /// Whether the backend can serve, with the default that kube-proxy gives to "unknown".
    public var isServing: Bool { serving ?? true }
    /// Whether the backend is on its way out, with the default that the API gives to "unknown".
    public var isTerminating: Bool { terminating ?? false }
  }

  /// One port of every backend of a slice.
  ///
  /// Kubernetes: `EndpointPort`.
  public struct Port: Hashable, Sendable, Encodable {
    /// The name of the Service's port this belongs to; nil where that has none.
    public var name: String?
    /// The protocol.
    public var `protocol`: TransportProtocol
    /// The backends' port number; nil for "all ports", which no Service port matches.
    public var port: Int32?
    /// What is spoken there.
    public var appProtocol: String?

    /// Makes a port.
    ///
    /// - Parameters:
    ///   - name: the name of the Service's port.
    ///   - protocol: the protocol.
    ///   - port: the backends' port number, 1 to 65535.
    ///   - appProtocol: what is spoken there.
    public init(
      name: String? = nil, protocol: TransportProtocol = .tcp, port: Int32? = nil, appProtocol: String? = nil
    ) {
      self.name = name
      self.protocol = `protocol`
      self.port = port
      self.appProtocol = appProtocol
    }
  }

  /// The label that names the Service a slice belongs to.
  public static let serviceNameLabel = "kubernetes.io/service-name"

  /// The Service the slice belongs to, from its label; nil for a slice of no Service.
  public var serviceKey: NamespacedName? {
    metadata.labels[Self.serviceNameLabel].map { NamespacedName(namespace: metadata.namespace, name: $0) }
  }

  /// Makes a slice.
  ///
  /// - Parameters:
  ///   - metadata: name, namespace and labels.
  ///   - addressType: what the addresses are.
  ///   - endpoints: the backends.
  ///   - ports: the ports every backend has.
  public init(
    metadata: ObjectMeta, addressType: AddressType = .ipv4, endpoints: [Endpoint] = [], ports: [Port] = []
  ) {
    self.metadata = metadata
    self.addressType = addressType
    self.endpoints = endpoints
    self.ports = ports
  }
}
