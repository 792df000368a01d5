// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
  /// A value of `type` at `offset`, in the byte order of this machine; nil when it does not fit.
  func load<Value: BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value? {
    let bytes = unsafe span.bytes
    return try? bytes.load(type, at: offset)
  }
}
