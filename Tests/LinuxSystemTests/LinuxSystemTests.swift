// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import LinuxSystem

@Suite("Kernel version")
struct KernelVersionTests {
  @Test(arguments: [
    ("6.1.0-53-amd64", KernelVersion(6, 1, 0)), ("6.18.44-fc-v657", KernelVersion(6, 18, 44)),
    ("5.10", KernelVersion(5, 10)),
  ])
  func `a release is read`(release: String, version: KernelVersion) {
    #expect(KernelVersion(release: release) == version)
  }

  @Test(arguments: ["", "linux", "6", "x.y"])
  func `what does not begin with two numbers is refused`(release: String) {
    #expect(KernelVersion(release: release) == nil)
  }

  @Test func `versions compare by number, not by text`() {
    #expect(KernelVersion(6, 1) < KernelVersion(6, 18))
    #expect(KernelVersion.running > KernelVersion(4, 0))
  }
}

@Suite("Mount table")
struct MountTableTests {
  @Test func `paths with blanks are unescaped and short lines are left out`() {
    let table = MountTable(parsing: "none /a\\040b cgroup2 rw 0 0\nbroken line\n\nbpf /sys/fs/bpf bpf rw 0 0\n")
    #expect(table.path(ofType: "cgroup2") == "/a b")
    #expect(table.path(ofType: "bpf") == "/sys/fs/bpf")
    #expect(table.path(ofType: "ext4") == nil)
    #expect(table.mounts.count == 2)
  }

  @Test func `a hostile line gives a path or nothing, never a trap`() {
    let table = MountTable(parsing: "x /a\\000b t\nx /\\777 t\nx \\ t\nx /c\\04 t\nx /\\+12 t\n")
    #expect(table.mounts.map(\.path) == ["/\\777", "\\", "/c\\04", "/\\+12"])
  }
}

@Suite("Owned descriptors")
struct OwnedFileDescriptorTests {
  @Test func `closing twice is impossible and a bad descriptor is reported`() throws {
    let descriptor = try OwnedFileDescriptor.open("/dev/null", flags: 0)
    let number = descriptor.rawValue
    #expect(try FileSystem.entries(of: "/proc/self/fd").contains("\(number)"))
    try descriptor.close()
    #expect(throws: Errno.badFileDescriptor) { try OwnedFileDescriptor(taking: 1 << 20).close() }
  }

  @Test func `every descriptor is close-on-exec`() throws {
    let descriptor = try OwnedFileDescriptor.open("/dev/null", flags: 0)
    let copy = try descriptor.duplicate()
    for number in [descriptor.rawValue, copy.rawValue] {
      let flags = try FileSystem.text(of: FilePath("/proc/self/fdinfo/\(number)")).split(separator: "\n")
        .first { $0.hasPrefix("flags:") }
      let bits = try #require(flags?.split(separator: "\t").last.flatMap { Int($0, radix: 8) })
      #expect(bits & 0o2000000 != 0)
    }
  }

  @Test func `a missing file is an error with the kernel's number`() {
    #expect(throws: Errno.noSuchFileOrDirectory) { _ = try OwnedFileDescriptor.open("/nonexistent", flags: 0) }
  }
}

@Suite("Namespaces without privilege")
struct NamespaceErrorTests {
  @Test func `a file that is no namespace is refused by name`() {
    let error = #expect(throws: SystemError.self) { try NetworkNamespace.open(path: "/dev/null") }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("/dev/null") == true)
  }

  @Test func `another kind of namespace is refused`() {
    let error = #expect(throws: SystemError.self) { try NetworkNamespace.open(path: "/proc/self/ns/mnt") }
    #expect(error?.code == .invalidArgument)
  }

  @Test(arguments: ["", "a/b", "..", "a\0b", String(repeating: "x", count: 256)])
  func `a bad name is refused before anything is made`(name: String) async {
    let error = await #expect(throws: SystemError.self) { try await NetworkNamespace.makeNamed(name) }
    #expect(error?.code == .invalidArgument)
  }

