// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem

// A per-CPU value crosses the border as one slot for each possible CPU, each rounded up to 8 bytes.
extension BPFMapHandle {
  /// In bytes.
  @inlinable
  static func slotSize<Value>(of type: Value.Type) -> Int { (MemoryLayout<Value>.size + 7) / 8 * 8 }

  /// Lends room for the values of all CPUs: from the stack up to 64 KiB, so that no look-up allocates.
  @inlinable
  borrowing func withSlots(ofSize slot: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
    let size = slot * slotCount
    // A temporary allocation of a constant size is on the stack; of another size, only where that is known to be safe.
    if size <= 1024 {
      unsafe withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) {
        unsafe body(UnsafeMutableRawBufferPointer(rebasing: $0[..<size]))
      }
    } else {
      unsafe withManySlots(size, body)
    }
  }

  /// Reads the slots of a key and calls `body` with them; false: there is no such key.
  @inlinable
  borrowing func withSlots<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    of key: Key, as type: Value.Type, removing: Bool = false, _ body: (UnsafeMutableRawBufferPointer) -> Void
  ) throws(BPFError) -> Bool {
    let slot = Self.slotSize(of: Value.self)
    guard slotCount > 0, MemoryLayout<Value>.stride <= slot else { throw slotFailure() }
    let descriptor = descriptor.rawValue
    var status: CInt = 0
    unsafe withSlots(ofSize: slot) { slots in
      unsafe status = withUnsafeBytes(of: key) { key in
        unsafe removing
          ? mapLookUpAndDelete(descriptor, key.baseAddress, slots.baseAddress)
          : mapLookUp(descriptor, key.baseAddress, slots.baseAddress)
      }
      if status == 0 { unsafe body(slots) }
    }
    if status == 0 { return true }
    if status == CInt.statusNotFound { return false }
    throw removing ? takeFailure(status) : failure("look up a key in", status)
  }

  /// Calls `body` with the values of all CPUs at a key; nil: there is no such key.
  @inlinable
  borrowing func withElements<Key: BitwiseCopyable, Value: BitwiseCopyable, Result>(
    of key: Key, as type: Value.Type, removing: Bool = false, _ body: (Span<Value>) -> Result
  ) throws(BPFError) -> Result? {
    var result: Result?
    _ = try unsafe withSlots(of: key, as: Value.self, removing: removing) { slots in
      let elements = unsafe Self.elements(of: slots, as: Value.self)
      unsafe result = body(elements.span)
    }
    return result
  }

  /// Writes one slot for each CPU, which `value` gives.
  @inlinable
  borrowing func updateSlots<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    _ key: Key, count: Int, _ mode: BPFUpdateMode, _ value: (Int) -> Value
  ) throws(BPFError) {
    let slot = Self.slotSize(of: Value.self)
    guard slotCount > 0, count == slotCount else { throw slotFailure(given: count) }
    let descriptor = descriptor.rawValue
    var status: CInt = 0
    unsafe withSlots(ofSize: slot) { slots in
      // What lies between the values must not say what was on the stack before.
      if slot != MemoryLayout<Value>.size { unsafe slots.initializeMemory(as: UInt8.self, repeating: 0) }
      for cpu in 0..<count {
        unsafe withUnsafeBytes(of: value(cpu)) { value in
          unsafe UnsafeMutableRawBufferPointer(rebasing: slots[(cpu * slot)...]).copyMemory(from: value)
        }
      }
      unsafe status = withUnsafeBytes(of: key) { key in
        unsafe mapUpdate(descriptor, key.baseAddress, slots.baseAddress, mode.rawValue)
      }
    }
    if status != 0 { throw failure("update", status) }
  }

  /// Moves the slots together to where Swift expects the elements of a span.
  @inlinable
  static func elements<Value: BitwiseCopyable>(
    of slots: UnsafeMutableRawBufferPointer, as type: Value.Type
  ) -> UnsafeBufferPointer<Value> {
    let (slot, stride) = (slotSize(of: Value.self), MemoryLayout<Value>.stride)
    let count = slots.count / slot
    guard let start = slots.baseAddress, count > 0 else { return unsafe UnsafeBufferPointer(start: nil, count: 0) }
    if slot != stride {
      for cpu in 1..<max(count, 1) {
        unsafe (start + cpu * stride).copyMemory(from: start + cpu * slot, byteCount: MemoryLayout<Value>.size)
      }
    }
    return unsafe UnsafeBufferPointer(start: UnsafePointer(start.assumingMemoryBound(to: Value.self)), count: count)
  }

  /// The values of one CPU after the other.
  @inlinable
  static func value<Value: BitwiseCopyable>(
    ofCPU cpu: Int, in slots: UnsafeMutableRawBufferPointer, as type: Value.Type
  ) -> Value {
    unsafe slots.loadUnaligned(fromByteOffset: cpu * slotSize(of: Value.self), as: Value.self)
  }

  @usableFromInline @inline(never)
  borrowing func withManySlots(_ size: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
    if size <= 65_536 {
      unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) {
        unsafe body(UnsafeMutableRawBufferPointer(rebasing: $0[..<size]))
      }
    } else {
      let slots = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
      unsafe body(slots)
      unsafe slots.deallocate()
    }
  }

  @usableFromInline @inline(never)
  borrowing func slotFailure(given count: Int? = nil) -> BPFError {
    if slotCount == 0 {
      return BPFError(
        .notSupported,
        "use per-CPU map \"\(info.name)\": /sys/devices/system/cpu/possible cannot be read; mount sysfs on /sys")
    }
    if let count, count != slotCount {
      return BPFError(
        .invalidArgument,
        "update map \"\(info.name)\": \(count) values for \(slotCount) possible CPUs; give one for each")
    }
    return BPFError(
      .invalidArgument,
      "use per-CPU map \"\(info.name)\": its Swift value is aligned to more than the 8 bytes that the kernel aligns to")
  }
}
