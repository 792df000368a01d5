// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

// `struct ifaddrmsg`: family 0, prefix length 1, flags 2, scope 3, index 4.
extension WireObject {
  var family: UInt8 { header[0] }
  var addressIndex: UInt32 { header.host(at: 4) }
  var ownAddress: [UInt8]? { attributes[IFA.local] ?? attributes[IFA.address] }
  /// The addresses that are on the link besides the own one.
  var network: IPCIDR? {
    attributes[IFA.address].flatMap { IPAddress(bytes: $0) }.flatMap {
      IPCIDR(address: $0, prefixLength: Int(header[1]))
    }
  }
}

extension KernelState {
  static let headerOfAddresses = 8

  private func address(in message: WireMessage) throws(Refusal) -> (request: WireObject, own: [UInt8]) {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfAddresses)
    guard request.family == Family.ipv4 || request.family == Family.ipv6 else { throw Refusal(.notSupported) }
    let width = request.family == Family.ipv4 ? 4 : 16
    guard let own = request.ownAddress, own.count == width, Int(request.header[1]) <= width * 8 else {
      throw Refusal(.invalidArgument)
    }
    guard links[request.addressIndex] != nil else { throw Refusal(.noDevice) }
    return (request, own)
  }

  /// Whether both are the same to the kernel: IPv4 tells prefix lengths apart, IPv6 does not.
  private func isSame(_ one: WireObject, _ request: WireObject, _ own: [UInt8]) -> Bool {
    one.family == request.family && one.addressIndex == request.addressIndex && one.ownAddress == own
      && (request.family == Family.ipv6 || one.header[1] == request.header[1])
  }

  mutating func newAddress(_ message: WireMessage) throws(Refusal) {
    var (request, own) = try address(in: message)
    let place = addresses.firstIndex { isSame($0, request, own) }
    if place != nil, !message.has(Flag.replace) { throw Refusal(.exists) }
    // IFA_F_PERMANENT: it has no end.
    var flags = UInt32(request.header[2]) | (request.attributes.number(IFA.flags) ?? 0) | 0x80
    if request.family == Family.ipv4 {
      let sameNetwork = addresses.contains { other in
        other.family == Family.ipv4 && other.addressIndex == request.addressIndex
          && other.header[1] == request.header[1] && other.network?.masked == request.network?.masked
          && other.ownAddress != own
      }
      if sameNetwork, place == nil { flags |= 1 }
      if request.attributes[IFA.label] == nil, let name = links[request.addressIndex]?.linkName {
        request.attributes.set(IFA.label, name)
      }
    } else {
      request.attributes[IFA.local] = request.attributes[IFA.local] == request.attributes[IFA.address] ? nil : own
      request.header[3] = KernelState.scope(ofIPv6: own)
    }
    request.header[2] = UInt8(truncatingIfNeeded: flags)
    request.attributes.set(IFA.flags, flags)
    if request.attributes[IFA.cacheInfo] == nil {
      request.attributes[IFA.cacheInfo] =
        [UInt8](repeating: 0xff, count: 8) + [UInt8](repeating: 0, count: 8)
    }
    if let place { addresses[place] = request } else { addresses.append(request) }
    tell(.newAddress, request)
  }

  private static func scope(ofIPv6 address: [UInt8]) -> UInt8 {
    if address[0] == 0xfe, address[1] & 0xc0 == 0x80 { return 253 }
    if address == [UInt8](repeating: 0, count: 15) + [1] { return 254 }
    return 0
  }

  mutating func removeAddress(_ message: WireMessage) throws(Refusal) {
    let (request, own) = try address(in: message)
    let label = request.attributes.text(IFA.label)
    let found = addresses.firstIndex {
      isSame($0, request, own) && (label == nil || label == $0.attributes.text(IFA.label))
    }
    guard let found else { throw Refusal(.addressNotAvailable) }
    let gone = addresses.remove(at: found)
    tell(.removeAddress, gone)
    guard gone.family == Family.ipv4, !addresses.contains(where: { $0.ownAddress == own }) else { return }
    // Of IPv4 routes that vanish with their source nobody is told.
    remove(\.routes, telling: nil) { $0.attributes[RTA.preferredSource] == own }
  }

  func listAddresses(_ message: WireMessage) throws(Refusal) -> [WireObject] {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfAddresses)
    let index = request.addressIndex
    if index != 0, links[index] == nil { throw Refusal(.noDevice) }
    let found = addresses.filter {
      (request.family == Family.unspecified || $0.family == request.family) && (index == 0 || $0.addressIndex == index)
    }
    return links.keys.sorted().flatMap { link in found.filter { $0.addressIndex == link } }
  }
}
