// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
public import DatapathPrograms
public import LinuxSystem
public import NetworkTypes

/// Programs at devices that somebody else wired.
///
/// ``PodWirer`` attaches the programs of pods that it wires itself. This is for the others: pods of another network plugin,
/// and devices of the node, where clients outside come in. What is attached outlives the process.
///
/// ```swift
/// let programs = DevicePrograms(anchor: .pinnedLink(directory: "/sys/fs/bpf/terwaykit/web"))
/// let pod = DevicePod(endpoint: 7, address: IPv4Address(10, 0, 1, 5))
/// try await programs.attach(pod, of: datapath, at: "eth0", side: .pod, in: podNamespace)
/// ```
public struct DevicePrograms: Sendable {
  /// What keeps the programs in place.
  public let anchor: ProgramAnchor

  /// Chooses what keeps programs in place.
  ///
  /// - Parameter anchor: The same for a device always; a directory of pins for each node's device.
  public init(anchor: ProgramAnchor) { self.anchor = anchor }

  /// Attaches a pod's programs, and enters the pod into the datapath's maps.
  ///
  /// What is there already is left alone.
  ///
  /// - Parameters:
  ///   - pod: The pod.
  ///   - datapath: Whose programs and maps.
  ///   - link: The device.
  ///   - side: Whether the device is the pod's own, or the node's end of its pair.
  ///   - namespace: Where the device is.
  /// - Throws: ``DatapathError``: `linkNotFound`, `conflict` where another pod has the number, `programs`, `kernel`. What
  ///   this call did is taken back then.
  /// - Requires: CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_BPF; Linux 6.1, and 6.6 for pinned links.
  public func attach(
    _ pod: DevicePod, of datapath: PodDatapath, at link: InterfaceName, side: PlannedPrograms.Side,
    in namespace: NetworkNamespace
  ) async throws(DatapathError) {
    do {
      let view = try await NamespaceView(namespace)
      let keeper = ProgramKeeper(datapath: datapath, anchor: anchor)
      let programs = pod.programs(at: link, side)
      let change = try await keeper.attach(programs, in: view)
      do {
        _ = try LocalPodKeeper(datapath: datapath).add(pod.listed)
      } catch {
        try? await keeper.takeBack(change, of: programs, in: view)
        throw error
      }
    } catch {
      throw Self.wrap(error, "attach programs to \(link)")
    }
  }

  /// Detaches a pod's programs, and takes the pod out of the datapath's maps; what is gone is no error.
  ///
  /// - Parameters:
  ///   - pod: As for ``attach(_:of:at:side:in:)``.
  ///   - datapath: Likewise.
  ///   - link: Likewise.
  ///   - side: Likewise.
  ///   - namespace: Where the device is; nil: that is gone.
  /// - Throws: ``DatapathError``: `programs`, `kernel`.
  public func detach(
    _ pod: DevicePod, of datapath: PodDatapath, from link: InterfaceName, side: PlannedPrograms.Side,
    in namespace: NetworkNamespace?
  ) async throws(DatapathError) {
    do {
      try LocalPodKeeper(datapath: datapath).remove(pod.listed)
      try await ProgramKeeper(datapath: datapath, anchor: anchor)
        .detach(pod.programs(at: link, side), in: try await Self.view(of: namespace))
    } catch {
      throw Self.wrap(error, "detach programs from \(link)")
    }
  }

  /// Detaches a pod's programs and leaves the datapath's maps as they are, for a datapath that ends as a whole.
  ///
  /// - Parameters:
  ///   - endpoint: The pod's number.
  ///   - link: The device.
  ///   - side: Whether the device is the pod's own, or the node's end of its pair.
  ///   - namespace: Where the device is; nil: that is gone.
  /// - Throws: ``DatapathError``: `programs`, `kernel`.
  public func detachPrograms(
    ofEndpoint endpoint: UInt32, from link: InterfaceName, side: PlannedPrograms.Side, in namespace: NetworkNamespace?
  ) async throws(DatapathError) {
    do {
      let view = try await Self.view(of: namespace)
      let planned = DevicePod(endpoint: endpoint).programs(at: link, side)
      for flow in ProgramKeeper.Flow.allCases {
        try await ProgramKeeper.place(flow, planned, anchor).detach(from: link, in: view)
      }
    } catch {
      throw Self.wrap(error, "detach programs from \(link)")
    }
  }

