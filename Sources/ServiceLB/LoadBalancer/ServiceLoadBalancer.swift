// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
internal import Synchronization
public import SystemPackage

/// The socket load balancer: programs that translate service addresses when a socket of a cgroup connects or sends, and
/// the maps that tell them where to.
///
/// One per node, attached to the root of the cgroup2 hierarchy; pods need nothing in their own namespace, and no packet
/// is rewritten afterwards.
///
/// ```swift
/// let balancer = try ServiceLoadBalancer.load(pinDirectory: "/sys/fs/bpf/terway/service")
/// try balancer.apply(ServicePlanner().plan(services: services, endpointSlices: slices))
/// let attachments = try balancer.attach(toCgroup: "/sys/fs/cgroup")
/// ```
public final class ServiceLoadBalancer: Sendable {
  /// The sizes of the maps in use.
  public let limits: ServiceLimits

  private let object: LoadedObject
  private let maps: ServiceMaps
  /// Nil: unknown, to be read from the maps.
  private let state = Mutex<ServiceMapState?>(nil)

  private init(object: consuming LoadedObject) throws(ServiceError) {
    maps = try ServiceMaps(of: object)
    self.object = object
    limits = maps.limits
  }

  /// Loads the programs and makes their maps, or takes over those that are pinned.
  ///
  /// - Parameters:
  ///   - pinDirectory: a directory of a bpf file system, made if need be; maps pinned there go on being used, with all
  ///     they hold and in their size, and missing ones are made and pinned. Nil: the maps go with this object and its
  ///     attachments.
  ///   - limits: the sizes of the maps that are made now.
  /// - Returns: A load balancer that is not attached yet; what pinned maps hold is kept until the first
  ///   ``apply(_:)``.
  /// - Throws: ``ServiceError/Code/invalidLimits``; ``ServiceError/Code/kernelRefused``, also for pinned maps of a
  ///   version with another layout.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN; Linux 6.1. `BPF_PROG_LOAD`, `BPF_MAP_CREATE`
  public static func load(
    pinDirectory: FilePath? = nil, limits: ServiceLimits = .default
  ) throws(ServiceError) -> ServiceLoadBalancer {
    try limits.check()
    let loaded: LoadedObject
    do throws(BPFError) {
      if let pinDirectory { try BPFFileSystem.makeDirectory(pinDirectory) }
      var object = try BPFObject(
        DatapathObject.sockLB.embedded,
        checking: [socket_peer.layout, datagram_peer_key.layout, datagram_peer.layout])
      let sizes = try limits.adopting(pinnedIn: pinDirectory)
      try object.setMaxEntries(sizes.frontends, forMap: "frontend")
      try object.setMaxEntries(sizes.services, forMap: "service")
      try object.setMaxEntries(sizes.services, forMap: "service_counter")
      try object.setMaxEntries(sizes.slots, forMap: "service_slot")
      try object.setMaxEntries(sizes.backends, forMap: "backend")
      try object.setMaxEntries(sizes.datagramPeers, forMap: "datagram_peer")
      if let pinDirectory {
        for name in mapNames { try object.share(map: name, at: pinDirectory.appending(name)) }
      }
      loaded = try object.load()
    } catch {
      throw ServiceError("load the socket load balancer", error)
    }
    return try ServiceLoadBalancer(object: loaded)
  }

  /// The maps that outlive the process below a pin directory.
  private static let mapNames = [
    "frontend", "service", "service_slot", "backend", "socket_peer", "datagram_peer", "service_counter",
  ]

  /// Begins to translate for every process of a cgroup and the cgroups below it.
  ///
  /// Attach once per hierarchy: a socket that two load balancers translate loses the address it asked for.
  ///
  /// - Parameter cgroup: a cgroup2 directory; the root for all pods and the host.
  /// - Returns: The attachments; translation ends when they are detached or released, unless they are pinned.
  /// - Throws: ``ServiceError/Code/kernelRefused``; nothing stays attached then.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN; Linux 6.1. `BPF_LINK_CREATE`
  public func attach(toCgroup cgroup: FilePath) throws(ServiceError) -> ServiceAttachments {
    do throws(BPFError) {
      // The way back first: a socket is never told a backend's address that it did not ask for.
      return ServiceAttachments(
        getPeerName: try object.program("getpeername4").attach(toCgroup: cgroup, as: .getpeername4),
        receive: try object.program("recvmsg4").attach(toCgroup: cgroup, as: .recvmsg4),
        send: try object.program("sendmsg4").attach(toCgroup: cgroup, as: .sendmsg4),
        connect: try object.program("connect4").attach(toCgroup: cgroup, as: .connect4))
    } catch {
      throw ServiceError("attach the socket load balancer to cgroup \(cgroup)", error)
    }
  }

  /// Makes the maps serve a table, with the fewest writes.
  ///
  /// A connection made meanwhile meets all of a service's old endpoints or all of its new ones. Connections that exist
  /// are not touched. What is no longer used is freed by a call a second or more later, be it with the same table.
  ///
  /// - Parameter table: the whole wish; what is not in it is removed.
  /// - Returns: The writes that were made, in order.
  /// - Throws: ``ServiceError/Code/tableFull`` and ``ServiceError/Code/conflictingFrontend``, with nothing changed;
  ///   ``ServiceError/Code/kernelRefused``, after which another call carries on from what the maps hold.
  @discardableResult
  public func apply(_ table: ServiceTable) throws(ServiceError) -> [ServiceMapOperation] {
    try state.withLock { (state) throws(ServiceError) in
      let plan = try known(state).plan(for: table)
      state = nil
      for operation in plan.operations {
        do throws(BPFError) {
          try maps.perform(operation)
        } catch {
          throw ServiceError("write \"\(operation)\"", error)
        }
      }
      state = plan.result
      return plan.operations
    }
  }

  /// The writes that ``apply(_:)`` would make now.
  ///
  /// - Parameter table: the whole wish.
  /// - Returns: The writes, in order.
  /// - Throws: As ``apply(_:)``.
  public func plan(for table: ServiceTable) throws(ServiceError) -> ServiceMapPlan {
    try state.withLock { (state) throws(ServiceError) in try known(state).plan(for: table) }
  }

  /// What the maps hold, read from the kernel.
  ///
  /// - Throws: ``ServiceError/Code/kernelRefused``.
  public func contents() throws(ServiceError) -> ServiceMapContents {
    do throws(BPFError) {
      return try maps.contents()
    } catch {
      throw ServiceError("read the load balancer's maps", error)
    }
  }

  /// What happened at a service's address; nil when none is served there.
  ///
  /// Addresses of one service port share their counts.
  ///
  /// - Parameter frontend: the address.
  /// - Returns: The counts, summed over CPUs.
  /// - Throws: ``ServiceError/Code/kernelRefused``.
  public func counters(of frontend: ServiceFrontend) throws(ServiceError) -> ServiceCounters? {
    let index = try state.withLock { (state) throws(ServiceError) in
      let current = try known(state)
      state = current
      return current.frontends[frontend]
    }
    guard let index else { return nil }
    do throws(BPFError) {
      var sum = ServiceCounters()
      guard let perCPU = try maps.counters.values(at: index) else { return nil }
      for counts in perCPU {
        sum.translated += counts.translated
        sum.refused += counts.refused
      }
      return sum
    } catch {
      throw ServiceError("read the counts of \(frontend)", error)
    }
  }

  private func known(_ state: ServiceMapState?) throws(ServiceError) -> ServiceMapState {
    if let state { return state }
    return ServiceMapState(reading: try contents(), limits: limits)
  }
}
