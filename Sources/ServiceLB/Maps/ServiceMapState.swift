// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
public import DatapathPrograms
public import NetworkTypes

/// What the maps hold, as far as user space needs to know it: which index each service, address and endpoint has, and
/// which slots are in use.
///
/// Indices are stable: what does not change keeps its own across updates and, because they are read back from the maps,
/// across restarts. A plan changes the state in place, so that its cost goes with the change alone.
public struct ServiceMapState: Sendable {
  /// How long what no map value names stays as it is.
  static let quarantine = Duration.seconds(SERVICE_QUARANTINE)

  /// A frontend of a service, as its hash entry says.
  struct InstalledFrontend: Sendable {
    var key: ServiceFrontend.Key
    /// VIP index 0: the entry, as read, names no VIP of its own and has to be written.
    var word: FrontendWord
  }

  /// A backend of a service.
  struct InstalledBackend: Sendable {
    var key: ServiceBackend.Key
    var index: UInt32
    /// 0 while the entry has it.
    ///
    /// Else it is gone, and this tells this time from others.
    var retirement: UInt32
    var weight: UInt16
    var state: BackendRecord.State
    var isInCluster: Bool
    var isInLocal: Bool

    var isRetired: Bool { retirement != 0 }
  }

  /// A service index in use.
  struct Installed: Sendable {
    /// Nil: read from the maps, and no entry has claimed it yet; or at rest.
    var key: ServiceEntry.ID?
    var `protocol`: IPProtocol
    /// In order of key; none: it is at rest until its backends are free.
    var frontends: [InstalledFrontend] = []
    /// In order of key, those that are gone included.
    var backends: [InstalledBackend] = []
    var extents = ServiceExtents()
    var configuration = ServiceConfiguration()
    /// In order.
    var ranges: [IPCIDR] = []
    /// The content of the extents where they are Maglev tables.
    var clusterTable: [UInt32] = []
    var localTable: [UInt32] = []
    /// Whether the extents name what the backends say; not, where they were read and make no sense.
    var isSound = true
    /// Whether the extents are this service's own slots.
    var ownsSlots = true
    /// Whether the extents are cleared, of a service at rest.
    var isCleared = false
    /// Whether the local scope is kept only because a program may still look for it.
    var isLocalEnding = false
    /// The plan that the service is part of.
    var visited: UInt32 = 0

    /// The slots it owns, one or two runs.
    var runs: [Range<UInt32>] {
      guard ownsSlots else { return [] }
      return Self.runs(of: extents)
    }

    static func runs(of extents: ServiceExtents) -> [Range<UInt32>] {
      let (cluster, local) = (extents.cluster.slots, extents.local.slots)
      if cluster.isEmpty || local.isEmpty { return [cluster, local].filter { !$0.isEmpty } }
      // A pair of slots is one service's; so runs that touch the same pair are one.
      if cluster.lowerBound / 2 <= (local.upperBound - 1) / 2, local.lowerBound / 2 <= (cluster.upperBound - 1) / 2 {
        return [min(cluster.lowerBound, local.lowerBound)..<max(cluster.upperBound, local.upperBound)]
      }
      return [cluster, local]
    }
  }

  /// What rests until no program can have read its name.
  enum Resting: Sendable {
    case slots(Range<UInt32>)
    case vip(UInt32)
    case backend(service: UInt32, key: ServiceBackend.Key, retirement: UInt32)
    /// An index of a backend that is on no service's list.
    case stray(UInt32)
    /// A service without frontends.
    case service(UInt32)
    /// A local scope that no frontend asks for.
    case localScope(UInt32)
  }

  /// A TCP backend that is gone, and may have connections.
  struct Draining: Sendable {
    var service: UInt32
    var key: ServiceBackend.Key
    var retirement: UInt32
    var index: UInt32
    var until: ContinuousClock.Instant
  }

  /// The sizes of the maps.
  public let limits: ServiceLimits
  /// How long the index of a TCP backend that is gone is not used again, unless it is needed or known to be free.
  let drainTime: Duration
  let tableSizes: Set<Int>

