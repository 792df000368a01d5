// SPDX-License-Identifier: Apache-2.0

extension NetlinkError {
  /// The kinds of failure.
  ///
  /// More may be added.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Value: String {
      case exists, notFound, busy, notSupported, invalidArgument, permissionDenied, interrupted, overrun, timedOut
      case cancelled, malformedReply, addressInUse, addressNotAvailable, unreachable, outOfMemory, socket, conflict,
        diverged, other
    }

    private let value: Value

    private init(_ value: Value) { self.value = value }

    /// The object is there already (`EEXIST`).
    public static let exists = Code(.exists)
    /// The object, or one that it refers to, is absent (`ENOENT`, `ESRCH`, `ENODEV`, `ENXIO`).
    public static let notFound = Code(.notFound)
    /// The object is in use (`EBUSY`).
    public static let busy = Code(.busy)
    /// This kernel cannot do it: a module is missing or the feature is newer (`EOPNOTSUPP`, `EAFNOSUPPORT`, ...).
    public static let notSupported = Code(.notSupported)
    /// The kernel finds the request wrong, or this module did before it was sent (`EINVAL`, `ERANGE`, ...).
    public static let invalidArgument = Code(.invalidArgument)
    /// The process lacks `CAP_NET_ADMIN` in the namespace (`EPERM`, `EACCES`).
    public static let permissionDenied = Code(.permissionDenied)
    /// What was being listed kept changing, through all attempts (`NLM_F_DUMP_INTR`).
    ///
    /// What was listed is inconsistent.
    public static let interrupted = Code(.interrupted)
    /// The kernel had no room for its replies and dropped some (`ENOBUFS`, `NLMSG_OVERRUN`).
    public static let overrun = Code(.overrun)
    /// No complete reply came in time.
    ///
    /// A change may have been made all the same.
    public static let timedOut = Code(.timedOut)
    /// The task was cancelled.
    ///
    /// A change may have been made all the same.
    public static let cancelled = Code(.cancelled)
    /// The reply is no netlink message that this module understands.
    public static let malformedReply = Code(.malformedReply)
    /// The address is taken (`EADDRINUSE`).
    public static let addressInUse = Code(.addressInUse)
    /// The address is not one of this namespace (`EADDRNOTAVAIL`).
    public static let addressNotAvailable = Code(.addressNotAvailable)
    /// There is no route (`ENETUNREACH`, `EHOSTUNREACH`, `ENETDOWN`).
    public static let unreachable = Code(.unreachable)
    /// The kernel is out of memory, or a table is full (`ENOMEM`, `ENOSPC`).
    public static let outOfMemory = Code(.outOfMemory)
    /// The socket itself could not be opened, configured or used.
    public static let socket = Code(.socket)
    /// An object that bears another's mark, or none, stands in the way of a ``DesiredState``.
    public static let conflict = Code(.conflict)
    /// The kernel acknowledged a change and something is not as asked all the same.
    public static let diverged = Code(.diverged)
    /// Another error number; see ``NetlinkError/errno``.
    public static let other = Code(.other)

    /// The code as a word.
    public var description: String { value.rawValue }
  }
}
