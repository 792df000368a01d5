// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf

/// What a traffic control program finds around the packet. `struct __sk_buff`
public struct SocketBufferContext: Sendable, Hashable {
  /// The packet's mark.
  public var mark: UInt32
  /// The packet's priority.
  public var priority: UInt32
  /// Scratch words that programs on one hook share, `cb[0]` to `cb[4]`.
  ///
  /// At most five; missing ones are 0.
  public var controlBlock: [UInt32]
  /// The interface that the packet is on; 0 and 1 mean loopback.
  ///
  /// It must exist in the calling thread's namespace.
  public var interface: UInt32
  /// The interface that received the packet.
  public var ingressInterface: UInt32
  /// Bytes on the wire; 0: as many as the packet has.
  public var wireLength: UInt32

  /// When it arrived or is to leave, in nanoseconds.
  public var timestamp: UInt64 = 0
  /// When the network card saw it, in nanoseconds.
  public var hardwareTimestamp: UInt64 = 0
  /// How many segments it stands for, where the network card cuts it.
  public var segmentCount: UInt32 = 0
  /// How many bytes each of them has.
  public var segmentSize: UInt32 = 0

  /// A context; everything is zero unless given.
  ///
  /// Timestamps and segments are set afterwards.
  public init(
    mark: UInt32 = 0, priority: UInt32 = 0, controlBlock: [UInt32] = [], interface: UInt32 = 0,
    ingressInterface: UInt32 = 0, wireLength: UInt32 = 0
  ) {
    self.mark = mark
    self.priority = priority
    self.controlBlock = controlBlock
    self.interface = interface
    self.ingressInterface = ingressInterface
    self.wireLength = wireLength
  }

  init(_ raw: __sk_buff) {
    let words = unsafe raw.cb
    unsafe self.init(
      mark: raw.mark, priority: raw.priority, controlBlock: [words.0, words.1, words.2, words.3, words.4],
      interface: raw.ifindex, ingressInterface: raw.ingress_ifindex, wireLength: raw.wire_len)
    timestamp = unsafe raw.tstamp
    hardwareTimestamp = unsafe raw.hwtstamp
    segmentCount = unsafe raw.gso_segs
    segmentSize = unsafe raw.gso_size
  }

  func write(to raw: inout __sk_buff) {
    unsafe raw.mark = mark
    unsafe raw.priority = priority
    unsafe raw.ifindex = interface
    unsafe raw.ingress_ifindex = ingressInterface
    unsafe raw.wire_len = wireLength
    unsafe raw.tstamp = timestamp
    unsafe raw.hwtstamp = hardwareTimestamp
    unsafe raw.gso_segs = segmentCount
    unsafe raw.gso_size = segmentSize
    func word(_ index: Int) -> UInt32 { index < controlBlock.count ? controlBlock[index] : 0 }
    unsafe raw.cb = (word(0), word(1), word(2), word(3), word(4))
  }
}
