// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import SystemPackage

extension NetworkNamespace {
  /// The kernel's number for the namespace, by which BPF programs know it.
  ///
  /// It is never given to another one while the machine runs. `bpf_get_netns_cookie`
  ///
  /// - Returns: The cookie.
  /// - Throws: `SystemError` where the namespace cannot be entered, or the kernel has no cookies.
  /// - Requires: CAP_SYS_ADMIN, unless the namespace is the caller's own. Linux 5.14, `SO_NETNS_COOKIE`
  public func cookie() async throws(SystemError) -> UInt64 {
    try await onFreshThread(named: "netns:cookie") { () throws(SystemError) in
      try self.enterCallingThread()
      let number = socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      guard number >= 0 else {
        throw SystemError("ask for a namespace's cookie", systemCall: "socket", errno: Errno(rawValue: errno))
      }
      let descriptor = OwnedFileDescriptor(taking: number)
      var cookie: UInt64 = 0
      var size = socklen_t(MemoryLayout<UInt64>.size)
      // SO_NETNS_COOKIE, which the oldest supported C library lacks.
      guard unsafe getsockopt(descriptor.rawValue, SOL_SOCKET, 71, &cookie, &size) == 0 else {
        throw SystemError("ask for a namespace's cookie", systemCall: "getsockopt", errno: Errno(rawValue: errno))
      }
      return cookie
    }
  }
}
