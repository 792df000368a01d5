// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension KernelState {
  /// What the kernel would do with a packet that starts here and says nothing but where to.
  func lookUpRoute(_ message: WireMessage) throws(Refusal) -> WireObject {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfRoutes)
    guard request.family == Family.ipv4 || request.family == Family.ipv6 else { throw Refusal(.notSupported) }
    guard let bytes = request.attributes[RTA.destination], let destination = IPAddress(bytes: bytes) else {
      throw Refusal(.invalidArgument)
    }
    for rule in rulesInOrder where rule.family == request.family && rule.appliesToOwnPackets(to: destination) {
      switch rule.header[7] {
      case 1: break
      case 6: throw Refusal(.invalidArgument)
      case 7: throw Refusal(.networkUnreachable)
      case 8: throw Refusal(.prohibited)
      default: continue
      }
      // The kernel's own routes to own addresses are not kept, so they are looked for where they come from.
      if rule.table == 255, let own = addresses.first(where: { $0.ownAddress == bytes }) {
        let table: UInt32 = request.family == Family.ipv6 || hasOwnIPv4Rules ? 255 : 254
        return answer(request, to: bytes, like: nil, type: 2, through: 1, table: table, source: own.ownAddress)
      }
      let candidates = routes.filter { route in
        route.family == request.family && route.table == rule.table && route.block?.contains(destination) == true
          && Int64(route.header[1])
            > (rule.attributes.number(FRA.suppressedPrefixLength).map { $0 == .max ? -1 : Int64($0) } ?? -1)
      }
      let best = candidates.min { ($1.header[1], $0.routePriority) < ($0.header[1], $1.routePriority) }
      guard let best else { continue }
      switch best.header[7] {
      case 6: throw Refusal(.invalidArgument)
      case 7: throw Refusal(.hostUnreachable)
      case 8: throw Refusal(.prohibited)
      case 9: continue
      default: break
      }
      let index = best.attributes.number(RTA.outputInterface)
      let source =
        best.attributes[RTA.preferredSource]
        ?? addresses.first { $0.family == request.family && $0.addressIndex == index }?.ownAddress
      return answer(
        request, to: bytes, like: best, type: best.header[7], through: index, table: rule.table, source: source)
    }
    throw Refusal(.networkUnreachable)
  }

  private func answer(
    _ request: WireObject, to destination: [UInt8], like route: WireObject?, type: UInt8, through index: UInt32?,
    table: UInt32, source: [UInt8]?
  ) -> WireObject {
    var answer = WireObject(header: route?.header ?? request.header, attributes: Attributes())
    answer.header[1] = UInt8(destination.count * 8)
    answer.header[4] = table < 256 ? UInt8(table) : 252
    answer.header[7] = type
    // RTM_F_CLONED
    answer.header.set(UInt32(0x200), at: 8)
    answer.attributes.set(RTA.table, table)
    answer.attributes[RTA.destination] = destination
    if let index { answer.attributes.set(RTA.outputInterface, index) }
    answer.attributes[RTA.preferredSource] = source
    for type in [RTA.gateway, RTA.via] { answer.attributes[type] = route?.attributes[type] }
    return answer
  }
}

extension WireObject {
  /// Whether a rule is for packets that are made here, have no source yet, no mark and no socket bound to a link.
  fileprivate func appliesToOwnPackets(to destination: IPAddress) -> Bool {
    var applies = attributes[FRA.source] == nil && attributes[FRA.outputInterface] == nil
    if let input = attributes.text(FRA.inputInterface) { applies = applies && input == "lo" }
    if let bytes = attributes[FRA.destination], let address = IPAddress(bytes: bytes) {
      applies = applies && IPCIDR(address: address, prefixLength: Int(header[1]))?.contains(destination) == true
    }
    if let mark = attributes.number(FRA.mark) { applies = applies && mark == 0 }
    let isInverted = header.host(at: 8, as: UInt32.self) & 2 != 0
    return applies != isInverted
  }
}
