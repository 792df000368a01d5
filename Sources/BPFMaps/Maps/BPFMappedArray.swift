// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
public import Synchronization
internal import SystemPackage

/// What a mapped array may be used for.
public enum BPFMappedAccess: Sendable, Hashable {
  /// Reading alone; also of maps that the kernel froze.
  case reading
  /// Reading and writing.
  case readingAndWriting
}

extension BPFArrayMap {
  /// Maps the array into this process's memory, where programs and Swift see each other's writes without a system call.
  ///
  /// - Parameter access: What for.
  /// - Returns: The memory. It stays while the value lives, even when the map is gone otherwise.
  /// - Throws: `incompatibleMap` for an array that was not made with ``BPFMapFlags/mappable``; `permissionDenied` for a
  ///   frozen map.
  /// - Requires: Linux 5.5. `mmap`
  public borrowing func mapped(
    for access: BPFMappedAccess = .readingAndWriting
  ) throws(BPFError) -> BPFMappedArray<Value> {
    let info = handle.info
    guard info.creationFlags.contains(.mappable) else {
      throw BPFError(
        .incompatibleMap,
        "map \"\(info.name)\" into memory: it was not made for that; declare it with __uint(map_flags, BPF_F_MMAPABLE), or create it with the flag mappable"
      )
    }
    let length = Int(info.maximumEntryCount) * BPFMapHandle.slotSize(of: Value.self)
    do {
      return BPFMappedArray(
        memory: try SharedMemory(
          of: handle.descriptor.rawValue, length: length, isWritable: access == .readingAndWriting, "\"\(info.name)\""),
        count: count, isWritable: access == .readingAndWriting)
    } catch {
      guard error.errno == .notPermitted, let reason = handle.refusal() else { throw error }
      throw BPFError(.permissionDenied, "map \"\(info.name)\" into memory: \(reason)", errno: error.errno)
    }
  }
}

/// An array's memory, shared with programs: no system call, no copy of the whole.
///
/// What programs write while it is read is read by ``load(_:at:ordering:)`` and written by ``store(_:in:at:ordering:)``
/// and ``add(_:to:at:ordering:)``, on fields of 64 bits, and some on fields of 32 bits: these are single steps for programs and threads alike. The
/// subscript copies a whole element, in which another's write may be half done.
///
/// ```swift
/// let statistics = try object.map("statistics", as: BPFArrayMap<statistic>.self).mapped()
/// let packets = statistics.field(\.packets)
/// let seen = statistics.load(packets, at: 0)
/// ```
///
/// An index that is not below ``count`` is a bug and traps, as with Swift's arrays, and so is writing to an array that was
/// mapped for reading.
public struct BPFMappedArray<Value: BPFValue & BitwiseCopyable>: ~Copyable, Sendable {
  @usableFromInline let memory: SharedMemory
  /// How many elements it has.
  public let count: UInt32
  /// Whether it was mapped for writing.
  public let isWritable: Bool

  init(memory: consuming SharedMemory, count: UInt32, isWritable: Bool) {
    self.memory = memory
    self.count = count
    self.isWritable = isWritable
  }

  /// A field of 64 bits of the elements, to be read and written in one step.
  public struct Field: Sendable {
    @usableFromInline let offset: Int

    @usableFromInline init(offset: Int) { self.offset = offset }
  }

  /// The field behind a key path; made once, it costs nothing where it is used.
  ///
  /// - Parameter path: A stored property. A field that is not stored, or not aligned to 8 bytes, is a bug and traps.
  /// - Returns: The field.
  public borrowing func field(_ path: KeyPath<Value, UInt64>) -> Field {
    guard let offset = MemoryLayout<Value>.offset(of: path), offset.isMultiple(of: 8) else {
      preconditionFailure("\(path) is no stored property aligned to 8 bytes of \(Value.self)")
    }
    return Field(offset: offset)
  }

  /// A field of 32 bits of the elements, to be read and written in one step.
  public struct HalfField: Sendable {
    @usableFromInline let offset: Int

    @usableFromInline init(offset: Int) { self.offset = offset }
  }

  /// The field of 32 bits behind a key path.
  ///
  /// - Parameter path: A stored property. A field that is not stored, or not aligned to 4 bytes, is a bug and traps.
  /// - Returns: The field.
  public borrowing func field(_ path: KeyPath<Value, UInt32>) -> HalfField {
    guard let offset = MemoryLayout<Value>.offset(of: path), offset.isMultiple(of: 4) else {
      preconditionFailure("\(path) is no stored property aligned to 4 bytes of \(Value.self)")
    }
    return HalfField(offset: offset)
  }

  /// Reads a field of 32 bits in one step.
  ///
  /// - Parameters:
  ///   - field: From ``field(_:)``.
  ///   - index: Below ``count``.
  ///   - ordering: Acquiring, where what was written before the field is to be seen.
  /// - Returns: The field's value.
  @inlinable
  public borrowing func load(
    _ field: HalfField, at index: UInt32, ordering: AtomicLoadOrdering = .relaxed
  ) -> UInt32 {
    let atomic = unsafe (address(of: index) + field.offset).assumingMemoryBound(to: Atomic<UInt32>.self)
    return switch ordering {
    case .acquiring: unsafe atomic.pointee.load(ordering: .acquiring)
    case .sequentiallyConsistent: unsafe atomic.pointee.load(ordering: .sequentiallyConsistent)
    default: unsafe atomic.pointee.load(ordering: .relaxed)
    }
  }

