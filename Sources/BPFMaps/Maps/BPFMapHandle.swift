// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import LinuxSystem
internal import SystemPackage

/// A map without types: its descriptor, and what the kernel says of it.
///
/// Typed maps are made of it; it closes with them.
public struct BPFMapHandle: ~Copyable, Sendable {
  /// The open map.
  public let descriptor: OwnedFileDescriptor
  /// Read once, when the handle was made.
  public let info: BPFMapInfo
  /// How many values the map has at each key: 1, or one for each possible CPU; 0 where /sys does not say how many.
  @usableFromInline let slotCount: Int

  init(_ descriptor: consuming OwnedFileDescriptor, _ info: BPFMapInfo) {
    self.descriptor = descriptor
    self.info = info
    slotCount = info.kind.isPerCPU ? possibleCPUCount() ?? 0 : 1
  }

  /// The error for a refused element operation.
  @usableFromInline @inline(never)
  borrowing func failure(_ operation: String, _ status: CInt) -> BPFError {
    let subject = "\(operation) map \"\(info.name)\""
    let error = BPFError.kernel(subject, status: status)
    switch error.code {
    case .permissionDenied where status == -EPERM:
      guard let reason = refusal() else { return error }
      return BPFError(.permissionDenied, "\(subject): \(reason)", errno: error.errno)
    case .full where status == -ENOSPC && info.kind.holdsSockets && info.valueSize != 8:
      return BPFError(
        .notSupported,
        "\(subject): the kernel shows sockets as cookies of 8 bytes, which the map's values of \(info.valueSize) bytes cannot hold",
        errno: error.errno)
    case .full where info.kind.isArray:
      return BPFError(
        .invalidArgument,
        "\(subject): the index is out of range; the \(info.kind) has \(info.maximumEntryCount) entries",
        errno: error.errno)
    case .full:
      return BPFError(
        .full, "\(subject): the map is full (max_entries \(info.maximumEntryCount)); make it larger before loading",
        errno: error.errno)
    case .invalidArgument:
      guard let rule = rule(ofRemoval: operation.hasPrefix("remove")) else { return error }
      return BPFError(.invalidArgument, "\(subject): invalid argument; \(rule)", errno: error.errno)
    case .systemCall where status == -EBADF || status == -ENOTSOCK:
      let part = info.kind.isKeyedByDescriptor ? ("key", "is keyed by") : ("value", "holds")
      return BPFError(
        .invalidArgument,
        "\(subject): the \(part.0) is no open descriptor of the kind that a \(info.kind) map \(part.1)",
        errno: error.errno)
    case .notFound:
      return BPFError(.notFound, "\(subject): no such key", errno: error.errno)
    case .alreadyExists:
      return BPFError(.alreadyExists, "\(subject): the key exists", errno: error.errno)
    default: return error
    }
  }

  /// What a kind of map asks of what is written or removed; nil: nothing of its own.
  private borrowing func rule(ofRemoval isRemoval: Bool) -> String? {
    switch info.kind {
    case .programArray: "all programs of an array have one type, and one expected attach type"
    case .array where isRemoval, .perCPUArray where isRemoval: "entries of an array stay; write another value"
    case .queue where isRemoval, .stack where isRemoval: "values without keys are taken, not removed"
    case .lpmTrie: "a prefix has at most \(max(0, info.keySize - 4) * 8) bits"
    case .arrayOfMaps, .hashOfMaps: "a map has to be like the prototype: in kind, sizes, flags and number of entries"
    default: nil
    }
  }

  /// Why nobody may do what was refused, whatever privileges they have; nil: it does not lie in the map.
  borrowing func refusal() -> String? {
    // The kernel keeps BPF_F_RDONLY and BPF_F_WRONLY with the descriptor, not with the map.
    switch fcntl(descriptor.rawValue, F_GETFL) & O_ACCMODE {
    case O_RDONLY: return "it was made for user space to read only (BPF_F_RDONLY)"
    case O_WRONLY: return "it was made for user space to write only (BPF_F_WRONLY)"
    default:
      guard KernelObjectFields(of: descriptor.rawValue)?.number("frozen") == 1 else { return nil }
      return "it is frozen, so that user space can no longer write it"
    }
  }

  /// The error for a refused look-up that removes.
  @usableFromInline @inline(never)
  borrowing func takeFailure(_ status: CInt) -> BPFError {
    guard status.saysUnsupported else { return failure("take a key from", status) }
    return BPFError(
      .notSupported,
      "take a key from map \"\(info.name)\": this kernel cannot look up and remove in one step in a \(info.kind); hashes can from Linux 5.14 on",
      errno: Errno(rawValue: -status))
  }

  /// The error for a refused batch: what an element's error says, and how far the batch came.
  @inline(never)
  borrowing func failure(_ operation: String, _ status: CInt, after done: Int, of count: Int) -> BPFError {
    failure(operation, status).after(done, of: count)
  }
}
