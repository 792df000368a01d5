// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

extension ECSClient {
  /// Creates a network interface (`CreateNetworkInterface`).
  public func createNetworkInterface(_ request: NetworkInterfaceRequest, token: ClientToken)
    async throws(ENIError) -> NetworkInterface
  {
    var parameters = [
      "VSwitchId": request.vSwitch.rawValue,
      "InstanceType": request.kind.rawValue,
      "ClientToken": token.rawValue,
      "DeleteOnRelease": "\(request.isDeletedOnRelease)",
      "SourceDestCheck": "\(request.isSourceDestinationChecked)",
    ]
    parameters.set(list: "SecurityGroupIds", request.securityGroups)
    switch request.secondaryAddresses {
    case .count(let count)? where count > 0: parameters["SecondaryPrivateIpAddressCount"] = "\(count)"
    case .addresses(let addresses)?: parameters.set(list: "PrivateIpAddress", addresses)
    case .count, nil: break
    }
    if !request.name.isEmpty { parameters["NetworkInterfaceName"] = request.name }
    if !request.description.isEmpty { parameters["Description"] = request.description }
    parameters.set(tags: request.tags)
    let body: InterfaceBody = try await perform(
      APICall(action: "CreateNetworkInterface", operand: "in \(request.vSwitch)", parameters: parameters))
    return body.networkInterface
  }

  /// Begins to attach an interface (`AttachNetworkInterface`).
  public func attachNetworkInterface(_ id: ENIIdentifier, to instance: InstanceIdentifier) async throws(ENIError) {
    let call = APICall(
      action: "AttachNetworkInterface", operand: "\(id) to \(instance)",
      parameters: ["NetworkInterfaceId": id.rawValue, "InstanceId": instance.rawValue])
    do {
      let _: EmptyBody = try await perform(call)
    } catch  where error.code == .invalidState {
      // A repeated call, or one whose first answer was lost, finds the interface where it should be.
      guard let found = try await networkInterface(id), found.attachment?.instance == instance,
        found.status == .attaching || found.status == .inUse
      else { throw error }
    }
  }

  /// Begins to detach an interface (`DetachNetworkInterface`).
  public func detachNetworkInterface(_ id: ENIIdentifier, from instance: InstanceIdentifier) async throws(ENIError) {
    let call = APICall(
      action: "DetachNetworkInterface", operand: "\(id) from \(instance)",
      parameters: ["NetworkInterfaceId": id.rawValue, "InstanceId": instance.rawValue])
    do {
      let _: EmptyBody = try await perform(call)
    } catch  where error.apiCode == "InvalidEniId.NotFound" {
      return
    } catch  where error.code == .invalidState {
      guard let found = try await networkInterface(id) else { return }
      guard found.status == .available || found.status == .deleting else { throw error }
    }
  }

  /// Begins to delete an interface (`DeleteNetworkInterface`).
  public func deleteNetworkInterface(_ id: ENIIdentifier) async throws(ENIError) {
    let call = APICall(
      action: "DeleteNetworkInterface", operand: id.rawValue, parameters: ["NetworkInterfaceId": id.rawValue])
    do {
      let _: EmptyBody = try await perform(call)
    } catch  where error.apiCode == "InvalidEniId.NotFound" {
      return
    }
  }

  /// Adds secondary addresses (`AssignPrivateIpAddresses`).
  public func assignPrivateAddresses(_ request: AddressRequest, to id: ENIIdentifier, token: ClientToken)
    async throws(ENIError) -> [IPv4Address]
  {
    var parameters = ["NetworkInterfaceId": id.rawValue, "ClientToken": token.rawValue]
    let operand: String
    switch request {
    case .count(let count):
      parameters["SecondaryPrivateIpAddressCount"] = "\(count)"
      operand = "\(count) to \(id)"
    case .addresses(let addresses):
      parameters.set(list: "PrivateIpAddress", addresses)
      operand = "\(addresses.map(\.description).joined(separator: " ")) to \(id)"
    }
    let body: AssignedAddressesBody = try await perform(
      APICall(action: "AssignPrivateIpAddresses", operand: operand, parameters: parameters))
    return body.addresses
  }

