// SPDX-License-Identifier: Apache-2.0

/// The buffers of a socket (`INET_DIAG_SKMEMINFO`), in bytes unless said otherwise.
public struct SocketMemory: Sendable, Hashable {
  /// Taken by what was received and not read.
  public var receiveAllocated: UInt32
  /// How much may be received and not read (`SO_RCVBUF`).
  public var receiveLimit: UInt32
  /// Taken by what was handed to the layers below.
  public var sendAllocated: UInt32
  /// How much may be sent and not acknowledged (`SO_SNDBUF`).
  public var sendLimit: UInt32
  /// Set aside and not taken.
  public var forwardAllocated: UInt32
  /// Taken by what was written and not acknowledged.
  public var sendQueued: UInt32
  /// Taken by options and filters.
  public var options: UInt32
  /// Received while the owner held the socket.
  public var backlog: UInt32
  /// Packets that were dropped because there was no room.
  public var drops: UInt32

  static let width = 36

  /// Reads the array; its width was checked.
  init(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) {
    let start = attribute.payload.lowerBound
    receiveAllocated = try datagram.load(UInt32.self, at: start)
    receiveLimit = try datagram.load(UInt32.self, at: start + 4)
    sendAllocated = try datagram.load(UInt32.self, at: start + 8)
    sendLimit = try datagram.load(UInt32.self, at: start + 12)
    forwardAllocated = try datagram.load(UInt32.self, at: start + 16)
    sendQueued = try datagram.load(UInt32.self, at: start + 20)
    options = try datagram.load(UInt32.self, at: start + 24)
    backlog = try datagram.load(UInt32.self, at: start + 28)
    drops = try datagram.load(UInt32.self, at: start + 32)
  }

  func encode(as type: Int, into writer: MessageWriter) {
    writer.put(
      type,
      values: [
        receiveAllocated, receiveLimit, sendAllocated, sendLimit, forwardAllocated, sendQueued, options, backlog, drops,
      ])
  }
}
