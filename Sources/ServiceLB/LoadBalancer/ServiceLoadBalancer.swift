// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
internal import CDatapathABI
public import DatapathPrograms
internal import Synchronization
public import SystemPackage

/// The load balancer of a node: the maps that say where services are, and the programs that translate at sockets.
///
/// ```swift
/// let balancer = try ServiceLoadBalancer.load(pinDirectory: "/sys/fs/bpf/terwaykit")
/// try balancer.apply(ServicePlanner(nodeName: "node-a").plan(services: services, endpointSlices: slices))
/// let attachments = try balancer.attach(cgroup: "/sys/fs/cgroup")
/// ```
///
/// One writer for each set of maps: a second one would hand out the same indices. Its methods may be called from many
/// tasks; they take turns.
public final class ServiceLoadBalancer: Sendable {
  /// The maps, for other programs that look services up.
  public let maps: ServiceMaps
  /// The sizes of the maps in use.
  public let limits: ServiceLimits
  /// How it was loaded.
  public let options: ServiceOptions

  let programs: SocketPrograms
  let writer: ServiceMapWriter
  /// Nil: unknown, to be read from the maps.
  private let state = Mutex<ServiceMapState?>(nil)
  private let peers = Mutex<SocketPeers?>(nil)

  /// Uses maps that were made before, such as those of a pod datapath.
  ///
  /// - Parameters:
  ///   - maps: The maps; what they hold is kept until the first ``apply(_:)-(ServiceTable)``.
  ///   - options: How the programs are loaded.
  /// - Throws: ``ServiceError/Code/kernelRefused``.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN; Linux 6.1. `BPF_PROG_LOAD`
  public init(maps: ServiceMaps, options: ServiceOptions = ServiceOptions()) throws(ServiceError) {
    self.maps = maps
    self.options = options
    limits = maps.limits
    writer = ServiceMapWriter(maps)
    do throws(BPFError) {
      programs = try SocketPrograms.load(using: maps, constants: options.constants)
    } catch {
      throw ServiceError("load the socket load balancer", error)
    }
  }

  /// Loads the programs and makes their maps, or takes over those that are pinned.
  ///
  /// - Parameters:
  ///   - pinDirectory: A directory of a bpf file system, made if need be. Maps pinned there go on being used, with all
  ///     they hold and in their size, and missing ones are made and pinned. Nil: the maps go with this object and its
  ///     attachments.
  ///   - limits: The sizes of the maps that are made now.
  ///   - options: How the programs are loaded.
  /// - Returns: A load balancer that is not attached yet; what pinned maps hold is kept until the first
  ///   ``apply(_:)-(ServiceTable)``.
  /// - Throws: ``ServiceError/Code/invalidLimits``; ``ServiceError/Code/kernelRefused``, also for pinned maps of a
  ///   version with another layout.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN; Linux 6.1. `BPF_PROG_LOAD`, `BPF_MAP_CREATE`
  public static func load(
    pinDirectory: FilePath? = nil, limits: ServiceLimits = .default, options: ServiceOptions = ServiceOptions()
  ) throws(ServiceError) -> ServiceLoadBalancer {
    do throws(BPFError) {
      try limits.check()
    } catch {
      throw ServiceError(code: .invalidLimits, message: error.description, underlying: error)
    }
    let maps: ServiceMaps
    do throws(BPFError) {
      maps = try ServiceMaps.load(pinDirectory: pinDirectory, limits: limits)
    } catch {
      throw ServiceError("make the maps of services", error)
    }
    return try ServiceLoadBalancer(maps: maps, options: options)
  }

  /// Makes the maps serve a table, with the fewest writes.
  ///
  /// A connection made meanwhile meets all of a service's old endpoints or all of its new ones. Connections that exist
  /// are not touched. What is no longer used becomes free in a call a second or more later, be it with the same table.
  ///
  /// - Parameter table: All that is to be served; what is not in it goes.
  /// - Returns: What was written.
  /// - Throws: ``ServiceError/Code/tableFull``, ``ServiceError/Code/invalidTable`` and
  ///   ``ServiceError/Code/conflictingFrontend``, with nothing changed; ``ServiceError/Code/kernelRefused``, after which
  ///   another call carries on from what the maps hold.
  @discardableResult
  public func apply(_ table: ServiceTable) throws(ServiceError) -> ServiceUpdate {
    ServiceUpdate(try perform(table, at: .now))
  }

