// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

// A per-CPU value crosses the border as one slot for each possible CPU, each rounded up to 8 bytes.
extension BPFMapHandle {
  borrowing func lookUpPerCPU<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    _ key: Key, as type: Value.Type
  ) throws(BPFError) -> [Value]? {
    let slot = Self.slotSize(of: Value.self)
    let cpus = try slotCount()
    var status: CInt = 0
    let values: [Value] = unsafe withUnsafeTemporaryAllocation(byteCount: slot * cpus, alignment: 16) { bytes in
      status = unsafe withUnsafeBytes(of: key) { key in
        unsafe mapLookUp(descriptor.rawValue, key.baseAddress, bytes.baseAddress)
      }
      guard status == 0 else { return [] }
      return (0..<cpus).map { unsafe bytes.loadUnaligned(fromByteOffset: $0 * slot, as: Value.self) }
    }
    if status == 0 { return values }
    if status == CInt.statusNotFound { return nil }
    throw failure("look up a key in", status)
  }

  borrowing func updatePerCPU<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    _ key: Key, _ values: [Value], _ mode: BPFUpdateMode
  ) throws(BPFError) {
    let slot = Self.slotSize(of: Value.self)
    let cpus = try slotCount()
    guard values.count == cpus else {
      throw BPFError(
        .invalidArgument,
        "update map \"\(info.name)\": \(values.count) values for \(cpus) possible CPUs; give one for each")
    }
    let status = unsafe withUnsafeTemporaryAllocation(byteCount: slot * cpus, alignment: 16) { bytes in
      unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
      for (cpu, value) in values.enumerated() {
        unsafe bytes.storeBytes(of: value, toByteOffset: cpu * slot, as: Value.self)
      }
      return unsafe withUnsafeBytes(of: key) { key in
        unsafe mapUpdate(descriptor.rawValue, key.baseAddress, bytes.baseAddress, mode.rawValue)
      }
    }
    if status != 0 { throw failure("update", status) }
  }

  private borrowing func slotCount() throws(BPFError) -> Int {
    guard let count = possibleCPUCount() else {
      throw BPFError(
        .notSupported,
        "use per-CPU map \"\(info.name)\": /sys/devices/system/cpu/possible cannot be read; mount sysfs on /sys")
    }
    return count
  }

  private static func slotSize<Value>(of type: Value.Type) -> Int { (MemoryLayout<Value>.size + 7) / 8 * 8 }
}
