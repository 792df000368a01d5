// SPDX-License-Identifier: Apache-2.0

/// What happened at a service since it has been served under its present number.
public struct ServiceCounters: Hashable, Sendable {
  /// Connections, and datagrams of unconnected sockets, that were handed to a backend.
  public var translated: UInt64
  /// Connections and datagrams that were refused because there was no backend.
  public var refused: UInt64

  /// Makes counts.
  public init(translated: UInt64 = 0, refused: UInt64 = 0) {
    self.translated = translated
    self.refused = refused
  }
}
