// SPDX-License-Identifier: Apache-2.0

import Glibc
import NetlinkTesting
import NetworkTypes
import Testing

@testable import NetlinkKit

/// Each code is provoked: by the kernel's numbers here, and where the real kernel can be made to say them in
/// `ErrorCodeKernelTests`.
@Suite("Error codes", .timeLimit(.minutes(15)))
struct ErrorCodeTests {
  @Test(arguments: [
    (EEXIST, NetlinkError.Code.exists), (ENOENT, .notFound), (ESRCH, .notFound), (ENODEV, .notFound),
    (ENXIO, .notFound), (EBUSY, .busy), (EOPNOTSUPP, .notSupported), (EAFNOSUPPORT, .notSupported),
    (EINVAL, .invalidArgument), (ERANGE, .invalidArgument), (EPERM, .permissionDenied), (EACCES, .permissionDenied),
    (ENOBUFS, .overrun), (EADDRINUSE, .addressInUse), (EADDRNOTAVAIL, .addressNotAvailable),
    (ENETUNREACH, .unreachable), (EHOSTUNREACH, .unreachable), (ENETDOWN, .unreachable), (ENOMEM, .outOfMemory),
    (ENOSPC, .outOfMemory), (ELOOP, .other), (EIO, .other), (4095, .other),
  ])
  func `each number of the kernel has its code, and is kept`(number: Int32, code: NetlinkError.Code) async throws {
    let kernel = FakeKernel()
    kernel.failNext(.newLink, with: FakeKernel.ErrorNumber(rawValue: number), message: "so it is")
    let error = await #expect(throws: NetlinkError.self) {
      try await kernel.socket.links.change(.loopback, LinkChanges(mtu: 1400))
    }
    #expect(error?.code == code)
    #expect(error?.errno == number)
    #expect(error?.kernelMessage == "so it is")
    #expect(error?.message.contains("change link 1: ") == true)
  }

  @Test(arguments: [(EBADF, NetlinkError.Code.socket), (EPERM, .permissionDenied), (ENOBUFS, .overrun)])
  func `a socket that fails says which call, and with what`(number: Int32, code: NetlinkError.Code) async throws {
    let kernel = FakeKernel()
    kernel.inject(.scripted([.failure(FakeKernel.ErrorNumber(rawValue: number))]))
    let error = await #expect(throws: NetlinkError.self) { try await kernel.socket.links.remove(.loopback) }
    #expect(error?.code == code)
    #expect(error?.errno == number)
    let reason = code == .overrun ? "a change may have been made all the same" : "recvfrom failed"
    #expect(error?.message.contains(reason) == true)
  }

  @Test func `what is not the kernel's refusal has no number`() async throws {
    let kernel = FakeKernel(timeout: .milliseconds(20), dumpAttempts: 1)
    kernel.inject(.silence)
    kernel.inject(.interruption, atCall: 2)
    kernel.inject(.malformedReply, atCall: 3)
    for code in [NetlinkError.Code.timedOut, .interrupted, .malformedReply] {
      let error = await #expect(throws: NetlinkError.self) { try await kernel.socket.links.all() }
      #expect(error?.code == code)
      #expect(error?.errno == nil)
      #expect(error?.kernelMessage == nil)
    }
    let cancelled = Task { () async -> NetlinkError? in
      while !Task.isCancelled { await Task.yield() }
      do throws(NetlinkError) { _ = try await kernel.socket.links.all() } catch { return error }
      return nil
    }
    cancelled.cancel()
    #expect(await cancelled.value?.code == .cancelled)
  }
}
