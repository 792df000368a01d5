// SPDX-License-Identifier: Apache-2.0

/// What passed through a link since it was created (`struct rtnl_link_stats64`).
///
/// Which counters a driver keeps is its own affair; those that it does not keep are 0.
public struct LinkStatistics: Sendable, Hashable {
  /// One direction's counters.
  public struct Direction: Sendable, Hashable {
    /// Packets that passed.
    public var packets: UInt64 = 0
    /// Bytes that passed.
    public var bytes: UInt64 = 0
    /// Packets that were broken.
    public var errors: UInt64 = 0
    /// Packets that were dropped for want of space.
    public var dropped: UInt64 = 0
    /// Compressed packets (SLIP, PPP).
    public var compressed: UInt64 = 0
  }

  /// What was wrong with packets that arrived; most of it is counted in ``Direction/errors`` as well.
  public struct ReceiveErrors: Sendable, Hashable {
    /// Of a wrong length (`rx_length_errors`).
    public var length: UInt64 = 0
    /// Larger than the receiver's buffer (`rx_over_errors`).
    public var over: UInt64 = 0
    /// With a wrong checksum of the link layer (`rx_crc_errors`).
    public var crc: UInt64 = 0
    /// Misaligned (`rx_frame_errors`).
    public var frame: UInt64 = 0
    /// Lost because the device's queue was full (`rx_fifo_errors`).
    public var fifo: UInt64 = 0
    /// Lost because the host had no buffers for them (`rx_missed_errors`).
    public var missed: UInt64 = 0
  }

  /// What went wrong with packets on their way out; counted in ``Direction/errors`` as well.
  public struct TransmitErrors: Sendable, Hashable {
    /// Given up by the device (`tx_aborted_errors`).
    public var aborted: UInt64 = 0
    /// Lost with the carrier (`tx_carrier_errors`).
    public var carrier: UInt64 = 0
    /// Cut short because the device's queue ran empty (`tx_fifo_errors`).
    public var fifo: UInt64 = 0
    /// Without the heartbeat of old Ethernet (`tx_heartbeat_errors`).
    public var heartbeat: UInt64 = 0
    /// Collided late (`tx_window_errors`).
    public var window: UInt64 = 0
  }

  /// Towards this machine.
  public var received = Direction()
  /// Away from it.
  public var transmitted = Direction()
  /// Multicast packets that arrived.
  public var multicast: UInt64 = 0
  /// Collisions while sending.
  public var collisions: UInt64 = 0
  /// What was wrong with packets that arrived.
  public var receiveErrors = ReceiveErrors()
  /// What went wrong with packets on their way out.
  public var transmitErrors = TransmitErrors()
  /// Packets that arrived on a link that takes none, such as an inactive port of a bond (`rx_nohandler`).
  public var unhandled: UInt64 = 0
  /// Packets that arrived and were for another host (`rx_otherhost_dropped`).
  public var otherHostDropped: UInt64 = 0
  /// Counters that a newer kernel appended, in its order.
  public var newerCounters: [UInt64] = []

  /// How many counters the kernel sent: fewer than this module knows, or more.
  var count = LinkStatistics.known

  /// How many counters this module has names for.
  static let known = 25
}
