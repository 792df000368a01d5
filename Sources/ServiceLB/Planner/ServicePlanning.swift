// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// Plans one Service.
struct ServicePlanning {
  private let service: Service
  private let slices: [ParsedSlice]
  private let redirect: [ParsedSlice]
  private let options: ServicePlannerOptions
  private let nodeAddresses: [IPAddress]
  private var planned = PlannedObject()

  /// Plans a Service.
  ///
  /// - Parameters:
  ///   - service: the Service.
  ///   - slices: its slices.
  ///   - redirect: those of the Service that it is redirected to.
  ///   - options: the options.
  ///   - node: the node.
  /// - Returns: what it wants served; nothing for one that a proxy has nothing to do for.
  static func plan(
    _ service: Service, slices: [ParsedSlice], redirect: [ParsedSlice], options: ServicePlannerOptions, node: NodeView
  ) -> PlannedObject {
    var planning = ServicePlanning(
      service: service, slices: slices, redirect: redirect, options: options, nodeAddresses: node.addresses)
    planning.run()
    return planning.planned
  }

  private init(
    service: Service, slices: [ParsedSlice], redirect: [ParsedSlice], options: ServicePlannerOptions,
    nodeAddresses: [IPAddress]
  ) {
    self.service = service
    self.slices = slices
    self.redirect = redirect
    self.options = options
    self.nodeAddresses = nodeAddresses
  }

  private mutating func note(_ message: String) {
    let subject = "Service \(service.metadata.namespace)/\(service.metadata.name)"
    planned.notes.append(ServiceNote(subject: subject, message: message))
  }

  private mutating func run() {
    let spec = service.spec
    if let proxy = service.metadata.labels[ServiceAnnotation.otherProxyLabel] {
      note("is left to the proxy \"\(proxy)\", which its label \(ServiceAnnotation.otherProxyLabel) names")
      return
    }
    guard ServiceAnnotation.isOurs(service.metadata), spec.type != .externalName, !spec.isHeadless else { return }
    let addresses = ServiceAddresses(service, options: options)
    var common = ServiceEntry(planned: ServicePortName(namespace: "", service: ""), family: .ipv4)
    readProperties(into: &common, addresses: addresses)
    for slice in slices { planned.notes += slice.notes }

    var names: Set<String> = []
    for port in spec.ports {
      let name = port.name ?? ""
      guard let number = Port(Int(port.port)) else {
        note("port \(port.port) is not in 1...65535: it is left out")
        continue
      }
      if spec.ports.count > 1, !names.insert(name).inserted {
        note("two ports have the name \"\(name)\": port \(number) is left out")
        continue
      }
      for family in addresses.families {
        var entry = common
        entry.name = ServicePortName(
          namespace: service.metadata.namespace, service: service.metadata.name, port: name)
        entry.family = family
        plan(port, number, addresses, into: &entry)
      }
    }
    planHealthCheck()
  }

  /// What all ports of the Service share.
  private mutating func readProperties(into entry: inout ServiceEntry, addresses: ServiceAddresses) {
    let spec = service.spec
    planned.notes += addresses.notes
    entry.isInternalLocal = spec.internalTrafficPolicy == .local
    entry.isExternalLocal = spec.externalTrafficPolicy == .local && spec.isExternallyAccessible
    if spec.sessionAffinity == .clientIP {
      let seconds = spec.sessionAffinityTimeoutSeconds
      if (1...86400).contains(seconds) {
        entry.affinitySeconds = UInt32(seconds)
      } else {
        note("a session affinity of \(seconds) seconds is not in 1...86400: it is 10800 seconds")
        entry.affinitySeconds = 10800
      }
    }
    entry.algorithm = options.algorithm
    entry.isDirectReturn = options.isDirectReturn
    guard !service.metadata.annotations.isEmpty else { return }
    var messages: [String] = []
    entry.algorithm = ServiceAnnotation.algorithm(of: service) { messages.append($0) } ?? options.algorithm
    entry.isDirectReturn = ServiceAnnotation.isDirectReturn(service) { messages.append($0) } ?? options.isDirectReturn
    if let text = service.metadata.annotations[ServiceAnnotation.localRedirect],
      ServiceAnnotation.redirectTarget(of: service) == nil
    {
      messages.append(
        "annotation \(ServiceAnnotation.localRedirect): \"\(text)\" is not NAMESPACE/NAME or NAME; it is ignored")
    }
    messages.forEach { note($0) }
  }

