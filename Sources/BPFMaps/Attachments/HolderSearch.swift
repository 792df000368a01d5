// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// Which processes have descriptors of links and programs, read once. `/proc/*/fdinfo`
///
/// Processes that end meanwhile, or that the caller may not look at, are left out.
struct HolderSearch {
  let isWanted: Bool
  private var links: [UInt32: [AttachmentHolder]] = [:]
  private var programs: [UInt32: [AttachmentHolder]] = [:]
  private var isDone = false

  init(isWanted: Bool) { self.isWanted = isWanted }

  mutating func holders(link: UInt32?, program: UInt32) -> [AttachmentHolder] {
    guard isWanted else { return [] }
    if !isDone { search() }
    if let link { return links[link] ?? [] }
    return programs[program] ?? []
  }

  private mutating func search() {
    isDone = true
    for entry in (try? FileSystem.entries(of: "/proc")) ?? [] {
      guard let process = Int32(entry) else { continue }
      let directory = FilePath("/proc").appending(entry)
      for number in (try? FileSystem.entries(of: directory.appending("fd"))) ?? [] {
        guard let descriptor = Int32(number), Self.isBPF(directory.appending("fd").appending(number)),
          let text = try? FileSystem.text(of: directory.appending("fdinfo").appending(number))
        else { continue }
        let command = (try? FileSystem.text(of: directory.appending("comm"))) ?? ""
        let holder = AttachmentHolder(
          process: process, command: String(command.prefix { !$0.isNewline }), descriptor: descriptor)
        if let link = Self.value("link_id:", in: text) {
          links[link, default: []].append(holder)
        } else if let program = Self.value("prog_id:", in: text) {
          programs[program, default: []].append(holder)
        }
      }
    }
  }

  /// Whether a descriptor is `anon_inode:bpf_link` or `anon_inode:bpf-prog`.
  private static func isBPF(_ path: FilePath) -> Bool {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
      guard let start = buffer.baseAddress else { return false }
      let count = unsafe path.withPlatformString { unsafe readlink($0, start, 63) }
      guard count > 0 else { return false }
      let text = unsafe String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return text.hasPrefix("anon_inode:bpf") || text.hasPrefix("anon_inode:[bpf")
    }
  }

  private static func value(_ key: String, in text: String) -> UInt32? {
    for line in text.split(separator: "\n") where line.hasPrefix(key) {
      return UInt32(line.dropFirst(key.count).drop { $0 == "\t" || $0 == " " })
    }
    return nil
  }
}