  /// Writes a field of 32 bits in one step.
  ///
  /// - Parameters:
  ///   - value: The field's new value.
  ///   - field: From ``field(_:)``.
  ///   - index: Below ``count``.
  ///   - ordering: Releasing, where what was written before is to be seen by who reads the field.
  @inlinable
  public borrowing func store(
    _ value: UInt32, in field: HalfField, at index: UInt32, ordering: AtomicStoreOrdering = .relaxed
  ) {
    precondition(isWritable, "the array was mapped for reading")
    let atomic = unsafe (address(of: index) + field.offset).assumingMemoryBound(to: Atomic<UInt32>.self)
    switch ordering {
    case .releasing: unsafe atomic.pointee.store(value, ordering: .releasing)
    case .sequentiallyConsistent: unsafe atomic.pointee.store(value, ordering: .sequentiallyConsistent)
    default: unsafe atomic.pointee.store(value, ordering: .relaxed)
    }
  }

  /// An element, copied.
  ///
  /// Setting writes the whole of it.
  @inlinable
  public subscript(index: UInt32) -> Value {
    get { unsafe address(of: index).loadUnaligned(as: Value.self) }
    nonmutating set {
      precondition(isWritable, "the array was mapped for reading")
      unsafe withUnsafeBytes(of: newValue) {
        unsafe UnsafeMutableRawBufferPointer(start: address(of: index), count: $0.count).copyMemory(from: $0)
      }
    }
  }

  /// Reads a field in one step.
  ///
  /// - Parameters:
  ///   - field: From ``field(_:)``.
  ///   - index: Below ``count``.
  ///   - ordering: Acquiring, where what was written before the field is to be seen.
  /// - Returns: The field's value.
  @inlinable
  public borrowing func load(
    _ field: Field, at index: UInt32, ordering: AtomicLoadOrdering = .relaxed
  ) -> UInt64 {
    // The ordering is a constant for the atomic type, so that each has its own call.
    let atomic = unsafe atomic(field, index)
    return switch ordering {
    case .acquiring: unsafe atomic.pointee.load(ordering: .acquiring)
    case .sequentiallyConsistent: unsafe atomic.pointee.load(ordering: .sequentiallyConsistent)
    default: unsafe atomic.pointee.load(ordering: .relaxed)
    }
  }

  /// Writes a field in one step.
  ///
  /// - Parameters:
  ///   - value: The field's new value.
  ///   - field: From ``field(_:)``.
  ///   - index: Below ``count``.
  ///   - ordering: Releasing, where what was written before is to be seen by who reads the field.
  @inlinable
  public borrowing func store(
    _ value: UInt64, in field: Field, at index: UInt32, ordering: AtomicStoreOrdering = .relaxed
  ) {
    precondition(isWritable, "the array was mapped for reading")
    let atomic = unsafe atomic(field, index)
    switch ordering {
    case .releasing: unsafe atomic.pointee.store(value, ordering: .releasing)
    case .sequentiallyConsistent: unsafe atomic.pointee.store(value, ordering: .sequentiallyConsistent)
    default: unsafe atomic.pointee.store(value, ordering: .relaxed)
    }
  }

  /// Adds to a field in one step, wrapping around, as `__sync_fetch_and_add` does in programs.
  ///
  /// - Parameters:
  ///   - value: What to add.
  ///   - field: From ``field(_:)``.
  ///   - index: Below ``count``.
  /// - Returns: The field's value before.
  @inlinable @discardableResult
  public borrowing func add(_ value: UInt64, to field: Field, at index: UInt32) -> UInt64 {
    precondition(isWritable, "the array was mapped for reading")
    return unsafe atomic(field, index).pointee.wrappingAdd(value, ordering: .relaxed).oldValue
  }

  @inlinable
  borrowing func address(of index: UInt32) -> UnsafeMutableRawPointer {
    precondition(index < count, "index \(index) of \(count) elements")
    return unsafe memory.start + Int(index) * BPFMapHandle.slotSize(of: Value.self)
  }

  @inlinable
  borrowing func atomic(_ field: Field, _ index: UInt32) -> UnsafeMutablePointer<Atomic<UInt64>> {
    unsafe (address(of: index) + field.offset).assumingMemoryBound(to: Atomic<UInt64>.self)
  }
}

extension BPFMappedArray where Value == UInt64 {
  /// The elements themselves.
  @inlinable
  public borrowing func load(at index: UInt32, ordering: AtomicLoadOrdering = .relaxed) -> UInt64 {
    load(Field(offset: 0), at: index, ordering: ordering)
  }

  /// Writes an element in one step.
  @inlinable
  public borrowing func store(_ value: UInt64, at index: UInt32, ordering: AtomicStoreOrdering = .relaxed) {
    store(value, in: Field(offset: 0), at: index, ordering: ordering)
  }

  /// Adds to an element in one step, wrapping around; the value before.
  @inlinable @discardableResult
  public borrowing func add(_ value: UInt64, at index: UInt32) -> UInt64 {
    add(value, to: Field(offset: 0), at: index)
  }
}