  private mutating func plan(
    _ port: Service.Port, _ number: Port, _ addresses: ServiceAddresses, into entry: inout ServiceEntry
  ) {
    let proto = port.protocol.ipProtocol
    entry.frontends = addresses.frontends(entry.family, port: number, protocol: proto, nodeAddresses: nodeAddresses)
    if let nodePort = port.nodePort, nodePort != 0 {
      if let nodePort = Port(Int(nodePort)) {
        let any: IPAddress = entry.family == .ipv4 ? .v4(IPv4Address(rawValue: 0)) : .v6(IPv6Address(high: 0, low: 0))
        entry.frontends.append(ServiceFrontend(.nodePort, address: any, port: nodePort, protocol: proto))
      } else {
        note("node port \(nodePort) is not in 1...65535: it is left out")
      }
    }
    let isExternal = entry.frontends.contains { $0.kind != .clusterIP }
    entry.isExternalLocal = entry.isExternalLocal && isExternal
    if entry.frontends.contains(where: { $0.kind == .loadBalancer }) {
      entry.sourceRanges = addresses.sourceRanges.filter { $0.family == entry.family }
    }

    var selection = EndpointSelection(
      redirect, family: entry.family, portName: port.name ?? "", protocol: port.protocol)
    selection.keep { $0.state.isSuperset(of: [.local, .ready]) }
    entry.isLocalRedirect = !selection.candidates.isEmpty
    if !entry.isLocalRedirect {
      selection = EndpointSelection(slices, family: entry.family, portName: port.name ?? "", protocol: port.protocol)
    }
    if port.protocol == .sctp { keepPort(number, of: &selection, in: &entry) }
    warnOfTable(entry, selection)
    selection.fill(&entry, usesLocal: entry.isInternalLocal || entry.isExternalLocal)
    entry.frontends = Self.distinct(entry.frontends)
    if !entry.frontends.isEmpty { planned.entries.append(entry) }
  }

  /// Of SCTP only addresses can be rewritten: its checksum covers the ports, and no program can renew it.
  private mutating func keepPort(_ number: Port, of selection: inout EndpointSelection, in entry: inout ServiceEntry) {
    let count = selection.candidates.count
    selection.keep { $0.port == number }
    if selection.candidates.count < count {
      note(
        "port \(number)/SCTP: \(count - selection.candidates.count) endpoints at other ports are left out, SCTP ports "
          + "cannot be rewritten")
    }
    for frontend in entry.frontends where frontend.port != number {
      note("\(frontend) is left out: SCTP ports cannot be rewritten, and endpoints are at port \(number)")
    }
    entry.frontends.removeAll { $0.port != number }
  }

  private mutating func warnOfTable(_ entry: ServiceEntry, _ selection: EndpointSelection) {
    switch entry.algorithm {
    case .maglev(let size):
      if selection.candidates.count > size {
        note("\(entry.name) has \(selection.candidates.count) endpoints, more than the \(size) slots of its table")
      }
    case .random, .leastLoad:
      if slices.contains(where: \.isWeighted) {
        note("annotation \(ServiceAnnotation.weights) of its slices is ignored: weights are for Maglev")
      }
    }
  }

  /// In order, without frontends that are there twice.
  ///
  /// Of a load balancer's address that is also an external IP the former stays, which source ranges guard.
  private static func distinct(_ frontends: [ServiceFrontend]) -> [ServiceFrontend] {
    if frontends.count < 2 { return frontends }
    func rank(_ kind: ServiceFrontend.Kind) -> Int {
      switch kind {
      case .clusterIP: 0
      case .loadBalancer: 1
      case .externalIP: 2
      case .nodePort, .hostPort: 3
      }
    }
    var result: [ServiceFrontend] = []
    for frontend in frontends.sorted(by: { $0.key == $1.key ? rank($0.kind) < rank($1.kind) : $0.key < $1.key })
    where result.last?.key != frontend.key {
      result.append(frontend)
    }
    return result
  }

  /// The number of endpoints that are ready on this node; of the family that has more.
  ///
  /// Endpoints that only serve while they end do not count: a load balancer is to send no more flows here.
  private mutating func planHealthCheck() {
    guard service.spec.needsHealthCheck, let number = service.spec.healthCheckNodePort, number != 0 else { return }
    guard let port = Port(Int(number)) else {
      note("health check node port \(number) is not in 1...65535: no health check is served")
      return
    }
    var local: [AddressFamily: Set<IPAddress>] = [:]
    for slice in slices {
      for endpoint in slice.endpoints where endpoint.state.isSuperset(of: [.local, .ready]) {
        local[slice.family, default: []].insert(endpoint.address)
      }
    }
    planned.healthCheck = ServiceHealthCheck(
      name: ServicePortName(namespace: service.metadata.namespace, service: service.metadata.name), port: port,
      localEndpoints: local.values.map(\.count).max() ?? 0)
  }
}
