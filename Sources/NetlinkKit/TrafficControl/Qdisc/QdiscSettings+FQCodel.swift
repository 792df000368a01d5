// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension QdiscSettings {
  /// Settings of `fq_codel` (`TCA_FQ_CODEL_...`).
  ///
  /// The kernel counts in units of 1024 ns, so a time that was set is read back up to 1 µs less.
  ///
  /// - Requires: Linux 3.5; each setting says when it needs more.
  public struct FQCodel: Sendable, Hashable {
    /// How many packets wait at most.
    public var limit: UInt32?
    /// How many flows are told apart, 1...65536; fixed once it is made.
    public var flows: UInt32?
    /// How long packets should wait at most, in microseconds on the wire.
    public var target: Duration?
    /// How long they may wait longer before one is dropped, in microseconds on the wire.
    public var interval: Duration?
    /// How many bytes a flow may send in its turn, at least 256.
    public var quantum: UInt32?
    /// Whether packets are marked, where they can be, and not dropped.
    public var marksCongestion: Bool?
    /// Packets that waited longer are marked whatever else (`ce_threshold`), in microseconds on the wire; nil for never.
    ///
    /// - Requires: Linux 4.1.
    public var markThreshold: Duration?
    /// How many packets of the largest flow are dropped at once when there is no more room, 1...65535.
    ///
    /// - Requires: Linux 4.8.
    public var dropBatchSize: UInt32?
    /// How many bytes of memory the packets may take, up to 2³¹.
    ///
    /// - Requires: Linux 4.8.
    public var memoryLimit: UInt32?
    /// Which packets ``markThreshold`` is for: those whose DS field has this value under ``markMask``.
    ///
    /// - Requires: Linux 5.16.
    public var markSelector: UInt8?
    /// Which bits of the DS field ``markSelector`` is compared with; 0 for all packets.
    ///
    /// - Requires: Linux 5.16.
    public var markMask: UInt8?

    /// Leaves all to the kernel; set what you want otherwise.
    public init() {}
  }
}

extension QdiscSettings.FQCodel {
  init(_ options: Attribute?, in datagram: RawSpan, rest: inout RawAttributes) throws(WireError) {
    guard let options else { return }
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_FQ_CODEL_LIMIT): limit = try datagram.value(attribute)
      case Int(TCA_FQ_CODEL_FLOWS): flows = try datagram.value(attribute)
      case Int(TCA_FQ_CODEL_TARGET): target = try datagram.microseconds(attribute)
      case Int(TCA_FQ_CODEL_INTERVAL): interval = try datagram.microseconds(attribute)
      case Int(TCA_FQ_CODEL_QUANTUM): quantum = try datagram.value(attribute)
      case Int(TCA_FQ_CODEL_ECN): marksCongestion = try datagram.flag32(attribute, rest: &rest)
      case Int(TCA_FQ_CODEL_CE_THRESHOLD): markThreshold = try datagram.microseconds(attribute)
      case Int(TCA_FQ_CODEL_DROP_BATCH_SIZE): dropBatchSize = try datagram.value(attribute)
      case Int(TCA_FQ_CODEL_MEMORY_LIMIT): memoryLimit = try datagram.value(attribute)
      case Int(TCA_FQ_CODEL_CE_THRESHOLD_SELECTOR): markSelector = try datagram.value(attribute)
      case Int(TCA_FQ_CODEL_CE_THRESHOLD_MASK): markMask = try datagram.value(attribute)
      default: try rest.append(attribute, from: datagram)
      }
    }
  }

  func encode(into writer: MessageWriter) {
    let words: [(type: Int, value: UInt32?)] = [
      (Int(TCA_FQ_CODEL_LIMIT), limit), (Int(TCA_FQ_CODEL_FLOWS), flows),
      (Int(TCA_FQ_CODEL_TARGET), target?.microseconds32), (Int(TCA_FQ_CODEL_INTERVAL), interval?.microseconds32),
      (Int(TCA_FQ_CODEL_QUANTUM), quantum), (Int(TCA_FQ_CODEL_ECN), marksCongestion.map { $0 ? 1 : 0 }),
      (Int(TCA_FQ_CODEL_CE_THRESHOLD), markThreshold?.microseconds32),
      (Int(TCA_FQ_CODEL_DROP_BATCH_SIZE), dropBatchSize), (Int(TCA_FQ_CODEL_MEMORY_LIMIT), memoryLimit),
    ]
    for (type, value) in words { if let value { writer.put(type, value) } }
    if let markSelector { writer.put(Int(TCA_FQ_CODEL_CE_THRESHOLD_SELECTOR), markSelector) }
    if let markMask { writer.put(Int(TCA_FQ_CODEL_CE_THRESHOLD_MASK), markMask) }
  }

  var objection: String? {
    target?.objection("the target") ?? interval?.objection("the interval")
      ?? markThreshold?.objection("the mark threshold")
  }
}
