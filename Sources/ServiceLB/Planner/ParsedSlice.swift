// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// An EndpointSlice as planning needs it: addresses read, conditions and hints seen from this node.
struct ParsedSlice: Sendable {
  /// What planning asks of an endpoint.
  struct State: OptionSet {
    let rawValue: UInt8

    /// It is on this node.
    static let local = State(rawValue: 1 << 0)
    /// It takes new flows.
    static let ready = State(rawValue: 1 << 1)
    /// It is not ready, but serves while it ends.
    static let draining = State(rawValue: 1 << 2)
    /// It has hints for zones.
    static let zoneHinted = State(rawValue: 1 << 3)
    /// One of them is this node's zone.
    static let zoneMatches = State(rawValue: 1 << 4)
    /// It has hints for nodes.
    static let nodeHinted = State(rawValue: 1 << 5)
    /// One of them is this node.
    static let nodeMatches = State(rawValue: 1 << 6)

    static let hints: State = [.zoneHinted, .zoneMatches, .nodeHinted, .nodeMatches]
  }

  struct Endpoint {
    var address: IPAddress
    var state: State
    var weight: UInt16
  }

  struct Port {
    var name: String
    var `protocol`: TransportProtocol
    var number: NetworkTypes.Port
  }

  var family: AddressFamily = .ipv4
  var ports: [Port] = []
  /// Those that are ready or draining, by address.
  var endpoints: [Endpoint] = []
  var notes: [ServiceNote] = []
  /// Whether a weight is not 1.
  var isWeighted = false

  init(_ slice: EndpointSlice, nodeName: String?, zone: String?) {
    let subject = "EndpointSlice \(slice.metadata.namespace)/\(slice.metadata.name)"
    var notes: [ServiceNote] = []
    func note(_ message: String) { notes.append(ServiceNote(subject: subject, message: message)) }
    defer { self.notes = notes }

    switch slice.addressType {
    case .ipv4: family = .ipv4
    case .ipv6: family = .ipv6
    case .fqdn:
      note("its endpoints are names, which no packet can be sent to: they are left out")
      return
    }
    for port in slice.ports {
      if let number = port.port.flatMap({ NetworkTypes.Port(Int($0)) }) {
        ports.append(Port(name: port.name ?? "", protocol: port.protocol, number: number))
      } else {
        note("port \"\(port.name ?? "")\" has no number in 1...65535: its endpoints are left out")
      }
    }
    if ports.isEmpty { return }

    let weights = EndpointWeights(slice, note: note)
    endpoints.reserveCapacity(slice.endpoints.count)
    var isSorted = true
    for endpoint in slice.endpoints {
      var state = Self.state(of: endpoint.conditions)
      // Addresses after the first are the same endpoint (discovery.k8s.io/v1).
      guard !state.isEmpty, let text = endpoint.addresses.first else { continue }
      guard let address = IPAddress(text), address.family == family, !address.isMapped else {
        note("\"\(text)\" is not an \(family == .ipv4 ? "IPv4" : "IPv6") address: the endpoint is left out")
        continue
      }
      if let nodeName, endpoint.nodeName == nodeName { state.insert(.local) }
      if !endpoint.hintedZones.isEmpty {
        state.insert(.zoneHinted)
        if let zone, endpoint.hintedZones.contains(zone) { state.insert(.zoneMatches) }
      }
      if !endpoint.hintedNodes.isEmpty {
        state.insert(.nodeHinted)
        if let nodeName, endpoint.hintedNodes.contains(nodeName) { state.insert(.nodeMatches) }
      }
      let weight = weights?.weight(of: endpoint) ?? 1
      if weight != 1 { isWeighted = true }
      if let last = endpoints.last, address.precedes(last.address) { isSorted = false }
      endpoints.append(Endpoint(address: address, state: state, weight: weight))
    }
    if !isSorted { endpoints.sort { $0.address.precedes($1.address) } }
  }

  private static func state(of conditions: EndpointSlice.Conditions) -> State {
    if conditions.isReady { return .ready }
    return conditions.isServing && conditions.isTerminating ? .draining : []
  }
}

extension IPAddress {
  /// Whether it is an IPv4 address in IPv6 notation.
  var isMapped: Bool {
    guard case .v6(let address) = self else { return false }
    return address.high == 0 && address.low >> 32 == 0xFFFF
  }

  /// The order of addresses, in a form that is compiled here.
  @inline(__always)
  func precedes(_ other: IPAddress) -> Bool {
    switch (self, other) {
    case (.v4(let left), .v4(let right)): left.rawValue < right.rawValue
    case (.v6(let left), .v6(let right)): left.high != right.high ? left.high < right.high : left.low < right.low
    case (.v4, .v6): true
    case (.v6, .v4): false
    }
  }

  /// Whether a node can be reached at it.
  var isReachable: Bool {
    switch self {
    case .v4(let address):
      let value = address.rawValue
      return value != 0 && value >> 24 != 127 && value >> 28 != 0xE && value != UInt32.max
    case .v6(let address):
      return !(address.high == 0 && address.low <= 1) && address.high >> 56 != 0xFF && !isMapped
    }
  }
}
