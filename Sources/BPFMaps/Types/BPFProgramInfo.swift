// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem

/// What the kernel says of a program. `struct bpf_prog_info`
public struct BPFProgramInfo: Sendable, Hashable {
  /// The C function's name; the kernel keeps 15 bytes, of which the types know the rest.
  public var name: String
  /// The kernel's identifier, as `bpftool prog` shows it.
  public var identifier: UInt32
  /// What kind of program it is.
  public var kind: BPFProgramKind
  /// A digest of its instructions: programs of one tag are the same code.
  public var tag: [UInt8]
  /// Whether it may use helpers that are for GPL-compatible programs.
  public var isGPLCompatible: Bool
  /// When it was loaded, in nanoseconds since the machine started, sleep included.
  public var loadTime: UInt64
  /// Who loaded it.
  public var userIdentifier: UInt32
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
      result.append(try BPFProgramInfo(of: descriptor.rawValue))
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
    let result = bpf_prog_get_fd_by_id(identifier)
    if result == CInt.statusNotFound { return nil }
    guard result >= 0 else { throw BPFError.kernel("open program \(identifier)", status: result) }
    let descriptor = OwnedFileDescriptor(taking: result)
    return try BPFProgramInfo(of: descriptor.rawValue)
  }

  /// Asks the kernel.
  init(of descriptor: CInt) throws(BPFError) {
    var maps: [UInt32] = []
    var raw = try Self.ask(descriptor, &maps)
    maps = [UInt32](repeating: 0, count: Int(raw.nr_map_ids))
    raw = try Self.ask(descriptor, &maps)
    self.init(raw, maps: Array(maps.prefix(Int(raw.nr_map_ids))))
    memory = KernelObjectFields(of: descriptor)?.number("memlock")
    name = fullName(descriptor)
  }

  private init(_ raw: bpf_prog_info, maps: [UInt32]) {
    self.init(
      name: string(raw.name), identifier: raw.id, kind: BPFProgramKind(rawValue: raw.type),
      tag: unsafe withUnsafeBytes(of: raw.tag) { unsafe Array($0) }, isGPLCompatible: raw.gpl_compatible != 0,
      loadTime: raw.load_time, userIdentifier: raw.created_by_uid, translatedSize: Int(raw.xlated_prog_len),
      compiledSize: Int(raw.jited_prog_len), verifiedInstructionCount: Int(raw.verified_insns), mapIdentifiers: maps,
      typesIdentifier: raw.btf_id, runTime: raw.run_time_ns, runCount: raw.run_cnt,
      recursionMisses: raw.recursion_misses, memory: nil)
  }

  private init(
    name: String, identifier: UInt32, kind: BPFProgramKind, tag: [UInt8], isGPLCompatible: Bool, loadTime: UInt64,
    userIdentifier: UInt32, translatedSize: Int, compiledSize: Int, verifiedInstructionCount: Int,
    mapIdentifiers: [UInt32], typesIdentifier: UInt32, runTime: UInt64, runCount: UInt64, recursionMisses: UInt64,
    memory: Int?
  ) {
    self.name = name
    self.identifier = identifier
    self.kind = kind
    self.tag = tag
    self.isGPLCompatible = isGPLCompatible
    self.loadTime = loadTime
    self.userIdentifier = userIdentifier
    self.translatedSize = translatedSize
    self.compiledSize = compiledSize
    self.verifiedInstructionCount = verifiedInstructionCount
    self.mapIdentifiers = mapIdentifiers
    self.typesIdentifier = typesIdentifier
    self.runTime = runTime
    self.runCount = runCount
    self.recursionMisses = recursionMisses
    self.memory = memory
  }
}
