// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

extension BPFRawMap {
  /// The object that a map of programs or maps is to hold; nil: the map holds values.
  func openObject(_ values: [[UInt8]]) throws(BPFError) -> OpenObject? {
    guard info.kind.holdsIdentifiers, let value = values.first else { return nil }
    let identifier = UInt32(truncatingIfNeeded: value.bits(0, 32))
    return OpenObject(
      info.kind == .programArray
        ? try BPFProgram.descriptor(identifier: identifier) : try BPFMapHandle.descriptor(identifier: identifier))
  }
}

/// A program or map while it is put into another map.
final class OpenObject {
  private let descriptor: OwnedFileDescriptor

  init(_ descriptor: consuming OwnedFileDescriptor) { self.descriptor = descriptor }

  /// What the kernel takes as the value.
  var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: descriptor.rawValue >> (8 * $0)) } }
}

extension BPFMapKind {
  /// Programs or maps: a value is read as an identifier.
  var holdsIdentifiers: Bool { [3, 12, 13].contains(rawValue) }

  /// Whether it has a value for each possible CPU at each key.
  public var hasValuePerCPU: Bool { isPerCPU }
}
