// SPDX-License-Identifier: Apache-2.0

/// A pod, as far as the datapath needs it.
///
/// Fields that are not modelled are skipped when read.
public struct Pod: Hashable, Sendable {
  /// Name, namespace and labels.
  public var metadata: ObjectMeta
  /// Where the pod runs, and the ports of its containers.
  public var spec: Spec
  /// The pod's addresses and phase.
  public var status: Status

  /// The part of `spec` that is modelled.
  ///
  /// Kubernetes: `PodSpec`.
  public struct Spec: Hashable, Sendable, Encodable {
    /// The node the pod runs on; nil before it is scheduled.
    public var nodeName: String?
    /// Whether the pod shares its node's network: then it has no address of its own.
    public var hostNetwork: Bool
    /// The pod's containers.
    public var containers: [Container]
    /// Containers that run before the others, or beside them (`restartPolicy: Always`).
    public var initContainers: [Container]

    /// Makes a pod specification.
    ///
    /// - Parameters:
    ///   - nodeName: the node the pod runs on.
    ///   - hostNetwork: whether it shares its node's network.
    ///   - containers: its containers.
    ///   - initContainers: its init containers.
    public init(
      nodeName: String? = nil, hostNetwork: Bool = false, containers: [Container] = [],
      initContainers: [Container] = []
    ) {
      self.nodeName = nodeName
      self.hostNetwork = hostNetwork
      self.containers = containers
      self.initContainers = initContainers
    }
  }

  /// The part of a container that is modelled.
  ///
  /// Kubernetes: `Container`.
  public struct Container: Hashable, Sendable, Encodable {
    /// The container's name.
    public var name: String
    /// The ports it declares.
    ///
    /// They only give numbers to names: a port that nobody declared is reachable as well.
    public var ports: [ContainerPort]
    /// `Always` makes an init container a sidecar.
    public var restartPolicy: String?

    /// Makes a container.
    ///
    /// - Parameters:
    ///   - name: the container's name.
    ///   - ports: the ports it declares.
    ///   - restartPolicy: `Always` for a sidecar.
    public init(name: String, ports: [ContainerPort] = [], restartPolicy: String? = nil) {
      self.name = name
      self.ports = ports
      self.restartPolicy = restartPolicy
    }
  }

  /// A port that a container declares.
  ///
  /// Kubernetes: `ContainerPort`.
  public struct ContainerPort: Hashable, Sendable, Encodable {
    /// The port's name, which Services and policies can refer to.
    public var name: String?
    /// The port's number, 1 to 65535.
    public var containerPort: Int32
    /// The port's protocol.
    public var `protocol`: TransportProtocol
    /// The port of the node that leads here, where the pod asks for one.
    public var hostPort: Int32?
    /// The address of the node that `hostPort` is bound to.
    public var hostIP: String?

    /// Makes a port.
    ///
    /// - Parameters:
    ///   - name: the port's name.
    ///   - containerPort: its number, 1 to 65535.
    ///   - protocol: its protocol.
    ///   - hostPort: the port of the node that leads here.
    ///   - hostIP: the node's address that `hostPort` is bound to.
    public init(
      name: String? = nil, containerPort: Int32, protocol: TransportProtocol = .tcp, hostPort: Int32? = nil,
      hostIP: String? = nil
    ) {
      self.name = name
      self.containerPort = containerPort
      self.protocol = `protocol`
      self.hostPort = hostPort
      self.hostIP = hostIP
    }
  }

  /// The part of `status` that is modelled.
  ///
  /// Kubernetes: `PodStatus`.
  public struct Status: Hashable, Sendable, Encodable {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    public var phase: String?
    /// The address of the pod's node.
    public var hostIP: String?
    /// The pod's addresses, at most one per family; the first is `podIP`.
    public var podIPs: [String]

    /// Makes a pod status.
    ///
    /// - Parameters:
    ///   - phase: `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    ///   - hostIP: the address of the pod's node.
    ///   - podIPs: the pod's addresses in text form, in order of preference.
    public init(phase: String? = nil, hostIP: String? = nil, podIPs: [String] = []) {
      self.phase = phase
      self.hostIP = hostIP
      self.podIPs = podIPs
    }

    /// Whether the pod has ended: its address may already belong to another pod.
    public var isTerminal: Bool { phase == "Succeeded" || phase == "Failed" }
  }

  /// Makes a pod.
  ///
  /// - Parameters:
  ///   - metadata: name, namespace and labels.
  ///   - spec: where it runs, and its containers.
  ///   - status: its addresses and phase.
  public init(metadata: ObjectMeta, spec: Spec = Spec(), status: Status = Status()) {
    self.metadata = metadata
    self.spec = spec
    self.status = status
  }

  /// The ports of all containers that run side by side: the ordinary ones and sidecars.
  public var containerPorts: [ContainerPort] {
    spec.containers.flatMap(\.ports)
      + spec.initContainers.filter { $0.restartPolicy == "Always" }.flatMap(\.ports)
  }
}
