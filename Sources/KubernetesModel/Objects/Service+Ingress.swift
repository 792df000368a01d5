// SPDX-License-Identifier: Apache-2.0

extension Service {
  /// Where a load balancer answers for a Service.
  ///
  /// Kubernetes: `LoadBalancerIngress`.
  public struct Ingress: Hashable, Sendable, Encodable {
    /// The address in text form; nil where there is only a name.
    public var ip: String?
    /// The name; nil where there is an address.
    public var hostname: String?
    /// Whether packets reach nodes with the load balancer's address; nil where there is no address.
    public var ipMode: IPMode?
    /// What became of single ports.
    public var ports: [PortStatus]

    /// Makes one place.
    ///
    /// - Parameters:
    ///   - ip: the address in text form.
    ///   - hostname: the name.
    ///   - ipMode: whether packets reach nodes with the load balancer's address.
    ///   - ports: what became of single ports.
    public init(
      ip: String? = nil, hostname: String? = nil, ipMode: IPMode? = nil, ports: [PortStatus] = []
    ) {
      self.ip = ip
      self.hostname = hostname
      self.ipMode = ipMode
      self.ports = ports
    }
  }

  /// Whether packets reach nodes with the load balancer's address.
  ///
  /// Kubernetes: `LoadBalancerIPMode`.
  public enum IPMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// They do: a node may answer for the load balancer, for clients of its own too.
    case vip = "VIP"
    /// The load balancer ends connections itself: clients in the cluster have to go there.
    case proxy = "Proxy"
  }

  /// What became of one port of a load balancer.
  ///
  /// Kubernetes: `PortStatus`.
  public struct PortStatus: Hashable, Sendable, Encodable {
    /// The Service's port.
    public var port: Int32
    /// Its protocol.
    public var `protocol`: TransportProtocol
    /// Why it does not work, a qualified name; nil if it does.
    public var error: String?

    /// Makes the state of a port.
    ///
    /// - Parameters:
    ///   - port: the Service's port.
    ///   - protocol: its protocol.
    ///   - error: why it does not work.
    public init(port: Int32, protocol: TransportProtocol = .tcp, error: String? = nil) {
      self.port = port
      self.protocol = `protocol`
      self.error = error
    }
  }
}

extension Service.Status: DocumentReadable {
  /// Reads the load balancer's addresses; conditions are skipped.
  ///
  /// - Parameter reader: the fields of `status`.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    let ingress: [Service.Ingress]? = try reader.object("loadBalancer") {
      (reader: inout ObjectReader) throws(ValidationError) in try reader.array("ingress") ?? []
    }
    self.init(ingress: ingress ?? [])
    reader.ignore("conditions")
  }

  private enum CodingKeys: String, CodingKey {
    case loadBalancer
  }

  /// Writes `status` as the API does.
  ///
  /// - Parameter encoder: where it goes.
  /// - Throws: what the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(["ingress": ingress], forKey: .loadBalancer)
  }
}

extension Service.Ingress: DocumentReadable {
  /// Reads one place; an address without a mode has the mode `VIP`.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    let ip = try reader.string("ip")
    let hostname = try reader.string("hostname")
    let mode = try reader.choice("ipMode", of: Service.IPMode.self)
    self.init(
      ip: ip == "" ? nil : ip, hostname: hostname == "" ? nil : hostname,
      ipMode: mode ?? (ip ?? "" == "" ? nil : .vip), ports: try reader.array("ports") ?? [])
  }
}

extension Service.PortStatus: DocumentReadable {
  /// Reads the state of a port.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(
      port: try reader.int32("port") ?? 0,
      protocol: try reader.choice("protocol", of: TransportProtocol.self) ?? .tcp,
      error: try reader.string("error"))
  }
}