  /// Takes secondary addresses away (`UnassignPrivateIpAddresses`).
  public func unassignPrivateAddresses(_ addresses: [IPv4Address], from id: ENIIdentifier) async throws(ENIError) {
    var parameters = ["NetworkInterfaceId": id.rawValue]
    parameters.set(list: "PrivateIpAddress", addresses)
    let call = APICall(
      action: "UnassignPrivateIpAddresses",
      operand: "\(addresses.map(\.description).joined(separator: " ")) from \(id)", parameters: parameters)
    do {
      let _: EmptyBody = try await perform(call)
    } catch  where error.apiCode == "InvalidEniId.NotFound" {
      return
    } catch  where error.apiCode == "InvalidIp.IpUnassigned" {
      // The cloud refuses the whole call when one address is already gone: try the ones that are left.
      guard let found = try await networkInterface(id) else { return }
      let left = addresses.filter(found.secondaryAddresses.contains)
      guard left != addresses else { throw error }
      if !left.isEmpty { try await unassignPrivateAddresses(left, from: id) }
    }
  }

  /// Lists interfaces (`DescribeNetworkInterfaces`), following every page.
  public func networkInterfaces(matching filter: NetworkInterfaceFilter) async throws(ENIError)
    -> [NetworkInterface]
  {
    // The API takes at most 100 identifiers in a call.
    guard filter.ids.count > 100 else { return try await pages(of: filter) }
    var found: [NetworkInterface] = []
    for start in stride(from: 0, to: filter.ids.count, by: 100) {
      var part = filter
      part.ids = Array(filter.ids[start..<min(start + 100, filter.ids.count)])
      found += try await pages(of: part)
    }
    return found
  }

  private func pages(of filter: NetworkInterfaceFilter) async throws(ENIError) -> [NetworkInterface] {
    var parameters = ["MaxResults": "100"]
    parameters.set(list: "NetworkInterfaceId", filter.ids)
    parameters["InstanceId"] = filter.instance?.rawValue
    parameters["VSwitchId"] = filter.vSwitch?.rawValue
    parameters["Status"] = filter.status?.rawValue
    parameters["Type"] = filter.kind?.rawValue
    parameters.set(tags: filter.tags)
    var call = APICall(
      action: "DescribeNetworkInterfaces", operand: filter.ids.map(\.rawValue).joined(separator: " "),
      parameters: parameters)
    var found: [NetworkInterface] = []
    var seenTokens: Set<String> = []
    for _ in 0..<configuration.maximumPages {
      let body: InterfaceListBody = try await perform(call)
      found += body.interfaces.map(\.networkInterface)
      guard let next = body.nextToken, !next.isEmpty else { return found }
      guard seenTokens.insert(next).inserted else {
        throw ENIError(
          code: .malformedResponse, operation: call.operation,
          reason: "the listing came back to a page it had shown already; narrow the filter and try again")
      }
      call.parameters["NextToken"] = next
    }
    throw ENIError(
      code: .malformedResponse, operation: call.operation,
      reason: "the listing has more than \(configuration.maximumPages) pages; narrow the filter by tag or instance")
  }

  /// Describes a vSwitch (`DescribeVSwitches` of the VPC API).
  public func vSwitch(_ id: VSwitchIdentifier) async throws(ENIError) -> VSwitch? {
    let body: VSwitchListBody = try await perform(
      APICall(
        product: .vpc, action: "DescribeVSwitches", operand: id.rawValue, parameters: ["VSwitchId": id.rawValue]))
    return body.vSwitches.map(\.vSwitch).first { $0.id == id }
  }
}
