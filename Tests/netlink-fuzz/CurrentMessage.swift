// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// The message that is being read, in a file that is mapped into memory: it is still there when the process traps.
///
/// Eight bytes for its number, eight for its length, then the message.
@safe
final class CurrentMessage: Sendable {
  private nonisolated(unsafe) let memory: UnsafeMutableRawBufferPointer
  private let count = Atomic<UInt64>(0)
  private let isOver = Atomic<Bool>(false)

  /// Maps the file, and begins to watch: when one message takes longer than `patience`, the process says so and ends.
  init(path: String, patience: Double) throws {
    let size = 16 << 10
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0, ftruncate(descriptor, off_t(size)) == 0,
      let address = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      unsafe address != MAP_FAILED
    else { throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path]) }
    close(descriptor)
    unsafe memory = UnsafeMutableRawBufferPointer(start: address, count: size)
    let thread = Thread { [self] in
      var last = UInt64.max
      while !isOver.load(ordering: .relaxed) {
        let now = count.load(ordering: .relaxed)
        if now == last {
          let number = unsafe memory.load(as: UInt64.self)
          FileHandle.standardError.write(
            Data("netlink-fuzz: message \(number) takes longer than \(patience) s; it is in \(path)\n".utf8))
          _exit(3)
        }
        last = now
        Thread.sleep(forTimeInterval: patience)
      }
    }
    thread.start()
  }

  func begin(_ message: [UInt8], number: UInt64) {
    unsafe memory.storeBytes(of: number, as: UInt64.self)
    unsafe memory.storeBytes(of: UInt64(message.count), toByteOffset: 8, as: UInt64.self)
    unsafe UnsafeMutableRawBufferPointer(rebasing: memory[16...]).copyBytes(from: message.prefix(memory.count - 16))
    count.add(1, ordering: .relaxed)
  }

  func end() { isOver.store(true, ordering: .relaxed) }

  /// The message in a file that another run left.
  static func read(_ path: String) throws -> [UInt8] {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    guard bytes.count >= 16 else { return bytes }
    let length = bytes[8..<16].reversed().reduce(0) { $0 << 8 | Int($1) }
    return Array(bytes.dropFirst(16).prefix(length))
  }
}