  /// As ``apply(_:)-(ServiceTable)``, at a given time, and says all that was written.
  package func perform(
    _ table: ServiceTable, at now: ContinuousClock.Instant
  ) throws(ServiceError) -> ServiceMapPlan {
    try perform { (state) throws(ServiceError) in try state.apply(table, at: now) }
  }

  /// Changes some entries and leaves the others alone, at a cost that goes with the change.
  ///
  /// - Parameter change: What is new or different, and what goes; its health checks are no business of the maps.
  /// - Returns: What was written.
  /// - Throws: As ``apply(_:)-(ServiceTable)``. A frontend that an entry outside the change has is a conflict.
  @discardableResult
  public func apply(_ change: ServiceTableChange) throws(ServiceError) -> ServiceUpdate {
    ServiceUpdate(try perform { (state) throws(ServiceError) in try state.apply(change) })
  }

  /// Serves one entry as it is now.
  ///
  /// - Parameter entry: The entry; without frontends it goes.
  /// - Returns: What was written.
  /// - Throws: As ``apply(_:)-(ServiceTableChange)``.
  @discardableResult
  public func update(_ entry: ServiceEntry) throws(ServiceError) -> ServiceUpdate {
    try apply(ServiceTableChange(updated: [entry]))
  }

  /// Serves one entry no more.
  ///
  /// - Parameter entry: Its name and family; one that is not served is no error.
  /// - Returns: What was written.
  /// - Throws: ``ServiceError/Code/kernelRefused``.
  @discardableResult
  public func remove(_ entry: ServiceEntry.ID) throws(ServiceError) -> ServiceUpdate {
    try apply(ServiceTableChange(removed: [entry]))
  }

  /// Frees what has rested, and TCP endpoints that are gone and have no connections any more.
  ///
  /// For an agent that runs for long, every minute or so. Updates are not held up while flows are looked through.
  ///
  /// ```swift
  /// try balancer.collect { gone in
  ///   try pods.backendsInUse(among: gone).union(node.backendsInUse(among: gone))
  /// }
  /// ```
  ///
  /// - Parameter backendsInUse: Gets indices of endpoints that are gone, and returns those that flows name, in all tables of
  ///   flows that look them up; nil: unknown, so that none is freed before `drainTime`. Not called where none is gone.
  /// - Returns: What was written.
  /// - Throws: ``ServiceError/Code/kernelRefused``; what was known to be free is freed all the same.
  @discardableResult
  public func collect(
    backendsInUse: ((Set<UInt32>) throws(BPFError) -> Set<UInt32>)? = nil
  ) throws(ServiceError) -> ServiceUpdate {
    var gone: [UInt32: UInt32] = [:]
    var update = ServiceUpdate(
      try perform { (state) throws(ServiceError) in
        state.reclaim(at: .now)
        gone = state.drainingBackends
        return try state.apply(ServiceTableChange())
      })
    guard let backendsInUse, !gone.isEmpty else { return update }
    let used: Set<UInt32>
    do throws(BPFError) {
      used = try backendsInUse(Set(gone.keys))
    } catch {
      throw ServiceError("look for connections to endpoints that are gone", error)
    }
    // No new flow gets an endpoint that is gone: what was not in use then is not in use now. One that went meanwhile, be it
    // by the same index, was not looked for.
    update.cleared += try perform { (state) throws(ServiceError) in
      state.releaseDraining { gone[$0] != $1 || used.contains($0) }
      return try state.apply(ServiceTableChange())
    }.cleared.count
    return update
  }

  /// The writes that ``apply(_:)-(ServiceTable)`` would make now.
  ///
  /// - Parameter table: All that is to be served.
  /// - Returns: The writes.
  /// - Throws: As ``apply(_:)-(ServiceTable)``.
  public func plan(for table: ServiceTable) throws(ServiceError) -> ServiceMapPlan {
    try state.withLock { (state) throws(ServiceError) in
      let current = try known(state)
      state = current
      var copy = current
      return try copy.apply(table)
    }
  }

