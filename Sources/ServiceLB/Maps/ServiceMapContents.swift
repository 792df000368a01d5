// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What the maps hold that user space writes, as read; also a model of them for tests of plans.
///
/// The arrays are as long as their last element in use.
public struct ServiceMapContents: Hashable, Sendable {
  /// Maps `frontend4` and `frontend6`.
  public var frontends: [ServiceFrontend.Key: FrontendWord] = [:]
  /// Map `vip`, by index; nil: never used.
  public var vips: [VIPRecord?] = []
  /// Map `service`, by index.
  public var services: [ServiceExtents] = []
  /// Map `service_config`, by index.
  public var configurations: [ServiceConfiguration] = []
  /// Map `service_slot`: backend indices by slot; 0: never used.
  public var slots: [UInt32] = []
  /// Map `backend`, by index; nil: never used.
  public var backends: [BackendRecord?] = []
  /// Map `source_range`.
  public var sourceRanges: Set<SourceRange> = []
  /// Map `node_address`.
  public var nodeAddresses: Set<IPAddress> = []

  /// Makes empty contents.
  public init() {}

  /// Whether nothing was ever written.
  public var isEmpty: Bool { self == ServiceMapContents() }

  /// Does one write, as the kernel would.
  public mutating func apply(_ operation: ServiceMapOperation) {
    func set<Element>(_ array: inout [Element], _ index: UInt32, _ value: Element, empty: Element) {
      while array.count <= Int(index) { array.append(empty) }
      array[Int(index)] = value
    }
    func extents(_ index: UInt32) -> ServiceExtents {
      Int(index) < services.count ? services[Int(index)] : ServiceExtents()
    }
    switch operation {
    case .setBackend(let index, let record): set(&backends, index, record, empty: nil)
    case .setBackendState(let index, let state): backends[Int(index)]?.state = state
    case .releaseBackend(let index): backends[Int(index)]?.service = 0
    case .setSlot(let slot, let backend): set(&slots, slot, backend, empty: 0)
    case .resetCounter: break
    case .setCluster(let index, let extent):
      set(&services, index, ServiceExtents(cluster: extent, local: extents(index).local), empty: ServiceExtents())
    case .setLocal(let index, let extent):
      set(&services, index, ServiceExtents(cluster: extents(index).cluster, local: extent), empty: ServiceExtents())
    case .setConfiguration(let index, let configuration):
      set(&configurations, index, configuration, empty: ServiceConfiguration())
    case .setVIP(let index, let record): set(&vips, index, record, empty: nil)
    case .setFrontend(let key, let word): frontends[key] = word
    case .removeFrontend(let key): frontends[key] = nil
    case .addSourceRange(let range): sourceRanges.insert(range)
    case .removeSourceRange(let range): sourceRanges.remove(range)
    case .addNodeAddress(let address): nodeAddresses.insert(address)
    case .removeNodeAddress(let address): nodeAddresses.remove(address)
    }
  }

  /// The extents of a service.
  public func extents(of service: UInt32) -> ServiceExtents {
    Int(service) < services.count ? services[Int(service)] : ServiceExtents()
  }

  /// The backends that the slots of an extent name; nil for a slot that names none.
  public func backends(in extent: SlotExtent) -> [BackendRecord?] {
    extent.slots.map { slot in
      guard Int(slot) < slots.count, case let index = Int(slots[Int(slot)]), index < backends.count else { return nil }
      return backends[index]
    }
  }

  /// What a client that asks for `frontend` can meet: nil: it is left alone; empty: it is refused.
  ///
  /// - Parameters:
  ///   - frontend: What is asked for.
  ///   - isLocal: In the local scope, or else the cluster's.
  /// - Returns: The backends, slot by slot.
  public func backends(of frontend: ServiceFrontend.Key, isLocal: Bool = false) -> [BackendRecord]? {
    guard let word = frontends[frontend] else { return nil }
    let extents = extents(of: word.service)
    return backends(in: isLocal ? extents.local : extents.cluster).compactMap { $0 }
  }
}
