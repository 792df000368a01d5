// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem

/// A map without types: its descriptor, and what the kernel says of it.
///
/// Typed maps are made of it; it closes with them.
public struct BPFMapHandle: ~Copyable, Sendable {
  /// The open map.
  public let descriptor: OwnedFileDescriptor
  /// Read once, when the handle was made.
  public let info: BPFMapInfo

  init(_ descriptor: consuming OwnedFileDescriptor, _ info: BPFMapInfo) {
    self.descriptor = descriptor
    self.info = info
  }

  /// The error for a refused element operation.
  @usableFromInline @inline(never)
  borrowing func failure(_ operation: String, _ status: CInt) -> BPFError {
    let subject = "\(operation) map \"\(info.name)\""
    let error = BPFError.kernel(subject, status: status)
    switch error.code {
    case .full where info.kind == .array || info.kind == .perCPUArray || info.kind == .programArray:
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
    case .notFound:
      return BPFError(.notFound, "\(subject): no such key", errno: error.errno)
    case .alreadyExists:
      return BPFError(.alreadyExists, "\(subject): the key exists", errno: error.errno)
    default: return error
    }
  }
}
