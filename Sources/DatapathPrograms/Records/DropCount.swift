// SPDX-License-Identifier: Apache-2.0

import CDatapathABI

/// How much was dropped for one reason, on all processors together.
public struct DropCount: Hashable, Sendable {
  /// Packets dropped.
  ///
  /// A packet that the kernel has yet to segment counts once.
  public var packets: UInt64
  /// Their length in bytes, link headers included.
  public var bytes: UInt64

  /// Makes a count.
  ///
  /// - Parameters:
  ///   - packets: Packets dropped.
  ///   - bytes: Their length in bytes.
  public init(packets: UInt64 = 0, bytes: UInt64 = 0) {
    self.packets = packets
    self.bytes = bytes
  }

  /// Adds up what each processor counted.
  init(summing counters: some Sequence<drop_counter>) {
    self.init()
    for counter in counters {
      packets &+= counter.packets
      bytes &+= counter.bytes
    }
  }
}
