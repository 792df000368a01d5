// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem

// The hot paths: one system call on stack copies, no allocation, specialised in the caller's module.
//
// Typed maps check once, when they are made, that the sizes of `Key` and `Value` are the map's; so the kernel reads and
// writes exactly the bytes that are lent here.
extension BPFMapHandle {
  @inlinable
  borrowing func lookUp<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    _ key: Key, as type: Value.Type
  ) throws(BPFError) -> Value? {
    var status: CInt = 0
    let descriptor = descriptor.rawValue
    let value: Value? = unsafe withUnsafeBytes(of: key) { key in
      unsafe withUnsafeTemporaryAllocation(of: Value.self, capacity: 1) { value in
        unsafe status = mapLookUp(descriptor, key.baseAddress, UnsafeMutableRawPointer(value.baseAddress))
        return status == 0 ? unsafe value[0] : nil
      }
    }
    if status == 0 || status == CInt.statusNotFound { return value }
    throw failure("look up a key in", status)
  }

  @inlinable
  borrowing func lookUpAndRemove<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    _ key: Key, as type: Value.Type
  ) throws(BPFError) -> Value? {
    var status: CInt = 0
    let descriptor = descriptor.rawValue
    let value: Value? = unsafe withUnsafeBytes(of: key) { key in
      unsafe withUnsafeTemporaryAllocation(of: Value.self, capacity: 1) { value in
        unsafe status = mapLookUpAndDelete(descriptor, key.baseAddress, UnsafeMutableRawPointer(value.baseAddress))
        return status == 0 ? unsafe value[0] : nil
      }
    }
    if status == 0 || status == CInt.statusNotFound { return value }
    throw takeFailure(status)
  }

  @inlinable
  borrowing func update<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    _ key: Key, _ value: Value, _ mode: BPFUpdateMode
  ) throws(BPFError) {
    let descriptor = descriptor.rawValue
    let status = unsafe withUnsafeBytes(of: key) { key in
      unsafe withUnsafeBytes(of: value) { value in
        unsafe mapUpdate(descriptor, key.baseAddress, value.baseAddress, mode.rawValue)
      }
    }
    if status != 0 { throw failure("update", status) }
  }

  @inlinable
  borrowing func remove<Key: BitwiseCopyable>(_ key: Key) throws(BPFError) -> Bool {
    let descriptor = descriptor.rawValue
    let status = unsafe withUnsafeBytes(of: key) { unsafe mapDelete(descriptor, $0.baseAddress) }
    if status == 0 { return true }
    if status == CInt.statusNotFound { return false }
    throw failure("remove a key from", status)
  }
}

// Maps without keys: queues, stacks and bloom filters.
extension BPFMapHandle {
  /// The value that a call without a key gives; nil: there is none.
  @inlinable
  borrowing func first<Value: BitwiseCopyable>(removing: Bool, as type: Value.Type) throws(BPFError) -> Value? {
    var status: CInt = 0
    let descriptor = descriptor.rawValue
    let value: Value? = unsafe withUnsafeTemporaryAllocation(of: Value.self, capacity: 1) { value in
      let pointer = UnsafeMutableRawPointer(value.baseAddress)
      unsafe status = removing ? mapLookUpAndDelete(descriptor, nil, pointer) : mapLookUp(descriptor, nil, pointer)
      return status == 0 ? unsafe value[0] : nil
    }
    if status == 0 || status == CInt.statusNotFound { return value }
    throw failure(removing ? "take a value from" : "look at a value of", status)
  }

  @inlinable
  borrowing func append<Value: BitwiseCopyable>(_ value: Value, _ mode: BPFUpdateMode) throws(BPFError) {
    let descriptor = descriptor.rawValue
    let status = unsafe withUnsafeBytes(of: value) { value in
      unsafe mapUpdate(descriptor, nil, value.baseAddress, mode.rawValue)
    }
    if status != 0 { throw failure("add a value to", status) }
  }

  /// Whether the map answers for a value, which it gets where other maps are given room for one.
  @inlinable
  borrowing func answers<Value: BitwiseCopyable>(for value: Value) throws(BPFError) -> Bool {
    let descriptor = descriptor.rawValue
    let status = unsafe withUnsafeBytes(of: value) { value in
      unsafe mapLookUp(descriptor, nil, UnsafeMutableRawPointer(mutating: value.baseAddress))
    }
    if status == 0 { return true }
    if status == CInt.statusNotFound { return false }
    throw failure("look for a value in", status)
  }
}
