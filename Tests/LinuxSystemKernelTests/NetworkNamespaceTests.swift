// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

@Suite("Network namespaces", .serialized, .requires(.root))
struct NetworkNamespaceKernelTests {
  @Test func `work runs inside the namespace and the caller stays outside`() async throws {
    let namespace = try await NetworkNamespace.makeAnonymous()
    let outside = try NetworkNamespace.current().identity
    let inside = try await namespace.run { try NetworkNamespace.current().identity }
    #expect(inside == namespace.identity)
    #expect(inside != outside)
    #expect(try NetworkNamespace.current().identity == outside)
  }

  @Test func `two hundred tasks beside it never see the namespace`() async throws {
    let namespace = try await NetworkNamespace.makeAnonymous()
    let outside = try NetworkNamespace.current().identity
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<200 {
        group.addTask {
          if index.isMultiple(of: 4) { try await namespace.run { _ = usleep(200) } }
          await Task.yield()
          return try NetworkNamespace.current().identity == outside
        }
      }
      for try await isOutside in group { #expect(isOutside) }
    }
  }

  /// Each priority has threads of its own; those of the rarer ones are not there before somebody needs them, and end after some
  /// idle seconds.
  @Test(arguments: [TaskPriority.background, .utility, .low, .high])
  func `threads that the pool starts for work from inside are outside`(priority: TaskPriority) async throws {
    let namespace = try await NetworkNamespace.makeAnonymous()
    let outside = try NetworkNamespace.current().identity
    let executor = try await NamespaceExecutor(in: namespace)
    let fromTask = try await Task(executorPreference: executor) {
      try await Task.detached(priority: priority) { try NetworkNamespace.current().identity }.value
    }.value
    #expect(fromTask == outside)
    let task = try await namespace.run {
      Task.detached(priority: priority) {
        try await Task.sleep(for: .milliseconds(1))
        return try NetworkNamespace.current().identity
      }
    }
    #expect(try await task.value == outside)
  }

  @Test func `an executor's jobs stay inside across awaits`() async throws {
    let namespace = try await NetworkNamespace.makeAnonymous()
    let executor = try await NamespaceExecutor(in: namespace)
    let seen = try await Task(executorPreference: executor) {
      var seen: Set<NamespaceIdentity> = []
      for _ in 0..<100 {
        seen.insert(try NetworkNamespace.current().identity)
        await Task.detached { await Task.yield() }.value
      }
      return seen
    }.value
    #expect(seen == [namespace.identity])
  }

  @Test func `a named namespace is seen by its name and goes without a trace`() async throws {
    let name = "twktest-\(getpid())"
    let made = try await NetworkNamespace.makeNamed(name)
    defer { try? NetworkNamespace.removeNamed(name) }
    #expect(try NetworkNamespace.names().contains(name))
    #expect(try NetworkNamespace.open(named: name).identity == made.identity)
    let second = await #expect(throws: SystemError.self) { try await NetworkNamespace.makeNamed(name) }
    #expect(second?.code == .exists)
    try NetworkNamespace.removeNamed(name)
    #expect(try !NetworkNamespace.names().contains(name))
    try NetworkNamespace.removeNamed(name)
  }

  @Test func `a failing body reports its own error`() async throws {
    let namespace = try await NetworkNamespace.makeAnonymous()
    await #expect(throws: Errno.ioError) { try await namespace.run { throw Errno.ioError } }
  }

  @Test func `five hundred namespaces leak neither descriptor nor thread`() async throws {
    try await expectNoDescriptorLeak {
      for _ in 0..<500 {
        let namespace = try await NetworkNamespace.makeAnonymous()
        _ = try await namespace.run { 1 }
      }
    }
    // Detached threads end a moment after they answered.
    for _ in 0..<100 where try FileSystem.entries(of: "/proc/self/task").count > 40 {
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(try FileSystem.entries(of: "/proc/self/task").count <= 40)
  }

  @Test func `executors come and go without a trace`() async throws {
    let namespace = try await NetworkNamespace.makeAnonymous()
    try await expectNoDescriptorLeak {
      for _ in 0..<50 {
        let executor = try await NamespaceExecutor(in: namespace)
        let identity = try await Task(executorPreference: executor) { try NetworkNamespace.current().identity }.value
        #expect(identity == namespace.identity)
      }
    }
  }
}
