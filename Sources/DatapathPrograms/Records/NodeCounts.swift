// SPDX-License-Identifier: Apache-2.0

/// Packets between clients outside and backends on other nodes.
public struct NodeCounts: Hashable, Sendable {
  /// Of clients, sent on with this node as the client.
  public var requests: DropCount
  /// Of backends, sent on to clients.
  public var replies: DropCount
  /// Those of both that ``NodeDatapath/fromOutsideInDriver`` sent on.
  public var inDriver: DropCount
  /// Of clients, sent to a node that answers them by itself.
  public var encapsulated: DropCount
  /// Of clients, which another node sent, and which are answered from here.
  public var decapsulated: DropCount
}