  var installed: [Installed?] = []
  var servicesByKey: [ServiceEntry.ID: UInt32] = [:]
  /// 0: the entry names a service that cannot be.
  var owners: [ServiceFrontend.Key: UInt32] = [:]
  /// How many of ``owners`` are IPv6.
  var frontendCount6 = 0
  var rangeCount = 0
  /// Ranges, as read, of services that are not.
  var strayRanges: [SourceRange] = []
  /// Frontends, as read, of services that cannot be.
  var strayFrontends: [ServiceFrontend.Key] = []
  /// Services that were read without frontends.
  var orphans: [UInt32] = []
  /// The addresses that node ports are served at.
  public internal(set) var nodeAddresses: Set<IPAddress> = []

  var slotAllocator: SlotAllocator
  var serviceAllocator: IndexAllocator
  var vipAllocator: IndexAllocator
  var backendAllocator: IndexAllocator
  /// Whether an index that was never handed out may have counts all the same: the maps are older than this state.
  var resetsNewCounters = false

  /// Writes that say what has become free, for the next plan.
  var cleared: [ServiceMapOperation] = []
  var resting = Quarantine<Resting>(period: quarantine)
  var draining = Ring<Draining>()
  private var retirements: UInt32 = 0
  private(set) var plans: UInt32 = 0

  /// The state of empty maps.
  ///
  /// - Parameters:
  ///   - limits: The sizes of the maps.
  ///   - drainTime: How long the index of a TCP backend that is gone is kept for flows, unless it is needed.
  ///   - tableSizes: The sizes that entries may ask for.
  package init(
    limits: ServiceLimits = .default, drainTime: Duration = ServiceMapState.defaultDrainTime,
    tableSizes: Set<Int> = Set(MaglevTable.sizes)
  ) {
    self.tableSizes = tableSizes
    self.limits = limits
    self.drainTime = drainTime
    slotAllocator = SlotAllocator(count: limits.slots)
    serviceAllocator = IndexAllocator(1..<max(limits.services, 2), epochBits: 0)
    vipAllocator = IndexAllocator(1..<max(limits.vips, 2), epochBits: Int(FRONTEND_EPOCH_BITS))
    backendAllocator = IndexAllocator(1..<max(limits.backends, 2), epochBits: 32)
  }

  /// How long the index of a TCP backend that is gone is kept, when nobody says that no flow names it: an hour.
  package static let defaultDrainTime = Duration.seconds(3600)

  /// How many entries are served.
  public var serviceCount: Int { servicesByKey.count }

  /// Whether the maps serve nothing and all of them is free.
  package var isEmpty: Bool {
    owners.isEmpty && servicesByKey.isEmpty && nodeAddresses.isEmpty && installed.allSatisfy { $0 == nil }
      && slotAllocator.longestFree == limits.slots / 2 * 2 && serviceAllocator.available == Int(limits.services) - 1
      && vipAllocator.available == Int(limits.vips) - 1 && backendAllocator.available == Int(limits.backends) - 1
      && rangeCount == 0 && frontendCount6 == 0
  }

  /// How many TCP backends are gone and wait for their flows to end.
  public var drainingCount: Int { draining.count }

  /// How many things rest until no program can have read their name.
  var restingCount: Int { resting.count }

  mutating func nextRetirement() -> UInt32 {
    retirements &+= 1
    if retirements == 0 { retirements = 1 }
    return retirements
  }

  mutating func nextPlan() -> UInt32 {
    plans &+= 1
    return plans
  }

  subscript(service index: UInt32) -> Installed? {
    _read { if Int(index) < installed.count { yield installed[Int(index)] } else { yield nil } }
    _modify {
      while installed.count <= Int(index) { installed.append(nil) }
      yield &installed[Int(index)]
    }
  }
}

extension Array where Element == ServiceMapState.InstalledBackend {
  /// Where the backend with a key is, or would be.
  func position(of key: ServiceBackend.Key) -> (index: Int, isFound: Bool) {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self[middle].key < key { low = middle + 1 } else { high = middle }
    }
    return (low, low < count && self[low].key == key)
  }
}
