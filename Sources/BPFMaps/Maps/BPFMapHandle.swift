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
    case .full where info.kind.isArray:
      return BPFError(
        .invalidArgument,
        "\(subject): the index is out of range; the \(info.kind) has \(info.maximumEntryCount) entries",
        errno: error.errno)
    case .full:
      return BPFError(
        .full, "\(subject): the map is full (max_entries \(info.maximumEntryCount)); make it larger before loading",
        errno: error.errno)
    case .invalidArgument where info.kind == .programArray:
      return BPFError(
        .invalidArgument,
        "\(subject): invalid argument; all programs of an array have one type, and one expected attach type",
        errno: error.errno)
    case .systemCall where status == -EBADF || status == -ENOTSOCK:
      return BPFError(
        .invalidArgument, "\(subject): the key is no open descriptor of the kind that a \(info.kind) map is keyed by",
        errno: error.errno)
    case .notFound:
      return BPFError(.notFound, "\(subject): no such key", errno: error.errno)
    case .alreadyExists:
      return BPFError(.alreadyExists, "\(subject): the key exists", errno: error.errno)
    default: return error
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
