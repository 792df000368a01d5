// SPDX-License-Identifier: Apache-2.0

/// What one owner wants to be in a network namespace.
///
/// It is a value: nothing is touched. ``NetlinkSocket/plan(_:stale:)`` compares it with the kernel,
/// ``NetlinkSocket/converge(to:stale:)`` makes it true.
///
/// ```swift
/// var desired = DesiredState(owner: ObjectOwner(protocol: 84, prefix: "example:"))
/// desired.links.append(DesiredLink(NewLink(name: "pod0", kind: .veth(peer: VethPeer(name: "pod1")), isUp: true)))
/// desired.addresses.append(DesiredAddress("10.8.0.1", prefixLength: 32, on: "pod0"))
/// desired.routes.append(DesiredRoute(Route(destination: "10.8.0.7/32"), on: "pod0"))
/// print(try await socket.plan(desired))        // as the commands an operator would type
/// try await socket.converge(to: desired)       // changes, or takes everything back and throws
/// ```
///
/// Links are named by their names, since those that are to be created have no index yet. What stands in the way and
/// bears another's mark, or none, is a conflict and never touched.
public struct DesiredState: Sendable {
  /// Whose objects these are.
  ///
  /// The protocol of ``routes``, ``rules``, ``addresses`` and ``neighbours`` is the owner's, whatever theirs says.
  public var owner: ObjectOwner
  /// Links, in the order they are created: what lies on another comes behind it.
  public var links: [DesiredLink] = []
  /// BPF programs at the clsact of links, which is added where it is missing.
  public var filters: [DesiredFilter] = []
  /// Addresses.
  public var addresses: [DesiredAddress] = []
  /// Neighbours.
  public var neighbours: [DesiredNeighbour] = []
  /// Routes.
  public var routes: [DesiredRoute] = []
  /// Routing rules.
  public var rules: [Rule] = []

  /// Describes nothing yet.
  ///
  /// - Parameter owner: whose objects they will be.
  public init(owner: ObjectOwner) { self.owner = owner }
}

/// What becomes of objects that bear the owner's mark and are not in its ``DesiredState``.
public enum StaleObjects: Sendable, Hashable {
  /// They stay: the state describes only a part of what the owner has, such as one pod's.
  ///
  /// An object of the owner that stands in the way *on another link* is then taken for a part of the rest, and is a
  /// conflict.
  case keep
  /// They are removed: the state describes all that the owner has in the namespace.
  ///
  /// Filters are looked for on links that are in the state or bear the owner's mark.
  case remove
}
