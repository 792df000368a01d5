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
    let hasExternalPolicy = reader.has("externalTrafficPolicy")
    self.init(
      type: try reader.choice("type", of: Service.ServiceType.self) ?? .clusterIP,
      clusterIPs: clusterIPs.isEmpty && !single.isEmpty ? [single] : clusterIPs,
      ports: try reader.array("ports") ?? [], selector: try reader.stringMap("selector") ?? [:],
      sessionAffinity: try reader.choice("sessionAffinity", of: Service.SessionAffinity.self) ?? .none)
    if let configuration: AffinityConfiguration = try reader.object("sessionAffinityConfig") {
      guard sessionAffinity == .clientIP else {
        throw ValidationError(
          reader.path.field("sessionAffinityConfig"), "is only for sessionAffinity ClientIP; remove it")
      }
      sessionAffinityTimeoutSeconds = configuration.timeoutSeconds ?? sessionAffinityTimeoutSeconds
    }
    externalIPs = try reader.stringArray("externalIPs") ?? []
    let externalPolicy = try reader.choice("externalTrafficPolicy", of: Service.TrafficPolicy.self)
    externalTrafficPolicy = externalPolicy ?? .cluster
    if hasExternalPolicy, externalPolicy != nil, !isExternallyAccessible {
      throw ValidationError(
        reader.path.field("externalTrafficPolicy"),
        "is only for Services that clients outside can reach: types NodePort and LoadBalancer, or with externalIPs")
    }
    internalTrafficPolicy = try reader.choice("internalTrafficPolicy", of: Service.TrafficPolicy.self) ?? .cluster
    healthCheckNodePort = try reader.int32("healthCheckNodePort")
    publishNotReadyAddresses = try reader.bool("publishNotReadyAddresses") ?? false
    ipFamilies = try reader.choices("ipFamilies", of: Service.IPFamily.self) ?? []
    ipFamilyPolicy = try reader.choice("ipFamilyPolicy", of: Service.IPFamilyPolicy.self)
    loadBalancerIP = try reader.string("loadBalancerIP")
    loadBalancerClass = try reader.string("loadBalancerClass")
    loadBalancerSourceRanges = try reader.stringArray("loadBalancerSourceRanges") ?? []
    allocateLoadBalancerNodePorts = try reader.bool("allocateLoadBalancerNodePorts")
    externalName = try reader.string("externalName")
    trafficDistribution = try reader.string("trafficDistribution")
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
    case ipFamilies, ipFamilyPolicy, loadBalancerIP, loadBalancerClass, loadBalancerSourceRanges
    case allocateLoadBalancerNodePorts, externalName, trafficDistribution
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
    if isExternallyAccessible { try fields.encode(externalTrafficPolicy, forKey: .externalTrafficPolicy) }
    try fields.encode(internalTrafficPolicy, forKey: .internalTrafficPolicy)
    try fields.encodeIfPresent(healthCheckNodePort, forKey: .healthCheckNodePort)
    try fields.encode(publishNotReadyAddresses, forKey: .publishNotReadyAddresses)
    try fields.encode(ipFamilies, forKey: .ipFamilies)
    try fields.encodeIfPresent(ipFamilyPolicy, forKey: .ipFamilyPolicy)
    try fields.encodeIfPresent(loadBalancerIP, forKey: .loadBalancerIP)
    try fields.encodeIfPresent(loadBalancerClass, forKey: .loadBalancerClass)
    try fields.encode(loadBalancerSourceRanges, forKey: .loadBalancerSourceRanges)
    try fields.encodeIfPresent(allocateLoadBalancerNodePorts, forKey: .allocateLoadBalancerNodePorts)
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
