// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// The writes that make the maps serve something else, by map, in the order they have to happen.
public struct ServiceMapPlan: Sendable {
  /// A run of slots that gets new content.
  struct SlotRun: Sendable {
    var first: UInt32
    /// Which of ``slotValues``.
    var values: Range<Int>
  }

  /// What has rested and is cleared.
  var cleared: [ServiceMapOperation] = []
  /// Frontends that go.
  var frontendsDown: [ServiceFrontend.Key] = []
  /// Addresses of the node that come.
  var nodeAddressesUp: [IPAddress] = []
  /// New uses of backend indices.
  var backends: [(index: UInt32, record: BackendRecord)] = []
  /// Backends that take flows again.
  var statesUp: [(index: UInt32, state: BackendRecord.State)] = []
  /// Slots nobody reads yet, or tables that are changed in place.
  var slotRuns: [SlotRun] = []
  /// The content of ``slotRuns``.
  var slotValues: [UInt32] = []
  /// Counts that start anew.
  var counters: [UInt32] = []
  /// Source ranges that come.
  var rangesUp: [SourceRange] = []
  /// Extents.
  var clusters: [(service: UInt32, extent: SlotExtent)] = []
  /// Extents of local scopes.
  var locals: [(service: UInt32, extent: SlotExtent)] = []
  /// Configurations.
  var configurations: [(service: UInt32, configuration: ServiceConfiguration)] = []
  /// New uses of VIP indices.
  var vips: [(index: UInt32, record: VIPRecord)] = []
  /// Frontends that are new or change.
  var frontendsUp: [(key: ServiceFrontend.Key, word: FrontendWord)] = []
  /// Source ranges that go.
  var rangesDown: [SourceRange] = []
  /// Addresses of the node that go.
  var nodeAddressesDown: [IPAddress] = []
  /// Whether programs that run now have to end before ``statesDown``: one of them may be about to choose among the
  /// backends of an index that was given up, and find nothing else at a second look.
  var needsGracePeriod = false
  /// Backends that take no new flows, or are gone.
  var statesDown: [(index: UInt32, state: BackendRecord.State)] = []
  /// UDP backends that are gone with this plan: connected sockets may be left behind with them.
  var goneDatagramBackends: Set<UInt32> = []

  /// Whether nothing is to be written.
  public var isEmpty: Bool { count == 0 }

  /// How many writes there are; a slot is one.
  public var count: Int {
    cleared.count + frontendsDown.count + nodeAddressesUp.count + backends.count + statesUp.count + slotValues.count
      + counters.count + rangesUp.count + clusters.count + locals.count + configurations.count + vips.count
      + frontendsUp.count + rangesDown.count + nodeAddressesDown.count + statesDown.count
  }

  /// The writes, one by one, in order.
  public var operations: [ServiceMapOperation] {
    var result = cleared
    result.reserveCapacity(count)
    result += frontendsDown.map { .removeFrontend($0) }
    result += nodeAddressesUp.map { .addNodeAddress($0) }
    result += backends.map { .setBackend(index: $0.index, $0.record) }
    result += statesUp.map { .setBackendState(index: $0.index, $0.state) }
    for run in slotRuns {
      for (offset, value) in slotValues[run.values].enumerated() {
        result.append(.setSlot(run.first + UInt32(offset), backend: value))
      }
    }
    result += counters.map { .resetCounter(service: $0) }
    result += rangesUp.map { .addSourceRange($0) }
    result += clusters.map { .setCluster(service: $0.service, $0.extent) }
    result += locals.map { .setLocal(service: $0.service, $0.extent) }
    result += configurations.map { .setConfiguration(service: $0.service, $0.configuration) }
    result += vips.map { .setVIP(index: $0.index, $0.record) }
    result += frontendsUp.map { .setFrontend($0.key, $0.word) }
    result += rangesDown.map { .removeSourceRange($0) }
    result += nodeAddressesDown.map { .removeNodeAddress($0) }
    result += statesDown.map { .setBackendState(index: $0.index, $0.state) }
    return result
  }
}

extension ServiceMapPlan: CustomStringConvertible {
  /// The writes, one per line.
  public var description: String { operations.map(\.description).joined(separator: "\n") }
}
