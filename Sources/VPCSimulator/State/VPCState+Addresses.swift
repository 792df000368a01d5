// SPDX-License-Identifier: Apache-2.0

public import ENIProvider
public import NetworkTypes

extension VPCState {
  /// How many private addresses an interface may have while it is attached to nothing.
  static let maximumDetachedAddresses = 10

  /// The most addresses one call may name or count.
  static let maximumAddressesPerCall = 49

  /// Adds secondary addresses (`AssignPrivateIpAddresses`).
  ///
  /// - Parameters:
  ///   - request: how many or which.
  ///   - id: the interface.
  ///   - token: the client token and the parameters it stands for, or nil for none.
  /// - Returns: the addresses, and whether they are new; they are not when the token was used before.
  /// - Throws: ``APIFailure``; then nothing changed.
  public mutating func assignAddresses(
    _ request: AddressRequest, to id: ENIIdentifier, token: (text: String, fingerprint: [String: String])? = nil
  ) throws(APIFailure) -> (addresses: [IPv4Address], isNew: Bool) {
    if let token, let earlier = try assignTokens.answer(token.text, token.fingerprint) { return (earlier, false) }
    let eni = try record(id).interface
    guard [.available, .inUse].contains(eni.status), var space = spaces[eni.vSwitch] else {
      throw .invalidState(id.rawValue, is: eni.status.rawValue, needs: "Available or InUse")
    }
    let wanted =
      switch request {
      case .count(let count): count
      case .addresses(let addresses): addresses.count
      }
    guard (1...Self.maximumAddressesPerCall).contains(wanted) else {
      throw .invalid("SecondaryPrivateIpAddressCount", "1 to \(Self.maximumAddressesPerCall) addresses in one call")
    }
    let limit = addressLimit(of: eni)
    guard eni.privateAddresses.count + wanted <= limit else { throw .addressCount(id.rawValue, limit: limit) }
    let addresses = try Self.take(request, of: eni.vSwitch, from: &space)
    spaces[eni.vSwitch] = space
    interfaces[id]?.interface.privateAddresses += addresses.map { .init(address: $0, isPrimary: false) }
    if let token { assignTokens.remember(token.text, token.fingerprint, addresses) }
    return (addresses, true)
  }

  /// Takes secondary addresses away (`UnassignPrivateIpAddresses`).
  ///
  /// They are not given to anyone else before ``releaseAddresses(_:to:)``: until then the fabric may still forward them.
  ///
  /// - Throws: ``APIFailure``; then nothing changed.
  public mutating func unassignAddresses(_ addresses: [IPv4Address], from id: ENIIdentifier) throws(APIFailure) {
    let eni = try record(id).interface
    guard !addresses.isEmpty else { throw .missing("PrivateIpAddress") }
    guard [.available, .inUse].contains(eni.status) else {
      throw .invalidState(id.rawValue, is: eni.status.rawValue, needs: "Available or InUse")
    }
    for address in addresses {
      guard address != eni.primaryAddress else {
        throw APIFailure(
          code: "InvalidIp.Address", status: 400, message: "\(address) is the primary address of \(id); it stays.")
      }
      guard eni.secondaryAddresses.contains(address) else {
        throw APIFailure(
          code: "InvalidIp.IpUnassigned", status: 403, message: "\(address) is not an address of \(id).")
      }
    }
    interfaces[id]?.interface.privateAddresses.removeAll { addresses.contains($0.address) }
  }

  /// Makes addresses that were taken away free.
  public mutating func releaseAddresses(_ addresses: [IPv4Address], to vSwitch: VSwitchIdentifier) {
    spaces[vSwitch]?.free(addresses)
  }

  /// Gives addresses back that were taken away, because the effect failed.
  mutating func restoreAddresses(_ addresses: [IPv4Address], to id: ENIIdentifier, of vSwitch: VSwitchIdentifier) {
    if interfaces[id] == nil {
      spaces[vSwitch]?.free(addresses)
    } else {
      interfaces[id]?.interface.privateAddresses += addresses.map { .init(address: $0, isPrimary: false) }
    }
  }

  /// Undoes an assignment whose effect failed.
  mutating func revertAssignment(_ addresses: [IPv4Address], of id: ENIIdentifier, token: String?) {
    guard let eni = interfaces[id]?.interface else { return }
    interfaces[id]?.interface.privateAddresses.removeAll { addresses.contains($0.address) }
    spaces[eni.vSwitch]?.free(addresses)
    if let token { assignTokens.forget(token) }
  }

  /// How many addresses an interface may have now.
  private func addressLimit(of eni: NetworkInterface) -> Int {
    guard let instance = eni.attachment?.instance,
      let node = configuration.instances.first(where: { $0.id == instance })
    else { return Self.maximumDetachedAddresses }
    return configuration.limits(ofType: node.type).addressesPerInterface
  }

  static func take(_ request: AddressRequest?, of vSwitch: VSwitchIdentifier, from space: inout AddressSpace)
    throws(APIFailure) -> [IPv4Address]
  {
    switch request {
    case nil:
      return []
    case .count(let count):
      guard (1...maximumAddressesPerCall).contains(count) else {
        throw .invalid("SecondaryPrivateIpAddressCount", "1 to \(maximumAddressesPerCall) addresses in one call")
      }
      return try takeAny(count, of: vSwitch, from: &space)
    case .addresses(let addresses):
      guard addresses.count <= maximumAddressesPerCall else {
        throw .invalid("PrivateIpAddress", "at most \(maximumAddressesPerCall) addresses in one call")
      }
      try take(addresses, from: &space)
      return addresses
    }
  }

  static func takeAny(_ count: Int, of vSwitch: VSwitchIdentifier, from space: inout AddressSpace)
    throws(APIFailure) -> [IPv4Address]
  {
    let free = space.freeCount
    let taken = free < count ? [] : (0..<count).compactMap { _ in space.takeAny() }
    guard taken.count == count else { throw .addressesExhausted(vSwitch.rawValue, wanted: count, free: free) }
    return taken
  }

  static func take(_ addresses: [IPv4Address], from space: inout AddressSpace) throws(APIFailure) {
    guard Set(addresses).count == addresses.count else {
      throw APIFailure(code: "InvalidIp.IpRepeated", status: 400, message: "An address is named twice.")
    }
    for address in addresses {
      guard space.isUsable(address) else {
        throw APIFailure(
          code: "InvalidIp.Address", status: 400, message: "\(address) is not a usable address of \(space.cidr).")
      }
      guard !space.isUsed(address) else {
        throw APIFailure(code: "InvalidIp.IpAssigned", status: 403, message: "\(address) is in use.")
      }
      space.take(address)
    }
  }
}
