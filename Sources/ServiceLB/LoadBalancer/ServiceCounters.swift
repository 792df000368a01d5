// SPDX-License-Identifier: Apache-2.0

/// What happened at a service since it has had its index.
public struct ServiceCounters: Hashable, Sendable {
  /// Connections, flows, and datagrams of unconnected sockets, that were handed to a backend.
  public var translated: UInt64
  /// What was refused because there was no backend.
  public var refused: UInt64
  /// What was dropped because there was no backend on this node, and the traffic policy asks for one.
  public var notLocal: UInt64
  /// What came from outside the source ranges.
  public var filtered: UInt64

  /// Makes counts.
  public init(translated: UInt64 = 0, refused: UInt64 = 0, notLocal: UInt64 = 0, filtered: UInt64 = 0) {
    self.translated = translated
    self.refused = refused
    self.notLocal = notLocal
    self.filtered = filtered
  }
}
