// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension QdiscSettings {
  /// Settings of `htb` (`TCA_HTB_...`); the rates are those of its classes (``ClassSettings/HTB``).
  public struct HTB: Sendable, Hashable {
    /// The minor number of the class for packets that no filter sends elsewhere; 0 to send them without limit.
    public var defaultClass: UInt32
    /// A class without a quantum of its own may send its rate in bytes divided by this in its turn (`r2q`).
    public var rateToQuantum: UInt32
    /// How many packets wait at most that belong to no class; nil for the device's queue length.
    public var directQueueLength: UInt32?
    /// Whether the device does the work (`TCA_HTB_OFFLOAD`).
    ///
    /// - Requires: Linux 5.13 to ask for it, and a device that can.
    public var isOffloaded: Bool
    /// The version of the kernel's implementation, such as `0x30011`; not sent.
    public var version: UInt32?
    /// How many packets were sent that belong to no class; not sent.
    public var directPackets: UInt32 = 0
    /// Flags for debugging, which the kernel has no use for; not sent.
    var debug: UInt32 = 0

    /// Describes a tree.
    ///
    /// - Parameters:
    ///   - defaultClass: the minor number of the class for packets that no filter sends elsewhere; 0 for no limit.
    ///   - rateToQuantum: by what the rate of a class is divided for its quantum.
    ///   - directQueueLength: how many packets wait at most that belong to no class; nil for the device's queue length.
    ///   - isOffloaded: whether the device does the work.
    public init(
      defaultClass: UInt32 = 0, rateToQuantum: UInt32 = 10, directQueueLength: UInt32? = nil, isOffloaded: Bool = false
    ) {
      self.defaultClass = defaultClass
      self.rateToQuantum = rateToQuantum
      self.directQueueLength = directQueueLength
      self.isOffloaded = isOffloaded
    }
  }
}

extension QdiscSettings.HTB {
  /// What `tc` sends as its version, and the kernel compares (`TC_HTB_PROTOVER`).
  private static let protocolVersion: UInt32 = 3

  init?(_ options: Attribute?, in datagram: RawSpan, rest: inout RawAttributes) throws(WireError) {
    guard let options else { return nil }
    self.init()
    var isComplete = false
    var others = RawAttributes()
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_HTB_INIT):
        let global = try datagram.structure(attribute, as: tc_htb_glob.self)
        isComplete = true
        version = global.version
        rateToQuantum = global.rate2quantum
        defaultClass = global.defcls
        debug = global.debug
        directPackets = global.direct_pkts
      case Int(TCA_HTB_DIRECT_QLEN): directQueueLength = try datagram.value(attribute)
      case Int(TCA_HTB_OFFLOAD): isOffloaded = true
      default: try others.append(attribute, from: datagram)
      }
    }
    guard isComplete else { return nil }
    rest = others
  }

  func encode(into writer: MessageWriter, isReply: Bool) {
    writer.put(
      Int(TCA_HTB_INIT),
      structure: tc_htb_glob(
        version: isReply ? version ?? 0 : QdiscSettings.HTB.protocolVersion, rate2quantum: rateToQuantum,
        defcls: defaultClass, debug: isReply ? debug : 0, direct_pkts: isReply ? directPackets : 0))
    if let directQueueLength { writer.put(Int(TCA_HTB_DIRECT_QLEN), directQueueLength) }
    if isOffloaded { writer.put(flag: Int(TCA_HTB_OFFLOAD)) }
  }
}
