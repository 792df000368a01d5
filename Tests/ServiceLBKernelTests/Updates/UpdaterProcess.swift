// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import Synchronization
import SystemPackage

/// What a process that changes endpoints says, line by line: `begin TIME MASK`, and `done TIME MASK` after the update.
struct UpdaterReport: Sendable {
  var isDone: Bool
  var time: UInt64
  var mask: UInt32

  init?(_ line: Substring) {
    let parts = line.split(separator: " ")
    guard parts.count == 3, let time = UInt64(parts[1]), let mask = UInt32(parts[2]) else { return nil }
    isDone = parts[0] == "done"
    self.time = time
    self.mask = mask
  }

  init(isDone: Bool, mask: UInt32) {
    self.isDone = isDone
    time = Updates.now()
    self.mask = mask
  }

  var line: String { "\(isDone ? "done" : "begin") \(time) \(mask)\n" }
}

/// This test program again, changing endpoints until it is killed.
final class UpdaterProcess {
  /// Where the child finds the pins, and the endpoints that are there when it begins.
  static let pins = "TERWAYKIT_UPDATER_PINS"
  static let mask = "TERWAYKIT_UPDATER_MASK"
  static let test = "endpoints come and go as they are told to"

  private let child: pid_t
  private let output: CInt
  private var rest = ""
  private(set) var reports: [UpdaterReport] = []

  init(pins: FilePath, mask: UInt32) throws {
    var pipes: [CInt] = [0, 0]
    guard unsafe pipe(&pipes) == 0 else { throw Errno(rawValue: errno) }
    for descriptor in pipes { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    output = pipes[0]
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, pipes[1], 9)
    unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    let arguments = [
      "updater", "--testing-library", "swift-testing", "--no-parallel", "--filter", "UpdateLoadTests.*come.and.go",
    ]
    var environment = [
      "\(Self.pins)=\(pins)", "\(Self.mask)=\(mask)", "SWIFT_BACKTRACE=enable=no",
    ]
    for name in ["PATH", "LD_LIBRARY_PATH", "HOME"] {
      if let value = unsafe getenv(name) { environment.append("\(name)=\(unsafe String(cString: value))") }
    }
    var child: pid_t = 0
    var vector = unsafe arguments.map { unsafe strdup($0) } + [nil]
    var variables = unsafe environment.map { unsafe strdup($0) } + [nil]
    defer {
      unsafe vector.forEach { unsafe free($0) }
      unsafe variables.forEach { unsafe free($0) }
    }
    let failure = unsafe posix_spawn(&child, "/proc/self/exe", &actions, nil, &vector, &variables)
    close(pipes[1])
    guard failure == 0 else {
      close(pipes[0])
      throw Errno(rawValue: failure)
    }
    self.child = child
    _ = fcntl(output, F_SETFL, O_NONBLOCK)
  }

  deinit { close(output) }

  /// Reads what it has said; returns what is new.
  @discardableResult
  func read() -> [UpdaterReport] {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let known = reports.count
    while true {
      let count = unsafe Glibc.read(output, &buffer, buffer.count)
      guard count > 0 else { break }
      rest += String(decoding: buffer[..<count], as: UTF8.self)
      let lines = rest.split(separator: "\n", omittingEmptySubsequences: false)
      reports += lines.dropLast().compactMap { UpdaterReport($0) }
      rest = String(lines.last ?? "")
    }
    return Array(reports[known...])
  }

  /// Kills it, at whatever it is doing.
  func kill() {
    _ = Glibc.kill(child, SIGKILL)
    var status: CInt = 0
    unsafe waitpid(child, &status, 0)
    read()
  }

  /// Says something, in the child.
  static func say(_ report: UpdaterReport) {
    let bytes = Array(report.line.utf8)
    _ = unsafe write(9, bytes, bytes.count)
  }
}
