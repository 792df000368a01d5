// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// How one table differs from the one before.
public struct ServiceTableChange: Hashable, Sendable {
  /// Entries that are new, or not the same any more; in order.
  public var updated: [ServiceEntry]
  /// Entries that are gone; in order.
  public var removed: [ServiceEntry.ID]
  /// The addresses at which node ports are served, if they changed.
  public var nodeAddresses: [IPAddress]?
  /// All health checks, if any of them changed.
  public var healthChecks: [ServiceHealthCheck]?

  /// Makes a change from its parts.
  public init(
    updated: [ServiceEntry] = [], removed: [ServiceEntry.ID] = [], nodeAddresses: [IPAddress]? = nil,
    healthChecks: [ServiceHealthCheck]? = nil
  ) {
    self.updated = updated
    self.removed = removed
    self.nodeAddresses = nodeAddresses
    self.healthChecks = healthChecks
  }

  /// Whether nothing changed; notes may have.
  public var isEmpty: Bool {
    updated.isEmpty && removed.isEmpty && nodeAddresses == nil && healthChecks == nil
  }
}

extension ServiceTable {
  /// Makes the table that a change leads to; its notes stay as they were.
  ///
  /// Takes time in proportion to the table for each change that adds or removes an entry.
  public mutating func apply(_ change: ServiceTableChange) {
    for id in change.removed {
      let index = lowerBound(id)
      if index < entries.endIndex, entries[index].id == id { entries.remove(at: index) }
    }
    for entry in change.updated {
      let index = lowerBound(entry.id)
      if index < entries.endIndex, entries[index].id == entry.id {
        entries[index] = entry
      } else {
        entries.insert(entry, at: index)
      }
    }
    nodeAddresses = change.nodeAddresses ?? nodeAddresses
    healthChecks = change.healthChecks ?? healthChecks
  }

  private func lowerBound(_ id: ServiceEntry.ID) -> Int {
    var range = entries.startIndex..<entries.endIndex
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      range = entries[middle].id < id ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return range.lowerBound
  }
}