  /// Attaches the programs for clients outside, or puts them in the place of an earlier process's.
  ///
  /// - Parameters:
  ///   - node: The programs.
  ///   - link: A device of the node that faces the clients.
  ///   - namespace: Where the device is.
  /// - Throws: ``DatapathError``: `linkNotFound`, `programs`, `kernel`.
  /// - Requires: As ``attach(_:of:at:side:in:)``.
  public func attach(
    _ node: borrowing NodeDatapath, at link: InterfaceName, in namespace: NetworkNamespace
  ) async throws(DatapathError) {
    do {
      let view = try await NamespaceView(namespace)
      let index = try await view.requiredIndex(of: link)
      // The way back first: what is translated has one.
      try await put(node.toOutside, place(.egress), on: index, in: view)
      try await put(node.fromOutside, place(.ingress), on: index, in: view)
    } catch {
      throw Self.wrap(error, "attach programs to \(link)")
    }
  }

  /// Detaches the programs for clients outside; what is gone is no error.
  ///
  /// - Parameters:
  ///   - link: The device.
  ///   - namespace: Where the device is; nil: that is gone.
  /// - Throws: ``DatapathError``: `programs`, `kernel`.
  public func detachNode(from link: InterfaceName, in namespace: NetworkNamespace?) async throws(DatapathError) {
    do {
      let view = try await Self.view(of: namespace)
      for hook in [TrafficControlDirection.ingress, .egress] { try await place(hook).detach(from: link, in: view) }
    } catch {
      throw Self.wrap(error, "detach programs from \(link)")
    }
  }

  private func place(_ hook: TrafficControlDirection) -> AnchoredProgram {
    let name = hook == .ingress ? "from" : "to"
    return AnchoredProgram(
      anchor: anchor, hook: hook, filterName: "\(Ownership.aliasPrefix)\(name)-outside", pinName: "\(name)_outside")
  }

  private func put(
    _ program: borrowing BPFProgram, _ place: AnchoredProgram, on index: InterfaceIndex, in view: NamespaceView
  ) async throws {
    if try await place.isAttached(on: index, in: view) {
      try await place.replace(with: program, on: index, in: view)
    } else {
      try await place.attach(program, on: index, in: view)
    }
  }

  private static func view(of namespace: NetworkNamespace?) async throws -> NamespaceView? {
    guard let namespace else { return nil }
    return try await NamespaceView(namespace)
  }

  private static func wrap(_ error: any Error, _ step: String) -> DatapathError {
    if let error = error as? DatapathError { return error }
    return DatapathError(
      code: error is BPFError ? .programs : .kernel, message: "cannot \(step)", step: nil, underlying: error)
  }
}

/// A pod at a device that somebody else wired.
public struct DevicePod: Hashable, Sendable {
  /// The pod's number in the datapath's maps, 1...4095.
  public var endpoint: UInt32
  /// The pod's address: what else it sends is dropped; nil: it has none.
  public var address: IPv4Address?
  /// The pod's IPv6 address, likewise.
  public var address6: IPv6Address?
  /// A number that pods have in common which reach each other without a gateway; 0: there are none.
  ///
  /// Ipvlan slaves of one parent, mode L2.
  public var parent: UInt32
  /// Whether the pod may send and receive only once a network policy generation has compiled it.
  public var requiresPolicy: Bool

  /// Describes a pod; it has one address at least.
  public init(
    endpoint: UInt32, address: IPv4Address? = nil, address6: IPv6Address? = nil, parent: UInt32 = 0,
    requiresPolicy: Bool = false
  ) {
    self.endpoint = endpoint
    self.address = address
    self.address6 = address6
    self.parent = parent
    self.requiresPolicy = requiresPolicy
  }

  func programs(at link: InterfaceName, _ side: PlannedPrograms.Side) -> PlannedPrograms {
    PlannedPrograms(
      endpoint: endpoint, address: address, address6: address6, requiresPolicy: requiresPolicy, isRouter: false,
      link: link, side: side)
  }

  var listed: PlannedLocalPod {
    PlannedLocalPod(address: address, address6: address6, parent: parent, endpoint: endpoint)
  }
}
