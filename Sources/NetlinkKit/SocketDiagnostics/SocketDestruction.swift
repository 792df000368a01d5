// SPDX-License-Identifier: Apache-2.0

/// What became of sockets that were to be destroyed.
public struct SocketDestruction: Sendable {
  /// A socket that is still there.
  public struct Failure: Sendable {
    /// The socket as it was listed.
    public let socket: InternetSocket
    /// What stood in the way.
    public let error: NetlinkError
  }

  /// The sockets that were destroyed, as they were listed before.
  public internal(set) var destroyed: [InternetSocket] = []
  /// The sockets that were not, and may be there still.
  ///
  /// Sockets that went away by themselves are in neither list.
  public internal(set) var failures: [Failure] = []

  /// The sockets that were destroyed, if none was left.
  ///
  /// - Throws: The error of the first that was left.
  public func get() throws(NetlinkError) -> [InternetSocket] {
    if let first = failures.first { throw first.error }
    return destroyed
  }
}