  /// What the maps hold, read from the kernel.
  ///
  /// - Throws: ``ServiceError/Code/kernelRefused``.
  public func contents() throws(ServiceError) -> ServiceMapContents {
    do throws(BPFError) {
      return try writer.contents()
    } catch {
      throw ServiceError("read the maps of services", error)
    }
  }

  /// What happened at a service's address; nil when none is served there.
  ///
  /// Addresses of one service port share their counts.
  ///
  /// - Parameter frontend: The address.
  /// - Returns: The counts, summed over processors.
  /// - Throws: ``ServiceError/Code/kernelRefused``.
  public func counters(of frontend: ServiceFrontend.Key) throws(ServiceError) -> ServiceCounters? {
    let index = try state.withLock { (state) throws(ServiceError) in
      let current = try known(state)
      state = current
      return current.owners[frontend]
    }
    guard let index, index > 0 else { return nil }
    do throws(BPFError) {
      return try maps.counters.withValues(at: index) { values in
        var sum = ServiceCounters()
        for position in values.indices {
          sum.translated &+= values[position].translated
          sum.refused &+= values[position].refused
          sum.notLocal &+= values[position].not_local
          sum.filtered &+= values[position].filtered
        }
        return sum
      }
    } catch {
      throw ServiceError("read the counts of \(frontend)", error)
    }
  }

  private func perform(
    _ plan: (inout ServiceMapState) throws(ServiceError) -> ServiceMapPlan
  ) throws(ServiceError) -> ServiceMapPlan {
    try state.withLock { (state) throws(ServiceError) in
      var current = try known(state)
      // The only reference, so that the plan changes it in place; and nil while the maps are neither old nor new.
      state = nil
      let made: ServiceMapPlan
      do throws(ServiceError) {
        made = try planMakingRoom(&current, plan)
      } catch {
        state = current
        throw error
      }
      do throws(BPFError) {
        try writer.perform(made)
      } catch {
        throw ServiceError("write the maps of services", error)
      }
      state = current
      return made
    }
  }

  /// Plans; where the maps are full because of what rests, running programs are waited for instead of a second.
  private func planMakingRoom(
    _ state: inout ServiceMapState, _ plan: (inout ServiceMapState) throws(ServiceError) -> ServiceMapPlan
  ) throws(ServiceError) -> ServiceMapPlan {
    do throws(ServiceError) {
      return try plan(&state)
    } catch {
      guard error.code == .tableFull, state.restingCount > 0 else { throw error }
      do throws(BPFError) {
        try writer.waitForPrograms()
      } catch let wait {
        throw ServiceError("wait for programs to end", wait)
      }
      state.reclaim(at: .now + ServiceMapState.quarantine)
      return try plan(&state)
    }
  }

  /// Lists what UDP sockets asked for; loaded when it is needed first.
  func socketPeers() throws(ServiceError) -> SocketPeers {
    try peers.withLock { (peers) throws(ServiceError) in
      if let peers { return peers }
      do throws(BPFError) {
        let made = try SocketPeers(of: maps)
        peers = made
        return made
      } catch {
        throw ServiceError(
          code: .notSupported, message: "cannot list what UDP sockets asked for", underlying: error)
      }
    }
  }

  private func known(_ state: ServiceMapState?) throws(ServiceError) -> ServiceMapState {
    if let state { return state }
    let contents = try contents()
    if !contents.isEmpty {
      // Whoever wrote before may have freed something a moment ago.
      do throws(BPFError) {
        try writer.waitForPrograms()
      } catch {
        throw ServiceError("wait for programs to end", error)
      }
    }
    return ServiceMapState(reading: contents, limits: limits, drainTime: options.drainTime)
  }
}

extension ServiceError {
  init(_ action: String, _ error: BPFError) {
    self.init(code: .kernelRefused, message: "cannot \(action)", underlying: error)
  }
}
