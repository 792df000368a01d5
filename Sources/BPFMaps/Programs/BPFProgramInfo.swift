// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem

/// What the kernel says of a program. `struct bpf_prog_info`
public struct BPFProgramInfo: Sendable, Hashable {
  /// The C function's name; the kernel keeps 15 bytes, of which the types know the rest.
  public var name: String
  /// The kernel's identifier, as `bpftool prog` shows it.
  public var identifier: UInt32
  /// What it is called for.
  public var kind: BPFProgramKind
  /// A fingerprint of its instructions, 16 hexadecimal digits: programs of one tag are the same code.
  public var tag: String
  /// Whether it may use helpers that are for GPL-compatible programs.
  public var isGPLCompatible: Bool
  /// When it was loaded, in nanoseconds since the machine started, sleep included. `CLOCK_BOOTTIME`
  public var loadTime: UInt64
  /// The user who loaded it.
  public var user: UInt32
  /// Its code in the kernel's form, in bytes.
  public var translatedSize: Int
  /// Its machine code, in bytes; 0: it is interpreted.
  public var compiledSize: Int
  /// How many instructions the verifier looked at. Linux 5.16
  public var verifiedInstructionCount: Int
  /// The maps that it uses.
  public var mapIdentifiers: [UInt32]
  /// The kernel's identifier of its types; 0: none.
  public var typesIdentifier: UInt32
  /// How long it ran while run times were counted (``BPFRunTimeCounting``), in nanoseconds.
  public var runTime: UInt64
  /// How often it ran while run times were counted.
  public var runCount: UInt64
  /// How often it was not run because it was running already on that CPU. Linux 5.12
  public var recursionMisses: UInt64
  /// Its memory, in bytes; nil: the kernel does not say.
  public var memory: Int?

  /// Every program of the system, by identifier.
  ///
  /// - Returns: What the kernel says of each; what goes away meanwhile is left out.
  /// - Throws: `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_PROG_GET_NEXT_ID`
  public static func all() throws(BPFError) -> [BPFProgramInfo] {
    var result: [BPFProgramInfo] = []
    try BPFObjectIdentifiers.forEach(
      "programs", next: { unsafe bpf_prog_get_next_id($0, &$1) }, open: { bpf_prog_get_fd_by_id($0) }
    ) { (descriptor, _) throws(BPFError) in
      result.append(try BPFProgramInfo(of: descriptor.rawValue, "ask about a program"))
    }
    return result
  }

  /// Asks the kernel about one program.
  ///
  /// - Parameter identifier: As `bpftool prog` shows it.
  /// - Returns: What it says; nil: there is no such program.
  /// - Throws: `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_PROG_GET_FD_BY_ID`
  public static func program(identifier: UInt32) throws(BPFError) -> BPFProgramInfo? {
    do {
      return try BPFProgramInfo(identifier: identifier)
    } catch {
      guard error.code == .notFound else { throw error }
      return nil
    }
  }

  /// Asks about the program of an identifier.
  ///
  /// - Parameter identifier: As `bpftool prog` shows it.
  /// - Throws: `notFound`; `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_PROG_GET_FD_BY_ID`
  public init(identifier: UInt32) throws(BPFError) {
    let descriptor = try BPFProgram.descriptor(identifier: identifier)
    try self.init(of: descriptor.rawValue, "ask about program \(identifier)")
  }

  /// Asks the kernel about an open program.
  init(of descriptor: CInt, _ operation: String) throws(BPFError) {
    var maps: [UInt32] = []
    var raw = try Self.ask(descriptor, &maps, operation)
    maps = [UInt32](repeating: 0, count: Int(raw.nr_map_ids))
    raw = try Self.ask(descriptor, &maps, operation)
    name = string(raw.name)
    identifier = raw.id
    kind = BPFProgramKind(rawValue: raw.type)
    tag = unsafe withUnsafeBytes(of: raw.tag) { unsafe BTFDatum.hex(Array($0)) }
    isGPLCompatible = raw.gpl_compatible != 0
    loadTime = raw.load_time
    user = raw.created_by_uid
    translatedSize = Int(raw.xlated_prog_len)
    compiledSize = Int(raw.jited_prog_len)
    verifiedInstructionCount = Int(raw.verified_insns)
    mapIdentifiers = Array(maps.prefix(Int(raw.nr_map_ids)))
    typesIdentifier = raw.btf_id
    runTime = raw.run_time_ns
    runCount = raw.run_cnt
    recursionMisses = raw.recursion_misses
    memory = KernelObjectFields(of: descriptor)?.number("memlock")
    name = fullName(descriptor)
  }

  /// What it can be attached to, such as `sched_cls`.
  public var type: String { kind.description }

  /// The number behind ``kind``. `enum bpf_prog_type`
  public var rawType: UInt32 { kind.rawValue }
}

extension BPFProgram {
  /// What the kernel says of the program now.
  ///
  /// - Returns: Names, sizes, times and counts.
  /// - Throws: `systemCall`. `BPF_OBJ_GET_INFO_BY_FD`
  public borrowing func info() throws(BPFError) -> BPFProgramInfo {
    try BPFProgramInfo(of: descriptor, "ask about program \"\(name)\"")
  }

  /// Opens a program by the kernel's identifier.
  ///
  /// - Parameter identifier: As `bpftool prog` shows it.
  /// - Returns: The program.
  /// - Throws: `notFound`; `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_PROG_GET_FD_BY_ID`
  public static func open(identifier: UInt32) throws(BPFError) -> BPFProgram {
    try BPFProgram(descriptor(identifier: identifier), name: nil, expectedAttachType: nil, section: "")
  }

  static func descriptor(identifier: UInt32) throws(BPFError) -> OwnedFileDescriptor {
    LibbpfMessages.silence()
    let result = bpf_prog_get_fd_by_id(identifier)
    guard result >= 0 else { throw BPFError.kernel(byIdentifier: "open program \(identifier)", status: result) }
    return OwnedFileDescriptor(taking: result)
  }

  /// What the program is, for messages: `SEC("tc")`, or of type xdp.
  var kindInWords: String {
    if !section.isEmpty { return "SEC(\"\(section)\")" }
    return (try? info()).map { "of type \($0.type)" } ?? "of an unknown type"
  }
}
