// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// One write to one map of the load balancer: a store, or an entry of a hash.
public enum ServiceMapOperation: Hashable, Sendable {
  /// An index of map `backend` that nothing names gets a new use.
  case setBackend(index: UInt32, BackendRecord)
  /// Flows may or may not go to a backend.
  case setBackendState(index: UInt32, BackendRecord.State)
  /// A backend that is gone belongs to no service any more; the rest of its record stays until the index is used again.
  case releaseBackend(index: UInt32)
  /// A slot names a backend.
  case setSlot(UInt32, backend: UInt32)
  /// The counts of a service's index start at zero: it is about to become another service's.
  case resetCounter(service: UInt32)
  /// A service's cluster scope is in these slots.
  case setCluster(service: UInt32, SlotExtent)
  /// A service's local scope is in these slots.
  case setLocal(service: UInt32, SlotExtent)
  /// How a service's backends are chosen.
  case setConfiguration(service: UInt32, ServiceConfiguration)
  /// An index of map `vip` that nothing names gets a new use.
  case setVIP(index: UInt32, VIPRecord)
  /// What is asked for is served so.
  case setFrontend(ServiceFrontend.Key, FrontendWord)
  /// What is asked for is left alone.
  case removeFrontend(ServiceFrontend.Key)
  /// Clients may use a service's load balancer addresses.
  case addSourceRange(SourceRange)
  /// They may not, unless another range says so.
  case removeSourceRange(SourceRange)
  /// Node ports are served at this address.
  case addNodeAddress(IPAddress)
  /// They are not.
  case removeNodeAddress(IPAddress)
}

extension ServiceMapOperation: CustomStringConvertible {
  /// One line, for plans that are read and compared.
  public var description: String {
    switch self {
    case .setBackend(let index, let record): "backend \(index) = \(record)"
    case .setBackendState(let index, let state): "backend \(index) is \(state)"
    case .releaseBackend(let index): "backend \(index) is free"
    case .setSlot(let slot, let backend): "slot \(slot) = \(backend)"
    case .resetCounter(let index): "service \(index) counts = 0"
    case .setCluster(let index, let extent): "service \(index) cluster = \(extent)"
    case .setLocal(let index, let extent): "service \(index) local = \(extent)"
    case .setConfiguration(let index, let configuration): "service \(index) configuration = \(configuration)"
    case .setVIP(let index, let record): "vip \(index) = \(record)"
    case .setFrontend(let key, let word): "frontend \(key) = \(word)"
    case .removeFrontend(let key): "remove frontend \(key)"
    case .addSourceRange(let range): "add source range \(range.range) of service \(range.service)"
    case .removeSourceRange(let range): "remove source range \(range.range) of service \(range.service)"
    case .addNodeAddress(let address): "add node address \(address)"
    case .removeNodeAddress(let address): "remove node address \(address)"
    }
  }
}
