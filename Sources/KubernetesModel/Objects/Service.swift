// SPDX-License-Identifier: Apache-2.0

/// A Service: one address for many pods.
public struct Service: Hashable, Sendable {
  /// Name, namespace, labels and annotations.
  public var metadata: ObjectMeta
  /// The addresses and ports, and how traffic is spread.
  public var spec: Spec
  /// The addresses a load balancer gave.
  public var status: Status

  /// What a Service offers.
  ///
  /// Kubernetes: `ServiceSpec`.
  public struct Spec: Hashable, Sendable, Encodable {
    /// How the Service is reached.
    public var type: ServiceType = .clusterIP
    /// The Service's own addresses in text form, at most one per family; `["None"]` for a headless Service.
    public var clusterIPs: [String] = []
    /// The ports.
    public var ports: [Port] = []
    /// Labels of the pods behind the Service; empty where EndpointSlices are written by hand.
    public var selector: [String: String] = [:]
    /// Whether a client stays with the backend it got first.
    public var sessionAffinity: SessionAffinity = .none
    /// How long a client stays with its backend, in seconds; only meaningful with client address affinity.
    public var sessionAffinityTimeoutSeconds: Int32 = 10800
    /// Addresses outside of the cluster that nodes accept for this Service.
    public var externalIPs: [String] = []
    /// Where traffic from outside may go.
    public var externalTrafficPolicy: TrafficPolicy = .cluster
    /// Where traffic from inside may go.
    public var internalTrafficPolicy: TrafficPolicy = .cluster
    /// The port of each node that health checks of a load balancer ask; only with the local external policy.
    public var healthCheckNodePort: Int32?
    /// Whether endpoints that are not ready get traffic.
    public var publishNotReadyAddresses = false
    /// The families of ``clusterIPs``, in order of preference.
    public var ipFamilies: [IPFamily] = []
    /// How many families the Service has; nil where the server is to decide.
    public var ipFamilyPolicy: IPFamilyPolicy?
    /// The load balancer address that was asked for.
    public var loadBalancerIP: String?
    /// Which load balancer implementation is meant, a qualified name; nil for the cluster's own.
    public var loadBalancerClass: String?
    /// CIDRs that may use the load balancer, perhaps with blanks around them; empty for everyone.
    public var loadBalancerSourceRanges: [String] = []
    /// Whether the server gives node ports to a Service of type `LoadBalancer`; unknown counts as true.
    public var allocateLoadBalancerNodePorts: Bool?
    /// The DNS name that an `ExternalName` Service stands for.
    public var externalName: String?
    /// Which backends are preferred: `PreferClose`, `PreferSameZone` or `PreferSameNode`.
    ///
    /// Whoever writes EndpointSlices turns it into hints; a proxy looks at the hints.
    public var trafficDistribution: String?

    /// Makes a specification.
    ///
    /// - Parameters:
    ///   - type: how the Service is reached.
    ///   - clusterIPs: its own addresses in text form.
    ///   - ports: its ports.
    ///   - selector: labels of the pods behind it.
    ///   - sessionAffinity: whether a client stays with its backend.
    public init(
      type: ServiceType = .clusterIP, clusterIPs: [String] = [], ports: [Port] = [],
      selector: [String: String] = [:], sessionAffinity: SessionAffinity = .none
    ) {
      self.type = type
      self.clusterIPs = clusterIPs
      self.ports = ports
      self.selector = selector
      self.sessionAffinity = sessionAffinity
    }

    /// Whether the Service has no address of its own: its name resolves to its pods.
    public var isHeadless: Bool { clusterIPs.first == "None" }

    /// Whether clients outside of the cluster can reach the Service.
    public var isExternallyAccessible: Bool {
      switch type {
      case .nodePort, .loadBalancer: true
      case .clusterIP: !externalIPs.isEmpty
      case .externalName: false
      }
    }

    /// Whether a load balancer asks nodes for the Service's health at ``healthCheckNodePort``.
    public var needsHealthCheck: Bool { type == .loadBalancer && externalTrafficPolicy == .local }
  }

