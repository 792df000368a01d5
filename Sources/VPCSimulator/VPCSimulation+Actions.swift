// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import NetworkTypes

extension VPCSimulation {
  private func token(_ parameters: APIParameters) throws(APIFailure) -> (text: String, fingerprint: [String: String])? {
    guard let text = parameters.text("ClientToken") else { return nil }
    guard ClientToken(text) != nil else { throw .invalid("ClientToken", "1 to 64 visible ASCII characters") }
    return (text, parameters.fingerprint)
  }

  func create(_ parameters: APIParameters) throws(APIFailure) -> [String: JSONValue] {
    var groups: [SecurityGroupIdentifier] = try parameters.identifiers("SecurityGroupIds")
    if let single: SecurityGroupIdentifier = try parameters.optionalIdentifier("SecurityGroupId") {
      guard groups.isEmpty else { throw .invalid("SecurityGroupId", "not together with SecurityGroupIds.N") }
      groups = [single]
    }
    var primaryAddress: IPv4Address?
    if let text = parameters.text("PrimaryIpAddress") {
      guard let address = IPv4Address(text) else { throw .invalid("PrimaryIpAddress", "not an IPv4 address") }
      primaryAddress = address
    }
    let request = NetworkInterfaceRequest(
      vSwitch: try parameters.identifier("VSwitchId"), securityGroups: groups,
      secondaryAddresses: try parameters.addressRequest(),
      kind: parameters.text("InstanceType").map { .init(rawValue: $0) } ?? .secondary,
      name: parameters.text("NetworkInterfaceName") ?? "", description: parameters.text("Description") ?? "",
      tags: try parameters.tags(), isDeletedOnRelease: try parameters.bool("DeleteOnRelease", default: true),
      isSourceDestinationChecked: try parameters.bool("SourceDestCheck", default: false))
    let (record, work) = try state.createInterface(
      request, primaryAddress: primaryAddress, token: try token(parameters), now: timing.wallClock())
    if let work { begin(work) }
    return JSONValue.interface(record, isListed: false)
  }

  func attach(_ parameters: APIParameters) throws(APIFailure) -> [String: JSONValue] {
    begin(
      try state.attachInterface(
        try parameters.identifier("NetworkInterfaceId"), to: try parameters.identifier("InstanceId")))
    return [:]
  }

  func detach(_ parameters: APIParameters) throws(APIFailure) -> [String: JSONValue] {
    begin(
      try state.detachInterface(
        try parameters.identifier("NetworkInterfaceId"), from: try parameters.identifier("InstanceId")))
    return [:]
  }

  func delete(_ parameters: APIParameters) throws(APIFailure) -> [String: JSONValue] {
    begin(try state.deleteInterface(try parameters.identifier("NetworkInterfaceId")))
    return [:]
  }

  func describeInterfaces(_ parameters: APIParameters) throws(APIFailure) -> [String: JSONValue] {
    let filter = NetworkInterfaceFilter(
      ids: try parameters.identifiers("NetworkInterfaceId"), instance: try parameters.optionalIdentifier("InstanceId"),
      vSwitch: try parameters.optionalIdentifier("VSwitchId"),
      status: parameters.text("Status").map { .init(rawValue: $0) },
      kind: parameters.text("Type").map { .init(rawValue: $0) }, tags: try parameters.tags())
    guard filter.ids.count <= 100 else { throw .invalid("NetworkInterfaceId", "at most 100 in one call") }
    let size = try parameters.number("MaxResults", in: 1...500) ?? 50
    // The token is the last identifier of the page before: pages stay right while interfaces come and go.
    let after: ENIIdentifier? = try parameters.optionalIdentifier("NextToken")
    let found = state.interfaces(matching: filter)
    let rest = after.map { after in found.filter { $0.interface.id > after } } ?? found
    let page = rest.prefix(size)
    var answer: [String: JSONValue] = [
      "NetworkInterfaceSets": [
        "NetworkInterfaceSet": .array(page.map { .object(JSONValue.interface($0, isListed: true)) })
      ],
      "NextToken": "", "MaxResults": .number(size), "TotalCount": .number(found.count), "PageNumber": 1,
      "PageSize": .number(size),
    ]
    if rest.count > page.count, let last = page.last { answer["NextToken"] = .init(last.interface.id) }
    return answer
  }

  func assign(_ parameters: APIParameters) async throws(APIFailure) -> [String: JSONValue] {
    let id: ENIIdentifier = try parameters.identifier("NetworkInterfaceId")
    guard let request = try parameters.addressRequest() else { throw .missing("SecondaryPrivateIpAddressCount") }
    let token = try token(parameters)
    let (addresses, isNew) = try state.assignAddresses(request, to: id, token: token)
    if isNew {
      guard await updateAddresses(of: id) else {
        state.revertAssignment(addresses, of: id, token: token?.text)
        throw Self.fabricFailure
      }
    } else {
      _ = await chains[id]?.task.value
    }
    return [
      "AssignedPrivateIpAddressesSet": [
        "NetworkInterfaceId": .init(id), "PrivateIpSet": ["PrivateIpAddress": .array(addresses.map { .init($0) })],
        "Ipv4PrefixSet": ["Ipv4Prefix": []],
      ]
    ]
  }

  func unassign(_ parameters: APIParameters) async throws(APIFailure) -> [String: JSONValue] {
    let id: ENIIdentifier = try parameters.identifier("NetworkInterfaceId")
    let addresses = try parameters.addresses("PrivateIpAddress")
    let vSwitch = try state.record(id).interface.vSwitch
    try state.unassignAddresses(addresses, from: id)
    guard await updateAddresses(of: id) else {
      state.restoreAddresses(addresses, to: id, of: vSwitch)
      throw Self.fabricFailure
    }
    state.releaseAddresses(addresses, to: vSwitch)
    return [:]
  }

  func describeVSwitches(_ parameters: APIParameters) throws(APIFailure) -> [String: JSONValue] {
    let wanted = (parameters.text("VSwitchId") ?? "").split(separator: ",")
    let vpc = parameters.text("VpcId")
    let found = state.configuration.vSwitches
      .filter { wanted.isEmpty || wanted.contains($0.id.rawValue[...]) }
      .filter { _ in vpc == nil || vpc == state.configuration.vpc.rawValue }
    let size = try parameters.number("PageSize", in: 1...50) ?? 10
    let number = try parameters.number("PageNumber", in: 1...10_000) ?? 1
    let page = found.dropFirst((number - 1) * size).prefix(size)
    return [
      "VSwitches": ["VSwitch": .array(page.compactMap { state.vSwitch($0.id) }.map(JSONValue.vSwitch))],
      "TotalCount": .number(found.count), "PageNumber": .number(number), "PageSize": .number(size),
    ]
  }

  private static let fabricFailure = APIFailure(
    code: "InternalError", status: 500, message: "The fabric did not take the change; see the simulator's log.")
}
