// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
internal import SystemPackage

/// Turns what libbpf said during a failed load into one error.
struct LoadFailure {
  let object: String
  let status: CInt
  let messages: [String]

  /// What failed, as far as libbpf's words tell.
  enum Subject: Hashable {
    /// The verifier or the system call refused a program; the log may be empty.
    case program(String, log: String)
    case map(String)
    case other(words: String?)
  }

  /// Pure.
  var subject: Subject {
    let messages = messages.filter { !$0.hasPrefix(VerifierLog.accepted) }
    for message in messages {
      if let (program, log) = VerifierLog.log(in: message), !log.isEmpty {
        return .program(program ?? "?", log: log)
      }
    }
    if let map = messages.first(where: { $0.hasPrefix("map '") && $0.contains("failed to create") }) {
      return .map(Self.quoted(in: map) ?? "?")
    }
    if let program = messages.first(where: { $0.contains("BPF program load failed") }) {
      return .program(Self.quoted(in: program) ?? "?", log: "")
    }
    // libbpf ends with lines that say only that the load failed; the first of them names the cause.
    return .other(words: messages.first { $0.contains("failed") || $0.contains("couldn't") } ?? messages.first)
  }

  /// The error; asks the kernel about what it may lack.
  func error(describing pointer: borrowing ObjectPointer) -> BPFError {
    switch subject {
    case .program(let name, let log):
      let found = unsafe pointer.program(name)
      let type = unsafe found.map { unsafe BPFProgramKind(rawValue: UInt32(bpf_program__type($0).rawValue)) }
      return refusal(of: name, type, log) { $0.availability() }
    case .map(let name):
      let found = unsafe pointer.map(name)
      return refusal(ofMap: name, unsafe found.map { unsafe pointer.definition(of: $0) }) { $0.availability() }
    case .other(let words):
      return BPFError.kernel("load object \"\(object)\"", status: status, words: words.map { [$0] } ?? [])
    }
  }

  /// Pure, but for the answers of `availability`.
  func refusal(
    of program: String, _ type: BPFProgramKind?, _ log: String,
    availability: (BPFFeature) -> BPFFeature.Availability
  ) -> BPFError {
    let errno = Errno(rawValue: -status)
    guard !log.isEmpty else {
      let operation = "load program \"\(program)\" of object \"\(object)\""
      if status == -22, let type, case .missing(let reason, _) = availability(.programType(type)) {
        return BPFError(
          .notSupported, "\(operation): this kernel has no programs of type \(type): \(reason)", errno: errno)
      }
      if status == -7 {
        return BPFError(
          .invalidArgument,
          "\(operation): too large; the kernel takes 1 000 000 instructions, and 4096 of a thread without CAP_BPF",
          errno: errno)
      }
      let words = messages.first { $0.contains("BPF program load failed") }
      return BPFError.kernel(operation, status: status, words: words.map { [$0] } ?? [])
    }
    let operation = "load object \"\(object)\""
    let reason = VerifierLog.lastUsefulLine(of: log) ?? "no reason was given"
    if let helper = Self.unknownHelper(in: reason) {
      let kernel = helper.minimumKernel.map { "; Linux \($0.major).\($0.minor) brought it" } ?? ""
      return BPFError(
        .notSupported,
        "\(operation): program \"\(program)\" calls \(helper), which this kernel does not have\(kernel) (\(reason))",
        errno: errno, verifierLog: log)
    }
    return BPFError(
      .verifierRejected, "\(operation): the verifier refused program \"\(program)\": \(reason)", errno: errno,
      verifierLog: log)
  }

  /// Pure, but for the answers of `availability`.
  func refusal(
    ofMap map: String, _ definition: BPFMapInfo?, availability: (BPFFeature) -> BPFFeature.Availability
  ) -> BPFError {
    let operation = "create map \"\(map)\" of object \"\(object)\""
    let errno = Errno(rawValue: -status)
    guard let definition else { return BPFError.kernel(operation, status: status) }
    let shape =
      "\(MapKindFacts.name(of: definition.kind)), key \(definition.keySize) bytes, value \(definition.valueSize) bytes, "
      + "max_entries \(definition.maximumEntryCount), flags 0x\(String(definition.flags, radix: 16))"
    switch status {
    case -22, -524, -95:
      if case .missing(let reason, _) = availability(.mapKind(definition.kind)) {
        let kind = MapKindFacts.name(of: definition.kind)
        return BPFError(.notSupported, "\(operation): this kernel has no maps of kind \(kind): \(reason)", errno: errno)
      }
      return BPFError(
        .invalidArgument, "\(operation): the kernel makes no such map (\(shape)); compare size and flags with its kind",
        errno: errno)
    case -7:
      return BPFError(
        .invalidArgument, "\(operation): too large (\(shape)); make it smaller with setMaxEntries", errno: errno)
    case -12:
      return BPFError(
        .systemCall,
        "\(operation): not enough memory (\(shape)); make it smaller with setMaxEntries, or raise the memory limit of the process's control group",
        errno: errno)
    default: return BPFError.kernel(operation, status: status)
    }
  }

  /// The helper of `invalid func unknown#211`: one with a number that the kernel does not have.
  ///
  /// A helper that it has for other types of programs has other words.
  private static func unknownHelper(in reason: String) -> BPFHelper? {
    guard reason.hasPrefix("invalid func "), let mark = reason.lastIndex(of: "#") else { return nil }
    return UInt32(reason[mark...].dropFirst().prefix(while: \.isNumber)).map(BPFHelper.init(rawValue:))
  }

  /// The first name in single quotes.
  static func quoted(in message: String) -> String? {
    let parts = message.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
    return parts.count == 3 ? String(parts[1]) : nil
  }
}
