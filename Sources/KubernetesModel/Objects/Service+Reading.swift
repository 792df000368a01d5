// SPDX-License-Identifier: Apache-2.0

extension Service: KubernetesResource {
  /// `v1`.
  public static var apiVersion: String { "v1" }
  /// `Service`.
  public static var kind: String { "Service" }
  /// True.
  public static var isNamespaced: Bool { true }

  /// Reads a Service.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(
      metadata: try Self.readMetadata(&reader), spec: try reader.object("spec") ?? Spec(),
      status: try reader.object("status") ?? Status())
  }

  /// Writes what the kind has besides its metadata.
  ///
  /// - Parameter fields: where it goes.
  /// - Throws: what the encoder throws.
  public func encodeBody(to fields: inout KeyedEncodingContainer<ResourceField>) throws {
    try fields.encode(spec, forKey: .spec)
    try fields.encode(status, forKey: .status)
  }
}

extension Service.Spec: DocumentReadable {
  /// Reads `spec`.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    let single = try reader.string("clusterIP") ?? ""
    let clusterIPs = try reader.stringArray("clusterIPs") ?? []
    if let first = clusterIPs.first, !single.isEmpty, first != single {
      throw ValidationError(
        reader.path.field("clusterIPs").item(0), "must be the same as clusterIP, which is \"\(shortened(single))\"")
    }
    self.init(
      type: try reader.choice("type", of: Service.ServiceType.self) ?? .clusterIP,
      clusterIPs: clusterIPs.isEmpty && !single.isEmpty ? [single] : clusterIPs,
      ports: try reader.array("ports") ?? [], selector: try reader.stringMap("selector") ?? [:],
      sessionAffinity: try reader.choice("sessionAffinity", of: Service.SessionAffinity.self) ?? .none)
    if let configuration: AffinityConfiguration = try reader.object("sessionAffinityConfig"),
      let timeout = configuration.timeoutSeconds
    {
      sessionAffinityTimeoutSeconds = timeout
    }
    externalIPs = try reader.stringArray("externalIPs") ?? []
    externalTrafficPolicy = try reader.choice("externalTrafficPolicy", of: Service.TrafficPolicy.self) ?? .cluster
    internalTrafficPolicy = try reader.choice("internalTrafficPolicy", of: Service.TrafficPolicy.self) ?? .cluster
    healthCheckNodePort = try reader.int32("healthCheckNodePort")
    publishNotReadyAddresses = try reader.bool("publishNotReadyAddresses") ?? false
    ipFamilies = try reader.stringArray("ipFamilies") ?? []
    ipFamilyPolicy = try reader.string("ipFamilyPolicy")
    loadBalancerIP = try reader.string("loadBalancerIP")
    loadBalancerSourceRanges = try reader.stringArray("loadBalancerSourceRanges") ?? []
    externalName = try reader.string("externalName")
    trafficDistribution = try reader.string("trafficDistribution")
    reader.ignore("allocateLoadBalancerNodePorts", "loadBalancerClass")
  }

  /// `sessionAffinityConfig`: one object in another.
  private struct AffinityConfiguration: DocumentReadable {
    var timeoutSeconds: Int32?

    init(reading reader: inout ObjectReader) throws(ValidationError) {
      let inner: ClientIP? = try reader.object("clientIP")
      timeoutSeconds = inner?.timeoutSeconds
    }

    struct ClientIP: DocumentReadable {
      var timeoutSeconds: Int32?

      init(reading reader: inout ObjectReader) throws(ValidationError) {
        timeoutSeconds = try reader.int32("timeoutSeconds")
      }
    }
  }
}

extension Service.Spec {
  private enum CodingKeys: String, CodingKey {
    case type, clusterIP, clusterIPs, ports, selector, sessionAffinity, sessionAffinityConfig, externalIPs
    case externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort, publishNotReadyAddresses
    case ipFamilies, ipFamilyPolicy, loadBalancerIP, loadBalancerSourceRanges, externalName, trafficDistribution
  }

  /// Writes `spec` as the API does.
  ///
  /// - Parameter encoder: where it goes.
  /// - Throws: what the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(type, forKey: .type)
    try fields.encodeIfPresent(clusterIPs.first, forKey: .clusterIP)
    try fields.encode(clusterIPs, forKey: .clusterIPs)
    try fields.encode(ports, forKey: .ports)
    try fields.encode(selector, forKey: .selector)
    try fields.encode(sessionAffinity, forKey: .sessionAffinity)
    if sessionAffinity == .clientIP {
      try fields.encode(
        ["clientIP": ["timeoutSeconds": sessionAffinityTimeoutSeconds]], forKey: .sessionAffinityConfig)
    }
    try fields.encode(externalIPs, forKey: .externalIPs)
    try fields.encode(externalTrafficPolicy, forKey: .externalTrafficPolicy)
    try fields.encode(internalTrafficPolicy, forKey: .internalTrafficPolicy)
    try fields.encodeIfPresent(healthCheckNodePort, forKey: .healthCheckNodePort)
    try fields.encode(publishNotReadyAddresses, forKey: .publishNotReadyAddresses)
    try fields.encode(ipFamilies, forKey: .ipFamilies)
    try fields.encodeIfPresent(ipFamilyPolicy, forKey: .ipFamilyPolicy)
    try fields.encodeIfPresent(loadBalancerIP, forKey: .loadBalancerIP)
    try fields.encode(loadBalancerSourceRanges, forKey: .loadBalancerSourceRanges)
    try fields.encodeIfPresent(externalName, forKey: .externalName)
    try fields.encodeIfPresent(trafficDistribution, forKey: .trafficDistribution)
  }
}

extension Service.Port: DocumentReadable {
  /// Reads a port.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    let name = try reader.string("name")
    self.init(
      name: name == "" ? nil : name, protocol: try reader.choice("protocol", of: TransportProtocol.self) ?? .tcp,
      port: try reader.int32("port") ?? 0, targetPort: try reader.intOrString("targetPort"),
      nodePort: try reader.int32("nodePort"), appProtocol: try reader.string("appProtocol"))
  }
}

extension Service.Status: DocumentReadable {
  /// Reads the load balancer's addresses.
  ///
  /// - Parameter reader: the fields of `status`.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    let balancer: Balancer? = try reader.object("loadBalancer")
    self.init(loadBalancerIPs: balancer?.ingress.compactMap(\.ip) ?? [])
    reader.ignore("conditions")
  }

  private struct Balancer: DocumentReadable {
    var ingress: [Ingress]

    init(reading reader: inout ObjectReader) throws(ValidationError) {
      ingress = try reader.array("ingress") ?? []
    }

    struct Ingress: DocumentReadable {
      var ip: String?

      init(reading reader: inout ObjectReader) throws(ValidationError) {
        ip = try reader.string("ip")
        reader.ignore("hostname", "ipMode", "ports")
      }
    }
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
    try fields.encode(["ingress": loadBalancerIPs.map { ["ip": $0] }], forKey: .loadBalancer)
  }
}
