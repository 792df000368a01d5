// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What is known about the kernel's error numbers.
enum ErrorNumber {
  static let noBuffers = ENOBUFS
  static let noData = ENODATA
  static let noEntry = ENOENT
  static let noDevice = ENODEV

  /// The C name, such as `ENODEV`.
  static func name(_ number: Int32) -> String {
    names.first { $0.number == number }?.name ?? "errno \(number)"
  }

  /// The code to catch by, and the sentence for a request that has none of its own.
  static func meaning(_ number: Int32) -> (code: NetlinkError.Code, reason: String) {
    switch number {
    case EEXIST: (.exists, "already exists")
    case ENOENT, ESRCH, ENODEV, ENXIO: (.notFound, "not found")
    case EBUSY: (.busy, "is in use")
    case EOPNOTSUPP, EAFNOSUPPORT, EPROTONOSUPPORT, ENOSYS, EPFNOSUPPORT:
      (.notSupported, "not supported by this kernel; is the module for it present?")
    case EINVAL, ERANGE, EMSGSIZE, EFAULT, ENAMETOOLONG, EDOM, E2BIG, ENOTUNIQ, EDESTADDRREQ:
      (.invalidArgument, "the kernel finds the request invalid")
    case EPERM, EACCES: (.permissionDenied, "not permitted; CAP_NET_ADMIN in the network namespace is needed")
    case EADDRINUSE: (.addressInUse, "the address is in use")
    case EADDRNOTAVAIL: (.addressNotAvailable, "the address is not one of this namespace")
    case ENETUNREACH, EHOSTUNREACH, ENETDOWN: (.unreachable, "there is no route; is the link up?")
    case ENOMEM, ENOSPC, ENFILE, EMFILE: (.outOfMemory, "the kernel has no room for it")
    case ENOBUFS: (.overrun, "the kernel ran out of buffer space")
    default: (.other, "the kernel refused")
    }
  }

  private static let names: [(number: Int32, name: String)] = [
    (EPERM, "EPERM"), (ENOENT, "ENOENT"), (ESRCH, "ESRCH"), (EINTR, "EINTR"), (EIO, "EIO"), (ENXIO, "ENXIO"),
    (E2BIG, "E2BIG"), (EBADF, "EBADF"), (ECHILD, "ECHILD"), (EAGAIN, "EAGAIN"), (ENOMEM, "ENOMEM"),
    (EACCES, "EACCES"), (EFAULT, "EFAULT"), (EBUSY, "EBUSY"), (EEXIST, "EEXIST"), (EXDEV, "EXDEV"),
    (ENODEV, "ENODEV"), (EINVAL, "EINVAL"), (ENFILE, "ENFILE"), (EMFILE, "EMFILE"), (EFBIG, "EFBIG"),
    (ENOSPC, "ENOSPC"), (ESPIPE, "ESPIPE"), (EPIPE, "EPIPE"), (EDOM, "EDOM"), (ERANGE, "ERANGE"),
    (EDEADLK, "EDEADLK"), (ENAMETOOLONG, "ENAMETOOLONG"), (ENOSYS, "ENOSYS"), (ENOTEMPTY, "ENOTEMPTY"),
    (ELOOP, "ELOOP"), (ENODATA, "ENODATA"), (ETIME, "ETIME"), (ENOLINK, "ENOLINK"), (EPROTO, "EPROTO"),
    (EBADMSG, "EBADMSG"), (EOVERFLOW, "EOVERFLOW"), (ENOTUNIQ, "ENOTUNIQ"), (ENOTSOCK, "ENOTSOCK"),
    (EDESTADDRREQ, "EDESTADDRREQ"), (EMSGSIZE, "EMSGSIZE"), (EPROTOTYPE, "EPROTOTYPE"),
    (ENOPROTOOPT, "ENOPROTOOPT"), (EPROTONOSUPPORT, "EPROTONOSUPPORT"), (ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT"),
    (EOPNOTSUPP, "EOPNOTSUPP"), (EPFNOSUPPORT, "EPFNOSUPPORT"), (EAFNOSUPPORT, "EAFNOSUPPORT"),
    (EADDRINUSE, "EADDRINUSE"), (EADDRNOTAVAIL, "EADDRNOTAVAIL"), (ENETDOWN, "ENETDOWN"),
    (ENETUNREACH, "ENETUNREACH"), (ECONNRESET, "ECONNRESET"), (ENOBUFS, "ENOBUFS"), (EISCONN, "EISCONN"),
    (ENOTCONN, "ENOTCONN"), (ETIMEDOUT, "ETIMEDOUT"), (ECONNREFUSED, "ECONNREFUSED"), (EHOSTDOWN, "EHOSTDOWN"),
    (EHOSTUNREACH, "EHOSTUNREACH"), (EALREADY, "EALREADY"), (EINPROGRESS, "EINPROGRESS"), (ESTALE, "ESTALE"),
    (ECANCELED, "ECANCELED"), (ETOOMANYREFS, "ETOOMANYREFS"),
  ]
}
