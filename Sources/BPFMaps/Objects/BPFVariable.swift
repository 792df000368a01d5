// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A global variable of a loaded object, shared with its programs: reading and writing are memory accesses, not calls.
///
/// ```swift
/// let hits = try object.variable("hits", as: UInt64.self)
/// print(hits.value)
/// try hits.setValue(0)
/// ```
///
/// Values of 1, 2, 4 and 8 bytes are read and written whole. Larger ones are copied, and may be half of one write and half
/// of another. It keeps the memory, and may outlive the object.
public struct BPFVariable<Value: BitwiseCopyable & Sendable>: Sendable {
  private let section: MappedSection
  private let offset: Int
  /// The C variable.
  public let name: String

  init(_ name: String, at offset: Int, of section: MappedSection) {
    self.name = name
    self.offset = offset
    self.section = section
  }

  /// What it has now.
  public var value: Value { section.load(offset, as: Value.self) }

  /// Writes it.
  ///
  /// - Throws: `permissionDenied` for a constant: the kernel froze it when the object was loaded.
  public func setValue(_ value: Value) throws(BPFError) {
    guard section.isWritable else {
      throw BPFError(
        .permissionDenied,
        "write variable \"\(name)\": it is a constant, which is set before loading (setConstant)")
    }
    section.store(value, offset)
  }
}

extension BPFVariable where Value == UInt64 {
  /// Adds to it in one step, and wraps around; programs that add with `__sync_fetch_and_add` lose nothing.
  ///
  /// - Returns: The sum.
  /// - Throws: As ``setValue(_:)``.
  @discardableResult
  public func add(_ number: UInt64) throws(BPFError) -> UInt64 {
    guard section.isWritable else {
      try setValue(number)
      return number
    }
    return section.add(number, offset)
  }
}

/// A data section's memory.
@safe final class MappedSection: Sendable {
  private let memory: SharedMemory
  let isWritable: Bool

  init(_ memory: consuming SharedMemory, isWritable: Bool) {
    self.memory = memory
    self.isWritable = isWritable
  }

  func load<Value: BitwiseCopyable>(_ offset: Int, as type: Value.Type) -> Value {
    let place = unsafe memory.start + offset
    func read<Bits: AtomicRepresentable & BitwiseCopyable>(_ bits: Bits) -> Value {
      unsafe withUnsafeBytes(of: bits) { unsafe $0.loadUnaligned(as: Value.self) }
    }
    switch MemoryLayout<Value>.size {
    case 1: return read(unsafe atomic(place, UInt8.self).pointee.load(ordering: .relaxed))
    case 2 where offset % 2 == 0: return read(unsafe atomic(place, UInt16.self).pointee.load(ordering: .relaxed))
    case 4 where offset % 4 == 0: return read(unsafe atomic(place, UInt32.self).pointee.load(ordering: .acquiring))
    case 8 where offset % 8 == 0: return read(unsafe atomic(place, UInt64.self).pointee.load(ordering: .acquiring))
    default: return unsafe place.loadUnaligned(as: Value.self)
    }
  }

  func store<Value: BitwiseCopyable>(_ value: Value, _ offset: Int) {
    let place = unsafe memory.start + offset
    func bits<Bits: BitwiseCopyable>(_ type: Bits.Type) -> Bits {
      unsafe withUnsafeBytes(of: value) { unsafe $0.loadUnaligned(as: Bits.self) }
    }
    switch MemoryLayout<Value>.size {
    case 1: unsafe atomic(place, UInt8.self).pointee.store(bits(UInt8.self), ordering: .relaxed)
    case 2 where offset % 2 == 0:
      unsafe atomic(place, UInt16.self).pointee.store(bits(UInt16.self), ordering: .relaxed)
    case 4 where offset % 4 == 0:
      unsafe atomic(place, UInt32.self).pointee.store(bits(UInt32.self), ordering: .releasing)
    case 8 where offset % 8 == 0:
      unsafe atomic(place, UInt64.self).pointee.store(bits(UInt64.self), ordering: .releasing)
    default: unsafe place.storeBytes(of: value, as: Value.self)
    }
  }

  /// Clang aligns a variable of 8 bytes.
  func add(_ number: UInt64, _ offset: Int) -> UInt64 {
    unsafe atomic(memory.start + offset, UInt64.self).pointee.wrappingAdd(number, ordering: .relaxed).newValue
  }

  /// An `Atomic` is its value's memory, nothing else.
  private func atomic<Bits: AtomicRepresentable>(
    _ place: UnsafeMutableRawPointer, _ type: Bits.Type
  ) -> UnsafeMutablePointer<Atomic<Bits>> {
    unsafe place.assumingMemoryBound(to: Atomic<Bits>.self)
  }
}