  /// A family of addresses.
  ///
  /// Kubernetes: `IPFamily`.
  public enum IPFamily: String, Hashable, Sendable, Codable, CaseIterable {
    /// IPv4.
    case ipv4 = "IPv4"
    /// IPv6.
    case ipv6 = "IPv6"
  }

  /// How many families a Service has.
  ///
  /// Kubernetes: `IPFamilyPolicy`.
  public enum IPFamilyPolicy: String, Hashable, Sendable, Codable, CaseIterable {
    /// One.
    case singleStack = "SingleStack"
    /// Both where the cluster has both.
    case preferDualStack = "PreferDualStack"
    /// Both; refused where the cluster has one.
    case requireDualStack = "RequireDualStack"
  }

  /// How a Service is reached.
  ///
  /// Kubernetes: `ServiceType`.
  public enum ServiceType: String, Hashable, Sendable, Codable, CaseIterable {
    /// By an address inside of the cluster.
    case clusterIP = "ClusterIP"
    /// By a port of every node as well.
    case nodePort = "NodePort"
    /// By an address that a load balancer announces as well.
    case loadBalancer = "LoadBalancer"
    /// By another DNS name; nothing is forwarded.
    case externalName = "ExternalName"
  }

  /// Whether a client stays with its backend.
  ///
  /// Kubernetes: `ServiceAffinity`.
  public enum SessionAffinity: String, Hashable, Sendable, Codable, CaseIterable {
    /// Every connection is placed anew.
    case none = "None"
    /// Connections of one client address go to one backend.
    case clientIP = "ClientIP"
  }

  /// Where traffic may go.
  ///
  /// Kubernetes: `ServiceExternalTrafficPolicy`, `ServiceInternalTrafficPolicy`.
  public enum TrafficPolicy: String, Hashable, Sendable, Codable, CaseIterable {
    /// To every backend.
    case cluster = "Cluster"
    /// To backends of the same node only.
    case local = "Local"
  }

  /// One port of a Service.
  ///
  /// Kubernetes: `ServicePort`.
  public struct Port: Hashable, Sendable, Encodable {
    /// The port's name, which EndpointSlices repeat; nil where the Service has one port without a name.
    public var name: String?
    /// The protocol.
    public var `protocol`: TransportProtocol
    /// The number clients connect to, 1 to 65535.
    public var port: Int32
    /// The pods' port, by number or container port name; nil for the same number as `port`.
    public var targetPort: IntOrString?
    /// The port of every node, for the types that have one.
    public var nodePort: Int32?
    /// What is spoken there, such as `kubernetes.io/h2c`.
    public var appProtocol: String?

    /// Makes a port.
    ///
    /// - Parameters:
    ///   - name: the port's name.
    ///   - protocol: its protocol.
    ///   - port: the number clients connect to, 1 to 65535.
    ///   - targetPort: the pods' port; nil for the same number.
    ///   - nodePort: the port of every node.
    ///   - appProtocol: what is spoken there.
    public init(
      name: String? = nil, protocol: TransportProtocol = .tcp, port: Int32, targetPort: IntOrString? = nil,
      nodePort: Int32? = nil, appProtocol: String? = nil
    ) {
      self.name = name
      self.protocol = `protocol`
      self.port = port
      self.targetPort = targetPort
      self.nodePort = nodePort
      self.appProtocol = appProtocol
    }
  }

  /// What the cluster gave the Service.
  ///
  /// Kubernetes: `ServiceStatus`.
  public struct Status: Hashable, Sendable, Encodable {
    /// Where the load balancer answers.
    public var ingress: [Ingress]

    /// Makes a status.
    ///
    /// - Parameter ingress: where the load balancer answers.
    public init(ingress: [Ingress] = []) {
      self.ingress = ingress
    }
  }

  /// Makes a Service.
  ///
  /// - Parameters:
  ///   - metadata: name, namespace, labels and annotations.
  ///   - spec: what it offers.
  ///   - status: what the cluster gave it.
  public init(metadata: ObjectMeta, spec: Spec = Spec(), status: Status = Status()) {
    self.metadata = metadata
    self.spec = spec
    self.status = status
  }
}
