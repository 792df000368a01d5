// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf

extension BPFProgram {
  /// Runs the program once on a packet that nobody sent, for its return value alone.
  ///
  /// What ``test(packet:context:repeat:)`` also gives, the packet and the context afterwards, is not fetched: this is for
  /// many packets, one after the other, and allocates nothing.
  ///
  /// - Parameters:
  ///   - packet: From the Ethernet header on, at least 14 bytes.
  ///   - word: What the program finds in `skb->cb[0]`, for traffic control programs; nil: no context is given.
  /// - Returns: What the program returned, such as `TC_ACT_OK` (0) or `TC_ACT_SHOT` (2).
  /// - Throws: As ``test(packet:context:repeat:)``.
  /// - Requires: CAP_NET_ADMIN and CAP_BPF. `BPF_PROG_TEST_RUN`
  public borrowing func verdict(onPacket packet: [UInt8], controlBlock word: UInt32? = nil) throws(BPFError) -> Int32 {
    let descriptor = descriptor
    var status: CInt = 0
    var result: UInt32 = 0
    // Signals come in between.
    for _ in 0..<8 {
      (status, result) = unsafe packet.withUnsafeBytes { bytes in
        unsafe withZeroed(__sk_buff.self) { context in
          unsafe context.cb.0 = word ?? 0
          return unsafe withUnsafePointer(to: &context) { context in
            unsafe withZeroed(bpf_test_run_opts.self) { options in
              unsafe options.sz = unsafe MemoryLayout<bpf_test_run_opts>.size
              unsafe options.data_in = bytes.baseAddress
              unsafe options.data_size_in = UInt32(clamping: bytes.count)
              if word != nil {
                unsafe options.ctx_in = UnsafeRawPointer(context)
                unsafe options.ctx_size_in = UInt32(MemoryLayout<__sk_buff>.size)
              }
              unsafe options.`repeat` = 1
              let status = unsafe bpf_prog_test_run_opts(descriptor, &options)
              return unsafe (status, options.retval)
            }
          }
        }
      }
      if status != -4 && status != -11 { break }
    }
    if status != 0 { try check(status, "test-run program \"\(name)\" on \(packet.count) bytes") }
    return Int32(bitPattern: result)
  }
}
