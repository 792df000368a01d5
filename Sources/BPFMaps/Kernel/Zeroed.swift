// SPDX-License-Identifier: Apache-2.0

/// Lends a C struct whose every byte is zero, padding included.
///
/// libbpf refuses option structs with a byte other than zero behind the last field it knows ("has non-zero extra
/// bytes"), and the initializer that Swift imports leaves padding as it was.
func withZeroed<Struct, Result>(_ type: Struct.Type, _ body: (inout Struct) -> Result) -> Result {
  unsafe withUnsafeTemporaryAllocation(
    byteCount: MemoryLayout<Struct>.stride, alignment: MemoryLayout<Struct>.alignment
  ) {
    bytes in
    unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
    let typed = unsafe bytes.assumingMemoryBound(to: Struct.self)
    return unsafe body(&typed[0])
  }
}
