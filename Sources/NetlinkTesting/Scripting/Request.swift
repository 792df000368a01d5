// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension FakeKernel {
  /// A request that a socket sent.
  public struct Request: Sendable, Hashable, CustomStringConvertible {
    /// What it asks for.
    public let kind: RequestKind
    /// Its flags (`NLM_F_...`).
    public let flags: UInt16
    /// The message with its header.
    public let bytes: [UInt8]
    /// In one line: `RTM_NEWROUTE 10.0.0.0/8 via 10.1.0.1 on link 2 in table 254 (create, exclusive)`.
    public let description: String

    init(_ message: WireMessage) {
      kind = message.kind
      flags = message.flags
      bytes = message.bytes
      var words = [message.kind.description] + Request.subject(of: message)
      if message.kind.isQuestion {
        if message.has(Flag.dump) { words.append("(list)") }
      } else {
        let names = [
          (Flag.create, "create"), (Flag.exclusive, "exclusive"), (Flag.replace, "replace"), (Flag.append, "append"),
        ].filter { message.has($0.0) }.map(\.1)
        if !names.isEmpty { words.append("(\(names.joined(separator: ", ")))") }
      }
      description = words.joined(separator: " ")
    }

    private static func subject(of message: WireMessage) -> [String] {
      switch message.kind {
      case .newLink, .removeLink, .getLink, .newLinkProperty, .removeLinkProperty:
        object(message, KernelState.headerOfLinks).map(link) ?? []
      case .newAddress, .removeAddress, .getAddress: object(message, KernelState.headerOfAddresses).map(address) ?? []
      case .newRoute, .removeRoute, .getRoute: object(message, KernelState.headerOfRoutes).map(route) ?? []
      case .newRule, .removeRule, .getRule: object(message, KernelState.headerOfRules).map(rule) ?? []
      case .newNeighbour, .removeNeighbour, .getNeighbour:
        object(message, KernelState.headerOfNeighbours).map(neighbour) ?? []
      case .newQdisc, .removeQdisc, .newFilter, .removeFilter, .getFilter:
        object(message, KernelState.headerOfTraffic).map(traffic) ?? []
      default: []
      }
    }

    private static func object(_ message: WireMessage, _ headerSize: Int) -> WireObject? {
      do throws(Refusal) { return try WireObject(message.body, headerSize: headerSize) } catch { return nil }
    }

    private static func text(_ bytes: [UInt8]?) -> String? { bytes.flatMap { IPAddress(bytes: $0) }.map { "\($0)" } }

    private static func link(_ object: WireObject) -> [String] {
      var words: [String] = []
      if object.linkIndex != 0 { words.append("link \(object.linkIndex)") }
      if let name = object.attributes.text(IFLA.name) ?? object.attributes.text(IFLA.alternativeName) {
        words.append("\"\(name)\"")
      }
      if let kind = object.linkKind { words.append("kind \(kind)") }
      if object.linkMask & IFF.up != 0 { words.append(object.isUp ? "up" : "down") }
      if let master = object.attributes.number(IFLA.master) { words.append("master \(master)") }
      if let mtu = object.attributes.number(IFLA.mtu) { words.append("mtu \(mtu)") }
      return words + object.alternativeNames.map { "alternative name \"\($0)\"" }
    }

    private static func address(_ object: WireObject) -> [String] {
      var words = text(object.ownAddress).map { ["\($0)/\(object.header[1])"] } ?? []
      if object.addressIndex != 0 { words.append("on link \(object.addressIndex)") }
      return words
    }

    private static func route(_ object: WireObject) -> [String] {
      var words: [String] = []
      if let destination = text(object.attributes[RTA.destination]) {
        words.append("\(destination)/\(object.header[1])")
      } else if object.header[7] != 0 {
        words.append("default")
      }
      if let gateway = object.gateway { words.append("via \(gateway)") }
      if let index = object.attributes.number(RTA.outputInterface) { words.append("on link \(index)") }
      if object.table != 0 { words.append("in table \(object.table)") }
      return words
    }

    private static func rule(_ object: WireObject) -> [String] {
      var words: [String] = []
      if let priority = object.attributes.number(FRA.priority) { words.append("priority \(priority)") }
      if let source = text(object.attributes[FRA.source]) { words.append("from \(source)/\(object.header[2])") }
      if let destination = text(object.attributes[FRA.destination]) {
        words.append("to \(destination)/\(object.header[1])")
      }
      if object.table != 0 { words.append("table \(object.table)") }
      return words
    }

    private static func neighbour(_ object: WireObject) -> [String] {
      var words = object.isProxy ? ["proxy"] : []
      if let address = text(object.attributes[NDA.destination]) { words.append(address) }
      if object.neighbourIndex != 0 { words.append("on link \(object.neighbourIndex)") }
      return words
    }

    private static func traffic(_ object: WireObject) -> [String] {
      var words = object.attributes.text(TCA.kind).map { [$0] } ?? []
      if object.trafficIndex != 0 { words.append("on link \(object.trafficIndex)") }
      if object.info != 0 { words.append("priority \(object.info >> 16)") }
      return words
    }
  }
}
