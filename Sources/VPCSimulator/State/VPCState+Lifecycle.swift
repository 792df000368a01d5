// SPDX-License-Identifier: Apache-2.0

public import ENIProvider
public import NetworkTypes

extension VPCState {
  /// How many attachments of one instance may be under way at once.
  static let maximumConcurrentAttachments = 5

  /// Creates an interface in state `Creating` (`CreateNetworkInterface`).
  ///
  /// - Parameters:
  ///   - request: what it should be.
  ///   - primaryAddress: its primary address, or nil for any.
  ///   - token: the client token and the parameters it stands for, or nil for none.
  ///   - now: the time of creation.
  /// - Returns: the interface, and the work that follows; no work when the token was used before.
  /// - Throws: ``APIFailure``; then nothing changed.
  public mutating func createInterface(
    _ request: NetworkInterfaceRequest, primaryAddress: IPv4Address? = nil,
    token: (text: String, fingerprint: [String: String])? = nil, now: APITimestamp
  ) throws(APIFailure) -> (record: Record, work: VPCWork?) {
    if let token, let earlier = try createTokens.answer(token.text, token.fingerprint) { return (earlier, nil) }
    guard let vSwitch = configuration.vSwitches.first(where: { $0.id == request.vSwitch }),
      var space = spaces[request.vSwitch]
    else { throw .notFound("VSwitchId", request.vSwitch.rawValue) }
    guard !request.securityGroups.isEmpty else { throw .missing("SecurityGroupId") }
    for group in request.securityGroups where !configuration.securityGroups.contains(group) {
      throw .notFound("SecurityGroupId", group.rawValue)
    }
    guard request.kind == .secondary || request.kind == .trunk else {
      throw .invalid("InstanceType", "\(request.kind) is neither Secondary nor Trunk")
    }
    guard interfaces.count < configuration.maximumInterfaces else {
      throw APIFailure(
        code: "MaxEniCountExceeded", status: 403,
        message: "The region holds \(configuration.maximumInterfaces) network interfaces already.")
    }
    var addresses: [IPv4Address] = []
    if let primaryAddress {
      try Self.take([primaryAddress], from: &space)
      addresses = [primaryAddress]
    } else {
      addresses = try Self.takeAny(1, of: request.vSwitch, from: &space)
    }
    addresses += try Self.take(request.secondaryAddresses, of: request.vSwitch, from: &space)

    let (id, mac) = nextIdentity()
    let record = Record(
      interface: NetworkInterface(
        id: id, mac: mac, primaryAddress: addresses[0],
        privateAddresses: addresses.enumerated().map { .init(address: $1, isPrimary: $0 == 0) },
        vSwitch: request.vSwitch, vpc: configuration.vpc, zone: vSwitch.zone, status: .creating, kind: request.kind,
        securityGroups: request.securityGroups, tags: request.tags, description: request.description),
      name: request.name, creationTime: now, isDeletedOnRelease: request.isDeletedOnRelease,
      isSourceDestinationChecked: request.isSourceDestinationChecked)
    spaces[request.vSwitch] = space
    interfaces[id] = record
    if let token { createTokens.remember(token.text, token.fingerprint, record) }
    return (record, VPCWork(eni: id, kind: .create))
  }

