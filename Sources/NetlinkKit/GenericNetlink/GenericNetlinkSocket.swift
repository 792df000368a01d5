// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
internal import Synchronization

/// A connection to the parts of the kernel that register by name (`NETLINK_GENERIC`) in one network namespace.
///
/// It is used like a ``NetlinkSocket``: from any task, one request at a time, in the namespace it was opened in.
///
/// - Requires: nothing to read; mostly `CAP_NET_ADMIN` in the namespace to change. Linux 6.1 or newer.
public final class GenericNetlinkSocket: Sendable {
  let socket: NetlinkSocket
  private let cache = Mutex(Cache())

  private struct Cache {
    var families: [String: GenericFamily] = [:]
    var stringSets: [UInt32: [String]] = [:]
  }

  /// Opens a socket in `namespace`.
  ///
  /// - Parameters:
  ///   - namespace: where the socket works, for its whole life. The caller may drop it afterwards.
  ///   - timeout: how long one request may take.
  /// - Throws: ``NetlinkError`` with code `socket` when the namespace cannot be entered or the socket not be opened.
  public convenience init(
    in namespace: NetworkNamespace, timeout: Duration = .seconds(60)
  ) async throws(NetlinkError) {
    self.init(over: try await NetlinkSocket(.generic, in: namespace, timeout: timeout))
  }

  init(over socket: NetlinkSocket) { self.socket = socket }

  /// The settings of network devices.
  public var ethtool: EthtoolTable { EthtoolTable(generic: self) }

  /// All families that are registered.
  ///
  /// - Throws: ``NetlinkError``. `CTRL_CMD_GETFAMILY`.
  public func families() async throws(NetlinkError) -> [GenericFamily] {
    try await socket.dump(FindFamilies(familyName: nil))
  }

  /// The family with this name; nil when there is none.
  ///
  /// The socket remembers those it found: a family keeps its number as long as it is registered.
  ///
  /// - Parameter name: up to 15 bytes; nothing is found by a longer one.
  /// - Returns: The family.
  /// - Throws: ``NetlinkError``; an absent family is not an error. `CTRL_CMD_GETFAMILY`.
  public func family(named name: String) async throws(NetlinkError) -> GenericFamily? {
    guard (1...15).contains(name.utf8.count), !name.utf8.contains(0) else { return nil }
    if let known = cache.withLock({ $0.families[name] }) { return known }
    let found: GenericFamily?
    do throws(NetlinkError) {
      found = try await socket.lookUp(FindFamilies(familyName: name))
    } catch  where error.code == .notFound {
      return nil
    }
    if let found { cache.withLock { $0.families[name] = found } }
    return found
  }

  /// Which attributes the requests of a family take, as the kernel says it: one element for each message
  /// (`CTRL_ATTR_POLICY`, 8, and `CTRL_ATTR_OP_POLICY`, 9).
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when the family is gone, `notSupported` when it has no policy.
  ///   `CTRL_CMD_GETPOLICY`.
  public func policies(of family: GenericFamily) async throws(NetlinkError) -> [RawAttributes] {
    do throws(NetlinkError) {
      return try await socket.dump(ListPolicies(family: family))
    } catch  where error.errno == ErrorNumber.noData {
      throw NetlinkError(
        .notSupported, operation: error.operation, reason: "it has none", request: error.request, errno: error.errno)
    }
  }

  /// Remembers a list of texts that does not change while the kernel runs.
  func stringSet(
    _ id: UInt32, find: () async throws(NetlinkError) -> [String]
  ) async throws(NetlinkError) -> [String] {
    if let known = cache.withLock({ $0.stringSets[id] }) { return known }
    let found = try await find()
    cache.withLock { $0.stringSets[id] = found }
    return found
  }
}
