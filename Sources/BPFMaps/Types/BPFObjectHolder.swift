// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
internal import SystemPackage

/// A process that has an object open.
public struct BPFObjectHolder: Sendable, Hashable {
  /// The process.
  public let process: Int32
  /// The process's name, up to 15 bytes. `/proc/PID/comm`
  public let name: String
  /// The numbers of its descriptors of the object, lowest first.
  public internal(set) var descriptors: [Int32]

  /// The processes that have objects open, as far as this process may look.
  ///
  /// A link that holds a program, or a program that holds a map, is no process.
  ///
  /// - Returns: The holders of each object, by process.
  /// - Requires: CAP_SYS_PTRACE for the processes of others. `/proc/PID/fd`
  public static func all() -> [BPFObjectReference: [BPFObjectHolder]] {
    var result: [BPFObjectReference: [BPFObjectHolder]] = [:]
    for process in ((try? FileSystem.entries(of: "/proc")) ?? []).compactMap({ Int32($0) }).sorted() {
      let folder = FilePath("/proc").appending("\(process)")
      let numbers = ((try? FileSystem.entries(of: folder.appending("fd"))) ?? []).compactMap { Int32($0) }
      var name: String?
      for descriptor in numbers.sorted() {
        // Reading the link is cheaper than what it leads to.
        guard
          linkTarget(folder.appending("fd").appending("\(descriptor)")).flatMap({ BPFObjectReference.Kind(target: $0) })
            != nil,
          let reference = KernelObjectFields(at: folder.appending("fdinfo").appending("\(descriptor)"))?.reference
        else { continue }
        if let last = result[reference]?.indices.last, result[reference]?[last].process == process {
          result[reference]?[last].descriptors.append(descriptor)
          continue
        }
        let known = name ?? String(((try? FileSystem.text(of: folder.appending("comm"))) ?? "").prefix { $0 != "\n" })
        name = known
        result[reference, default: []].append(
          BPFObjectHolder(process: process, name: known, descriptors: [descriptor]))
      }
    }
    return result
  }
}
