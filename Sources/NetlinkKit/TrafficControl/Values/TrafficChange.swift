// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// What a request does to a queueing discipline, a class or a filter.
enum TrafficChange: Sendable {
  /// Makes it; one that is there already is an error.
  case add
  /// Makes it, or changes the one that is there.
  case replace
  /// Changes the one that is there.
  case change
  /// Takes it away.
  case remove

  /// The request's flags; those of `tc`.
  var flags: Int {
    switch self {
    case .add: Int(NLM_F_CREATE | NLM_F_EXCL)
    case .replace: Int(NLM_F_CREATE)
    case .change, .remove: 0
    }
  }
}

/// The fixed header of traffic control messages (`struct tcmsg`).
enum TrafficControl {
  static let headerSize = MemoryLayout<tcmsg>.size
  /// In the place of a link's index it says that the filters of a block are meant (`TCM_IFINDEX_MAGIC_BLOCK`).
  static let blockIndex: UInt32 = 0xffff_ffff

  static func header(_ index: UInt32, handle: UInt32, parent: TrafficHandle, info: UInt32 = 0) -> tcmsg {
    tcmsg(
      tcm_family: 0, tcm__pad1: 0, tcm__pad2: 0, tcm_ifindex: Int32(bitPattern: index), tcm_handle: handle,
      tcm_parent: parent.rawValue, tcm_info: info)
  }

  static func header(of message: Message, in datagram: RawSpan) throws(WireError) -> tcmsg {
    guard message.payload.count >= headerSize else {
      throw .truncated(offset: message.payload.lowerBound, needed: headerSize, available: message.payload.count)
    }
    return try datagram.load(tcmsg.self, at: message.payload.lowerBound)
  }

  /// Why the kernel would take a request for another: the index means "a block", or "any link"; nil when it is fine.
  static func objection(to index: InterfaceIndex) -> String? {
    index.isBeyondKernel ? "the index must be 1...\(Int32.max)" : nil
  }

  /// Why a name of a kind cannot be sent; nil when it is fine.
  static func objection(toKind name: String) -> String? {
    (1...15).contains(name.utf8.count) && !name.utf8.contains(0)
      ? nil : "the name of a kind has 1...15 bytes, none of them zero"
  }
}

extension Duration {
  /// Whole microseconds, as far as 32 bits hold them.
  var microseconds32: UInt32 { UInt32(clamping: wholeNanoseconds / 1000) }
  /// Nanoseconds, as far as 32 bits hold them.
  var nanoseconds32: UInt32 { UInt32(clamping: wholeNanoseconds) }

  /// Why it does not fit where the kernel has 32 bits for microseconds; nil when it does.
  func objection(_ name: String) -> String? {
    self < .zero || self > .microseconds(UInt32.max) ? "\(name) must be 0...4294.967295 s" : nil
  }
}