  @Test func `a missing namespace is named in the error`() {
    let error = #expect(throws: SystemError.self) { try NetworkNamespace.open(named: "terwaykit-missing") }
    #expect(error?.code == .notFound)
    #expect(error?.message.contains("terwaykit-missing") == true)
  }
}

@Suite("Files")
struct FileSystemTests {
  @Test func `a file larger than the limit is refused by name, one as large is read`() throws {
    let size = try FileSystem.contents(of: "/proc/self/limits").count
    #expect(try FileSystem.contents(of: "/proc/self/limits", limit: size).count == size)
    let error = #expect(throws: SystemError.self) { try FileSystem.contents(of: "/proc/self/limits", limit: size - 1) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("/proc/self/limits") == true)
    #expect(error?.message.contains("\(size - 1) bytes") == true)
  }

  @Test func `a directory that is absent has no names, and a file is an error`() throws {
    #expect(try FileSystem.entries(of: "/nonexistent").isEmpty)
    let error = #expect(throws: SystemError.self) { try FileSystem.entries(of: "/dev/null") }
    #expect(error?.code == .systemCall)
    #expect(error?.message.contains("/dev/null") == true)
    #expect(try FileSystem.entries(of: "/proc/self/ns").contains("net"))
  }

  @Test func `a file that is absent is notFound, by name`() {
    let error = #expect(throws: SystemError.self) { try FileSystem.text(of: "/nonexistent") }
    #expect(error?.code == .notFound)
    #expect(error?.message.contains("/nonexistent") == true)
  }
}

@Suite("Capabilities and features")
struct FeatureTests {
  @Test func `a set names its members as capabilities(7) does`() {
    #expect(CapabilitySet.datapath.names == ["CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_PERFMON", "CAP_BPF"])
    #expect(CapabilitySet(rawValue: 1).names.isEmpty)
  }

  @Test func `what /proc says is what the process has`() throws {
    let line = try FileSystem.text(of: "/proc/thread-self/status").split(separator: "\n")
      .first { $0.hasPrefix("CapEff:") }
    let bits = try #require(line?.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) })
    #expect(CapabilitySet.effective.rawValue == bits)
  }

  @Test func `a probe is asked each time, and its reason is handed on`() async {
    let feature = KernelFeature("flying", minimumKernel: KernelVersion(9, 9)) { .missing(reason: "no wings") }
    #expect(feature.name == "flying")
    #expect(await feature.availability() == .missing(reason: "no wings"))
  }
}

@Suite("Serial lock")
struct SerialLockTests {
  @Test func `operations run one by one, also after an error`() async {
    let lock = SerialLock()
    let log = Log()
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<500 {
        group.addTask {
          try? await lock.locked {
            await log.enter()
            await Task.yield()
            await log.leave()
            if index.isMultiple(of: 3) { throw Errno.ioError }
          }
        }
      }
    }
    #expect(await log.count == 500)
    #expect(await log.most == 1)
  }

  private actor Log {
    var inside = 0
    var most = 0
    var count = 0
    func enter() {
      inside += 1
      most = max(most, inside)
    }
    func leave() {
      inside -= 1
      count += 1
    }
  }
}

@Suite("Errors")
struct SystemErrorTests {
  @Test(arguments: [
    (Errno.notPermitted, "unshare", SystemError.Code.permissionDenied, "run as root"),
    (.noSpace, "unshare", .systemCall, "user.max_net_namespaces"), (.noSpace, "write", .systemCall, ""),
    (.tooManyOpenFiles, "open", .systemCall, "ulimit -n"), (.fileExists, "open", .exists, ""),
  ])
  func `a refusal has a code, its operation and a remedy`(
    errno: Errno, call: String, code: SystemError.Code, remedy: String
  ) {
    let error = SystemError("make a network namespace", systemCall: call, errno: errno)
    #expect(error.code == code)
    #expect(error.errno == errno)
    #expect(error.message.hasPrefix("make a network namespace: \(errno)"))
    #expect(error.message.contains(remedy))
    #expect(error.message.contains("max_net") == (remedy.contains("max_net")))
  }
}
