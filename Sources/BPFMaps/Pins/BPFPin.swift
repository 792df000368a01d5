// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxSystem
public import SystemPackage

/// A file on a bpf file system, and what it keeps alive: enough to know it again.
public struct BPFPin: Sendable, Hashable {
  /// What can be pinned.
  public enum Kind: String, Sendable, Hashable {
    /// A map.
    case map
    /// A program.
    case program
    /// An attachment.
    case attachment
  }

  /// The file.
  public let path: FilePath
  /// What is pinned.
  public let kind: Kind
  /// Its identifier, which the kernel gives to nothing else while the machine runs.
  public let identifier: UInt32

  init(path: FilePath, kind: Kind, identifier: UInt32) {
    self.path = path
    self.kind = kind
    self.identifier = identifier
  }

  /// What is pinned at a path; nil: nothing.
  ///
  /// - Parameter path: An absolute path.
  /// - Throws: `notBPFFileSystem` for a file elsewhere, and where no bpf file system is mounted; `permissionDenied`;
  ///   `invalidArgument` for a directory, and for a path that cannot be one of a pin.
  public init?(at path: FilePath) throws(BPFError) {
    let descriptor: OwnedFileDescriptor
    do {
      descriptor = try Pins.open(path, "pin")
    } catch  where error.code == .notFound {
      return nil
    }
    guard let object = try BPFObjectReference(of: descriptor.rawValue, "open pin \"\(path)\"") else {
      throw BPFError(.malformedPin, "open pin \"\(path)\": what is pinned there is neither map, program nor attachment")
    }
    self.init(path: path, object)
  }

  /// Removes the file, if it still is this pin.
  ///
  /// The kernel has no call that compares and removes at once: what somebody puts there in between goes.
  ///
  /// - Returns: Whether there was a file.
  /// - Throws: `foreignPin`: something else is there by now, and was left as it is; and as ``init(at:)``. unlink(2)
  @discardableResult
  public func remove() throws(BPFError) -> Bool {
    guard let there = try BPFPin(at: path) else { return false }
    guard there == self else {
      throw BPFError(
        .foreignPin,
        "remove pin \"\(path)\": it is \(there.label) by now, not \(label), and was left as it is")
    }
    return try BPFFileSystem.removePin(at: path)
  }

  /// In words, such as `map 12`.
  var label: String { "\(kind.rawValue) \(identifier)" }

  /// What is or is to be pinned at a path.
  init(path: FilePath, _ object: BPFObjectReference) {
    let kind: Kind =
      switch object.kind {
      case .map: .map
      case .program: .program
      case .link: .attachment
      }
    self.init(path: path, kind: kind, identifier: object.identifier)
  }
}