  /// Begins to attach an available interface (`AttachNetworkInterface`).
  ///
  /// - Returns: the work that follows.
  /// - Throws: ``APIFailure``; then nothing changed.
  public mutating func attachInterface(_ id: ENIIdentifier, to instance: InstanceIdentifier) throws(APIFailure)
    -> VPCWork
  {
    var record = try record(id)
    guard let node = configuration.instances.first(where: { $0.id == instance }) else {
      throw .notFound("EcsId", instance.rawValue)
    }
    guard record.interface.status == .available else {
      throw .invalidState(id.rawValue, is: record.interface.status.rawValue, needs: "Available")
    }
    guard record.interface.zone == node.zone else {
      throw APIFailure(
        code: "InvalidOperation.AvailabilityZoneMismatch", status: 403,
        message: "The network interface is in \(record.interface.zone), the instance in \(node.zone).")
    }
    let limits = configuration.limits(ofType: node.type)
    let others = interfaces.values.filter { $0.interface.attachment?.instance == instance }
    // The instance's own primary interface counts; it is not among the records.
    guard others.count + 1 < limits.interfaces else {
      throw APIFailure(
        code: "EniPerInstanceLimitExceeded", status: 403,
        message: "An instance of type \(node.type) has at most \(limits.interfaces) network interfaces.")
    }
    guard record.interface.privateAddresses.count <= limits.addressesPerInterface else {
      throw .addressCount(id.rawValue, limit: limits.addressesPerInterface)
    }
    guard others.count(where: { $0.interface.status == .attaching }) < Self.maximumConcurrentAttachments else {
      throw APIFailure(
        code: "Operation.Conflict", status: 409,
        message: "\(Self.maximumConcurrentAttachments) attachments of the instance are under way.")
    }
    let indexes = Set(others.compactMap { $0.interface.attachment?.deviceIndex })
    let index = (1...limits.interfaces).first { !indexes.contains($0) }
    record.interface.attachment = .init(instance: instance, deviceIndex: index)
    record.interface.status = .attaching
    interfaces[id] = record
    return VPCWork(eni: id, kind: .attach)
  }

  /// Begins to detach an interface, or begins again when it is stuck (`DetachNetworkInterface`).
  ///
  /// - Returns: the work that follows.
  /// - Throws: ``APIFailure``; then nothing changed.
  public mutating func detachInterface(_ id: ENIIdentifier, from instance: InstanceIdentifier) throws(APIFailure)
    -> VPCWork
  {
    let record = try record(id)
    guard configuration.instances.contains(where: { $0.id == instance }) else {
      throw .notFound("EcsId", instance.rawValue)
    }
    guard [.inUse, .detaching].contains(record.interface.status) else {
      throw .invalidState(id.rawValue, is: record.interface.status.rawValue, needs: "InUse or Detaching")
    }
    guard record.interface.attachment?.instance == instance else {
      throw APIFailure(
        code: "InvalidOperation.EniNotAttached", status: 400,
        message: "The network interface \(id) is not attached to \(instance).")
    }
    interfaces[id]?.interface.status = .detaching
    return VPCWork(eni: id, kind: .detach)
  }

  /// Begins to delete an interface, or begins again when it is stuck (`DeleteNetworkInterface`).
  ///
  /// - Returns: the work that follows.
  /// - Throws: ``APIFailure``; then nothing changed.
  public mutating func deleteInterface(_ id: ENIIdentifier) throws(APIFailure) -> VPCWork {
    let record = try record(id)
    guard [.available, .deleting].contains(record.interface.status) else {
      throw .invalidState(id.rawValue, is: record.interface.status.rawValue, needs: "Available")
    }
    interfaces[id]?.interface.status = .deleting
    return VPCWork(eni: id, kind: .delete)
  }

  /// Ends a transition as intended.
  ///
  /// Work that is out of date changes nothing.
  public mutating func complete(_ work: VPCWork) {
    guard let record = interfaces[work.eni] else { return }
    switch (work.kind, record.interface.status) {
    case (.create, .creating):
      interfaces[work.eni]?.interface.status = .available
    case (.attach, .attaching):
      interfaces[work.eni]?.interface.status = .inUse
    case (.detach, .detaching):
      interfaces[work.eni]?.interface.status = .available
      interfaces[work.eni]?.interface.attachment = nil
    case (.delete, .deleting):
      interfaces[work.eni] = nil
      spaces[record.interface.vSwitch]?.free(record.interface.privateAddresses.map(\.address))
    default:
      break
    }
  }

  /// Ends a transition whose effect failed: an attachment is undone, a detachment stays `Detaching`.
  public mutating func fail(_ work: VPCWork) {
    guard work.kind == .attach, interfaces[work.eni]?.interface.status == .attaching else { return }
    interfaces[work.eni]?.interface.status = .available
    interfaces[work.eni]?.interface.attachment = nil
  }
}
