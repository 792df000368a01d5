// SPDX-License-Identifier: Apache-2.0

/// What TCP knows of a connection (`struct tcp_info`).
///
/// The struct grows with the kernel. It is kept as it came, and what it is too short for is nil. Times are exact to a
/// microsecond.
public struct TCPInformation: Sendable, Hashable {
  /// The struct as the kernel sent it, integers in the byte order of the machine.
  public let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// How long a packet and its acknowledgement take, smoothed (`tcpi_rtt`).
  public var roundTripTime: Duration? { microseconds(at: 68) }
  /// How much ``roundTripTime`` varies (`tcpi_rttvar`).
  public var roundTripTimeVariation: Duration? { microseconds(at: 72) }
  /// The shortest round trip of late (`tcpi_min_rtt`); nil also when none was measured.
  public var minimumRoundTripTime: Duration? {
    word(at: 148).flatMap { $0 == .max ? nil : .microseconds(Int64($0)) }
  }
  /// How long to wait for an acknowledgement before something is sent again (`tcpi_rto`).
  public var retransmissionTimeout: Duration? { microseconds(at: 8) }
  /// How many segments may be on the way (`tcpi_snd_cwnd`).
  public var congestionWindow: UInt32? { word(at: 80) }
  /// Up to where ``congestionWindow`` grows fast (`tcpi_snd_ssthresh`), in segments; nil also when it was never set.
  public var slowStartThreshold: UInt32? { word(at: 76).flatMap { $0 >= 0x7fff_ffff ? nil : $0 } }
  /// The largest segment it sends, in bytes (`tcpi_snd_mss`).
  public var sendSegmentSize: UInt32? { word(at: 16) }
  /// The largest segment it expects, in bytes (`tcpi_rcv_mss`).
  public var receiveSegmentSize: UInt32? { word(at: 20) }
  /// The largest packet that the path carries, in bytes (`tcpi_pmtu`).
  public var pathMTU: UInt32? { word(at: 60) }
  /// How often the segment that waits was sent again without an answer (`tcpi_retransmits`).
  public var unansweredRetransmissions: UInt8? { byte(at: 2) }
  /// How often a peer without room was asked without an answer (`tcpi_probes`).
  public var unansweredProbes: UInt8? { byte(at: 3) }
  /// Segments on the way (`tcpi_unacked`).
  public var unacknowledgedSegments: UInt32? { word(at: 24) }
  /// Segments believed lost (`tcpi_lost`).
  public var lostSegments: UInt32? { word(at: 32) }
  /// Segments on the way for a second time (`tcpi_retrans`).
  public var retransmittedSegments: UInt32? { word(at: 36) }
  /// Segments that were sent again, ever (`tcpi_total_retrans`).
  public var totalRetransmissions: UInt32? { word(at: 100) }
  /// Since when nothing was sent (`tcpi_last_data_sent`), exact to a millisecond.
  public var timeSinceDataSent: Duration? { word(at: 44).map { .milliseconds(Int64($0)) } }
  /// Since when nothing was received (`tcpi_last_data_recv`), exact to a millisecond.
  public var timeSinceDataReceived: Duration? { word(at: 52).map { .milliseconds(Int64($0)) } }
  /// Since when nothing was acknowledged by the peer (`tcpi_last_ack_recv`), exact to a millisecond.
  public var timeSinceAcknowledgement: Duration? { word(at: 56).map { .milliseconds(Int64($0)) } }
  /// How fast it sends, in bytes per second (`tcpi_pacing_rate`); nil also when it is not limited.
  public var pacingRate: UInt64? { long(at: 104).flatMap { $0 == .max ? nil : $0 } }
  /// How fast data arrived at the peer, in bytes per second (`tcpi_delivery_rate`).
  public var deliveryRate: UInt64? { long(at: 160) }
  /// Whether ``deliveryRate`` says more about the program than about the path.
  public var isDeliveryRateLimitedByProgram: Bool? { byte(at: 7).map { $0 & 1 != 0 } }
  /// Bytes that the peer acknowledged (`tcpi_bytes_acked`).
  public var bytesAcknowledged: UInt64? { long(at: 120) }
  /// Bytes received (`tcpi_bytes_received`).
  public var bytesReceived: UInt64? { long(at: 128) }
  /// Bytes sent, those sent again included (`tcpi_bytes_sent`).
  public var bytesSent: UInt64? { long(at: 200) }
  /// Bytes sent again (`tcpi_bytes_retrans`).
  public var bytesRetransmitted: UInt64? { long(at: 208) }
  /// Bytes written and not sent yet (`tcpi_notsent_bytes`).
  public var unsentBytes: UInt32? { word(at: 144) }
  /// Segments sent (`tcpi_segs_out`).
  public var segmentsSent: UInt32? { word(at: 136) }
  /// Segments received (`tcpi_segs_in`).
  public var segmentsReceived: UInt32? { word(at: 140) }
  /// Packets that arrived at the peer (`tcpi_delivered`).
  public var deliveredPackets: UInt32? { word(at: 192) }
  /// How much the peer has room for, in bytes (`tcpi_snd_wnd`).
  public var sendWindow: UInt32? { word(at: 228) }

  private func byte(at offset: Int) -> UInt8? { load(offset) }
  private func word(at offset: Int) -> UInt32? { load(offset) }
  private func long(at offset: Int) -> UInt64? { load(offset) }
  private func microseconds(at offset: Int) -> Duration? { word(at: offset).map { .microseconds(Int64($0)) } }

  private func load<Value: BitwiseCopyable>(_ offset: Int) -> Value? { bytes.load(Value.self, at: offset) }
}
