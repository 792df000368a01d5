// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import ExampleSupport
import Glibc
import LinuxSystem
import ServiceLB
import ServiceList
import Synchronization
import SystemPackage

/// ServiceLB at sockets: a cgroup of its own, which this process enters while it is measured.
final class SocketBalancer: Balancer {
  private let balancer: ServiceLoadBalancer
  private let cgroup: ControlGroup
  private let attachments: Mutex<ServiceAttachments?>

  /// Loads programs and makes maps that are large enough.
  init(for list: ServiceList) async throws {
    balancer = try ServiceLoadBalancer.load(limits: ServiceLimits(list))
    cgroup = try ControlGroup()
    attachments = Mutex(try await balancer.attach(cgroup: cgroup.path))
  }

  func program(_ list: ServiceList) async throws -> Cost {
    let table = ServiceTable(entries: list.lines.map { ServiceEntry($0) })
    return try Self.time { try balancer.apply(table) }
  }

  /// As an agent does that was told of one EndpointSlice.
  func change(_ change: EndpointChange) async throws -> Cost {
    let entry = ServiceEntry(change.service)
    return try Self.time { try balancer.update(entry) }
  }

  func serving<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    try cgroup.enter()
    do {
      let result = try await body()
      try cgroup.leave()
      return result
    } catch {
      try? cgroup.leave()
      throw error
    }
  }

  func remove() async throws {
    if let attachments = attachments.withLock({ $0.take() }) { try await attachments.detach() }
    cgroup.remove()
  }

  static func time(_ body: () throws -> ServiceUpdate) throws -> Cost {
    let cpu = Measurement.now(CLOCK_PROCESS_CPUTIME_ID)
    let before = Measurement.now(CLOCK_MONOTONIC)
    _ = try body()
    let took = Measurement.now(CLOCK_MONOTONIC) - before
    return Cost(milliseconds: took / 1000, cpu: (Measurement.now(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1000)
  }
}

/// A cgroup below the root of the version 2 hierarchy, removed with its last reference.
final class ControlGroup: Sendable {
  let path: FilePath
  /// Where this process was before.
  private let home: FilePath

  private static let counter = Atomic(0)

  init() throws {
    guard let root = try MountTable.current().path(ofType: "cgroup2") else {
      throw ExampleError("cgroup2 is not mounted; mount -t cgroup2 none /sys/fs/cgroup")
    }
    let own =
      try FileSystem.text(of: "/proc/self/cgroup").split(separator: "\n")
      .first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) } ?? "/"
    home = FilePath(root.string + own)
    let number = Self.counter.add(1, ordering: .relaxed).newValue
    path = root.appending("svc-bench-\(getpid())-\(number)")
    guard unsafe mkdir(path.string, 0o755) == 0 else {
      throw ExampleError("cannot make the cgroup \(path): \(Errno(rawValue: errno))")
    }
  }

  deinit { remove() }

  /// Moves this process there: sockets that it makes belong to the group.
  func enter() throws { try move(to: path) }

  /// Moves it back.
  func leave() throws { try move(to: home) }

  func remove() {
    try? leave()
    for _ in 0..<100 where unsafe rmdir(path.string) != 0 && errno == EBUSY { usleep(10_000) }
  }

  private func move(to group: FilePath) throws {
    let file = try OwnedFileDescriptor.open(group.appending("cgroup.procs"), flags: O_WRONLY)
    let text = Array("\(getpid())\n".utf8)
    guard unsafe write(file.rawValue, text, text.count) == text.count else {
      throw ExampleError("cannot move into the cgroup \(group): \(Errno(rawValue: errno))")
    }
  }
}
