// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxSystem
import NetworkTypes

/// Plain sockets for traffic between scratch namespaces.
///
/// Every wait ends by itself.
enum TestSockets {
  enum Kind: CaseIterable, Sendable {
    case tcp
    case udp

    var ipProtocol: IPProtocol { self == .tcp ? .tcp : .udp }
  }

  /// Every kind in every family: tests go through them in one network, which takes longer to make than all of them.
  static let ways = Family.allCases.flatMap { family in Kind.allCases.map { (family, $0) } }

  /// Sends frames as they are, from an interface of this thread's namespace.
  ///
  /// - Returns: Whether the kernel took each, be it to drop it at the hook, which it answers with ENOBUFS.
  static func inject(_ frames: [[UInt8]], from interface: String) -> Bool {
    let descriptor = Glibc.socket(AF_PACKET, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    return inject(frames, from: interface, by: descriptor)
  }

  /// The same by a packet socket that is there.
  static func inject(_ frames: [[UInt8]], from interface: String, by descriptor: CInt) -> Bool {
    let index = unsafe if_nametoindex(interface)
    // struct sockaddr_ll, which Glibc's module does not have: family, protocol, interface, then zeros.
    var target: [UInt32] = [UInt32(AF_PACKET), index, 0, 0, 0]
    return frames.allSatisfy { frame in
      unsafe target.withUnsafeMutableBytes { bytes in
        let address = unsafe bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
        let count = unsafe sendto(descriptor, frame, frame.count, 0, address, socklen_t(bytes.count))
        return count == frame.count || errno == ENOBUFS
      }
    }
  }

  /// How many packets an interface of this thread's namespace received; 0 where it is not there.
  static func receivedPackets(_ interface: String) -> UInt64 {
    guard let file = unsafe fopen("/proc/thread-self/net/dev", "r") else { return 0 }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 1024)
    while unsafe fgets(&line, CInt(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let fields = text.split { $0 == " " || $0 == ":" || $0 == "\n" }
      if fields.count > 2, fields[0] == interface { return UInt64(fields[2]) ?? 0 }
    }
    return 0
  }

  /// Lets the socket have a port that another one had a moment ago.
  static func reuseAddress(_ descriptor: CInt) {
    var on: CInt = 1
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
  }

  static func setTimeout(_ descriptor: CInt, _ milliseconds: Int) {
    var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      _ = unsafe setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
    }
  }
}

/// Runs `ip` in a namespace.
func ip(_ arguments: String, in namespace: NetworkNamespace) async throws {
  try await run("/sbin/ip", arguments, in: namespace)
}

/// Runs `ethtool` in a namespace.
func ethtool(_ arguments: String, in namespace: NetworkNamespace) async throws {
  try await run("/sbin/ethtool", arguments, in: namespace)
}

/// Runs a program in a namespace.
///
/// Not by `Process`, whose wait needs a run loop and was seen to hang on threads like these.
private func run(_ program: String, _ arguments: String, in namespace: NetworkNamespace) async throws {
  let words = [program] + arguments.split(separator: " ").map(String.init)
  try await namespace.run {
    var vector = unsafe words.map { unsafe strdup($0) } + [nil]
    defer { unsafe vector.forEach { unsafe free($0) } }
    var child: pid_t = 0
    var status: Int32 = 0
    // ethtool tells at length what it changed.
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { _ = unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    guard unsafe posix_spawn(&child, program, &actions, nil, &vector, environ) == 0 else {
      throw CommandFailure(command: "\(program) \(arguments): not started")
    }
    while unsafe waitpid(child, &status, 0) == -1, errno == EINTR {}
    guard status == 0 else { throw CommandFailure(command: "\(program) \(arguments)") }
  }
}

struct CommandFailure: Error {
  var command: String
}
