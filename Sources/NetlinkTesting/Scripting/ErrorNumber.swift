// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension FakeKernel {
  /// A number by which the kernel says why it refuses (`errno`).
  public struct ErrorNumber: RawRepresentable, Sendable, Hashable {
    /// The number, positive.
    public let rawValue: Int32

    /// Makes a number of any value; `ErrorNumber(rawValue: ELOOP)`.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// It is there already (`EEXIST`).
    public static let exists = ErrorNumber(rawValue: EEXIST)
    /// It is absent: rules, neighbours, filters (`ENOENT`).
    public static let noEntry = ErrorNumber(rawValue: ENOENT)
    /// It is absent: routes (`ESRCH`).
    public static let noSuchRoute = ErrorNumber(rawValue: ESRCH)
    /// The link is absent (`ENODEV`).
    public static let noDevice = ErrorNumber(rawValue: ENODEV)
    /// It is in use (`EBUSY`).
    public static let busy = ErrorNumber(rawValue: EBUSY)
    /// This kernel cannot do it (`EOPNOTSUPP`).
    public static let notSupported = ErrorNumber(rawValue: EOPNOTSUPP)
    /// The request is wrong (`EINVAL`).
    public static let invalidArgument = ErrorNumber(rawValue: EINVAL)
    /// A value is out of range (`ERANGE`).
    public static let outOfRange = ErrorNumber(rawValue: ERANGE)
    /// The process may not do it (`EPERM`).
    public static let notPermitted = ErrorNumber(rawValue: EPERM)
    /// A route prohibits it (`EACCES`).
    public static let prohibited = ErrorNumber(rawValue: EACCES)
    /// The address is taken (`EADDRINUSE`).
    public static let addressInUse = ErrorNumber(rawValue: EADDRINUSE)
    /// The address is none that can be used here, or is absent (`EADDRNOTAVAIL`).
    public static let addressNotAvailable = ErrorNumber(rawValue: EADDRNOTAVAIL)
    /// There is no route (`ENETUNREACH`).
    public static let networkUnreachable = ErrorNumber(rawValue: ENETUNREACH)
    /// There is no way to the gateway (`EHOSTUNREACH`).
    public static let hostUnreachable = ErrorNumber(rawValue: EHOSTUNREACH)
    /// The link is down (`ENETDOWN`).
    public static let networkDown = ErrorNumber(rawValue: ENETDOWN)
    /// A link has no other end yet (`ENOTCONN`).
    public static let notConnected = ErrorNumber(rawValue: ENOTCONN)
    /// It would go round in circles (`ELOOP`).
    public static let loop = ErrorNumber(rawValue: ELOOP)
    /// There is no memory (`ENOMEM`).
    public static let outOfMemory = ErrorNumber(rawValue: ENOMEM)
    /// A table is full (`ENOSPC`).
    public static let noSpace = ErrorNumber(rawValue: ENOSPC)
    /// There is no room for replies (`ENOBUFS`).
    public static let noBuffers = ErrorNumber(rawValue: ENOBUFS)
  }
}
