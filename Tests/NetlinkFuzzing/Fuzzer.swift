// SPDX-License-Identifier: Apache-2.0

internal import NetlinkKit

/// Feeds every decoder of NetlinkKit with messages that are nearly right.
///
/// Nothing but traps and endless loops end a run; what else must not be is in ``Result/complaints``.
public struct Fuzzer {
  /// What a run came to.
  public struct Result: Sendable {
    /// How many messages were made.
    public var messages: UInt64 = 0
    /// How many values were read, by all decoders together.
    public var values: UInt64 = 0
    /// How many messages a decoder refused.
    public var refusals: UInt64 = 0
    /// How many values were written, read again and found the same.
    public var roundTrips: UInt64 = 0
    /// How many values of each decoder.
    public var valuesByDecoder: [String: UInt64] = [:]
    /// What must not be, with the number of the message: a value that cannot be written, or is read as another.
    public var complaints: [String] = []
  }

  /// How many decoders there are.
  public static var decoderCount: Int { ReplyReaders.all.count }

  private let mutator: Mutator
  private let seed: UInt64
  private let writer = MessageWriter()
  /// What came of it so far.
  public private(set) var result = Result()

  /// Prepares a run.
  ///
  /// - Parameters:
  ///   - seeds: messages to begin with; at least one, or it traps.
  ///   - seed: the same number gives the same messages.
  public init(seeds: [[UInt8]], seed: UInt64) {
    mutator = Mutator(seeds)
    self.seed = seed
  }

  /// Message `number` of this run.
  ///
  /// - Parameter number: from 0.
  /// - Returns: Its bytes.
  public func message(_ number: UInt64) -> [UInt8] { mutator.message(number, seed: seed) }

  /// Gives `message` to every decoder.
  ///
  /// - Parameters:
  ///   - message: any bytes.
  ///   - number: what to call it in complaints.
  public mutating func feed(_ message: [UInt8], number: UInt64) {
    result.messages += 1
    // Descriptions take ten times as long as reading.
    let isDescribed = number % 64 == 0
    for decoder in ReplyReaders.all {
      let outcome = decoder.exercise(message, writer: writer, describing: isDescribed)
      result.values += UInt64(outcome.values)
      result.refusals += UInt64(outcome.refusals)
      result.roundTrips += UInt64(outcome.roundTrips)
      if outcome.values > 0 { result.valuesByDecoder[decoder.name, default: 0] += UInt64(outcome.values) }
      if let complaint = outcome.complaint, result.complaints.count < 100 {
        result.complaints.append("message \(number): \(complaint)")
      }
    }
  }
}
