// SPDX-License-Identifier: Apache-2.0

/// A key's bytes, to remember which keys an iteration has seen.
struct KeyBytes: Hashable {
  private let bytes: [UInt8]

  init(_ key: UnsafeRawBufferPointer) {
    bytes = unsafe Array(key)
  }
}
