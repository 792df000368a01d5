// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
public import SystemPackage

/// A BPF object file, opened but not yet in the kernel: the time to set constants, sizes and shared maps.
///
/// ```swift
/// var object = try BPFObject(.pod, checking: [flow_record.layout])
/// try object.setConstant("record_allowed", to: UInt32(1))
/// try object.setMaxEntries(65_536, forMap: "flow")
/// let loaded = try object.load()
/// ```
public struct BPFObject: ~Copyable, Sendable {
  let pointer: ObjectPointer
  /// The types that it describes; nil: it was compiled without (`clang -g` adds them).
  public let types: BTF?
  /// The object's name, for messages.
  public let name: String

  /// Opens an object file, and compares the structs that the caller names with the object's description of them.
  ///
  /// An object is code for the kernel: open only what you would run. libbpf reads the ELF image, and its releases up to the
  /// one tested with (1.1.2) can crash on an image that was made to.
  ///
  /// - Parameters:
  ///   - bytes: The ELF image, with BTF (`clang -g`).
  ///   - name: What messages call it.
  ///   - layouts: Structs that cross the kernel border. Keys and values of maps are compared when the map is asked
  ///     for; this list is for records, and to fail early.
  /// - Throws: `malformedObject`; `layoutMismatch`, naming each struct and field that differs.
  public init(bytes: [UInt8], name: String, checking layouts: [StructLayout] = []) throws(BPFError) {
    let pointer = try ObjectPointer.open(bytes, name: name)
    let types = pointer.btf
    var differences: [String] = []
    for layout in layouts where !layout.isScalar {
      if let described = types?.structure(named: layout.name) {
        if let difference = layout.differences(from: described) { differences.append(difference) }
      } else {
        differences.append(
          "struct \(layout.name) is not described; mention it in the program: const struct \(layout.name) *unused")
      }
    }
    guard differences.isEmpty else {
      throw BPFError(.layoutMismatch, "object \"\(name)\": \(differences.joined(separator: "; "))")
    }
    self.pointer = pointer
    self.types = types
    self.name = name
  }

  /// Opens an object that the build embedded.
  ///
  /// - Parameters:
  ///   - object: What the `BPFCompile` plugin made.
  ///   - layouts: As for ``init(bytes:name:checking:)``.
  /// - Throws: As ``init(bytes:name:checking:)``.
  public init(_ object: EmbeddedObject, checking layouts: [StructLayout] = []) throws(BPFError) {
    try self.init(bytes: object.bytes(), name: object.name, checking: layouts)
  }

  /// Opens an object file by its path.
  ///
  /// - Parameters:
  ///   - path: What clang made (`clang -target bpf -g -c`), at most 64 MiB. The file is read once and may go.
  ///   - name: What messages call it; by default the file's name up to its first dot.
  ///   - layouts: As for ``init(bytes:name:checking:)``.
  /// - Throws: `notFound`; `permissionDenied`; and as ``init(bytes:name:checking:)``.
  public init(path: FilePath, name: String? = nil, checking layouts: [StructLayout] = []) throws(BPFError) {
    let bytes: [UInt8]
    do {
      bytes = try FileSystem.contents(of: path, limit: 64 << 20)
    } catch {
      let code: BPFError.Code =
        switch error.code {
        case .notFound: .notFound
        case .permissionDenied: .permissionDenied
        case .invalidArgument: .malformedObject
        default: .systemCall
        }
      throw BPFError(code, "open object \"\(path)\": \(error.message)", errno: error.errno)
    }
    let file = path.lastComponent?.string ?? ""
    let stem = file.prefix { $0 != "." }
    do {
      try self.init(bytes: bytes, name: name ?? String(stem.isEmpty ? file[...] : stem), checking: layouts)
    } catch  where error.code == .malformedObject {
      throw BPFError(.malformedObject, "\(error.message); the file is \"\(path)\"", errno: error.errno)
    }
  }

  /// The names of its maps, those of its data sections included.
  public var mapNames: [String] { pointer.mapNames }

  /// The names of its programs.
  public var programNames: [String] { pointer.programNames }

  /// Creates the maps, and has the kernel verify and load the programs.
  ///
  /// The verifier is not asked for its log at first, which is slow. It is asked once more, with the log, about a program that
  /// it refused; the log is kept whole. On failure nothing stays in the kernel.
  ///
  /// - Parameter log: What the verifier writes of programs that it accepts.
  /// - Returns: The object in the kernel.
  /// - Throws: `verifierRejected`, with the last useful line of the log in the message and all of it in
  ///   ``BPFError/verifierLog``; `notSupported`, naming what the kernel lacks: a kind of map, a type of program, a
  ///   helper; `permissionDenied`; `invalidArgument` for a map that cannot be made so; `systemCall`; for maps with
  ///   `LIBBPF_PIN_BY_NAME` as ``share(map:at:)``.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN, Linux 5.8. `BPF_PROG_LOAD`, `BPF_MAP_CREATE`
  public consuming func load(log: VerifierLogging = .onRefusal) throws(BPFError) -> LoadedObject {
    pointer.setLogLevel(log.level)
    try reusePinsByName()
    let (status, messages) = LibbpfMessages.collect { unsafe bpf_object__load(pointer.raw) }
    guard status == 0 else {
      throw LoadFailure(object: name, status: status, messages: messages).error(describing: pointer)
    }
    return LoadedObject(pointer, types: types, name: name, logs: VerifierLog.logs(in: messages))
  }

  func missing(_ what: String, _ wanted: String, among names: [String]) -> String {
    let there = names.isEmpty ? "none" : names.sorted().joined(separator: ", ")
    return "object \"\(name)\" has no \(what) \"\(wanted)\"; it has: \(there)"
  }
}
