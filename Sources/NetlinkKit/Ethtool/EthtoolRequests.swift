// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// What the kernel answers to one kind of request.
protocol EthtoolReply: Sendable {
  /// What it is called in a sentence: "read NOUN of link 7".
  static var noun: String { get }
  /// The command to ask for it, and the kernel's name of that.
  static var get: (command: Int, name: String) { get }
  /// The command of the answer.
  static var reply: Int { get }

  /// Reads the attributes of an answer.
  init(attributes: AttributeCursor, in datagram: RawSpan) throws(WireError)
}

extension EthtoolReply {
  /// The attribute that all requests and answers begin with (`ETHTOOL_A_..._HEADER`).
  static var header: Int { 1 }

  /// Reads an answer; nil when it is one to another request.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    guard try Int(genlmsghdr(message, in: datagram).cmd) == Self.reply else { return nil }
    try self.init(attributes: message.attributes(after: genlmsghdr.size), in: datagram)
  }
}

/// Settings that can be written, too.
protocol EthtoolSettings: EthtoolReply {
  /// The command to write them, and the kernel's name of that.
  static var set: (command: Int, name: String) { get }
  /// Those that can be written.
  static var fields: [EthtoolField<Self>] { get }
}

/// One setting that can be written: an unsigned integer.
struct EthtoolField<Settings> {
  /// How an error calls it.
  let name: String
  /// The attribute.
  let type: Int
  /// How many bits the attribute has: 8 or 32.
  let width: Int
  /// The setting; nil when it is not named.
  let value: (Settings) -> UInt32?

  init(_ name: String, _ type: Int, _ value: @escaping (Settings) -> UInt32?) {
    self.name = name
    self.type = type
    width = 32
    self.value = value
  }

  /// One that is on or off.
  init(switch name: String, _ type: Int, _ value: @escaping (Settings) -> Bool?) {
    self.name = name
    self.type = type
    width = 8
    self.value = { value($0).map { $0 ? 1 : 0 } }
  }

  func encode(_ settings: Settings, into writer: MessageWriter) {
    guard let value = value(settings) else { return }
    if width == 8 { writer.put(type, UInt8(clamping: value)) } else { writer.put(type, value) }
  }
}

extension EthtoolDevice {
  /// Writes `ETHTOOL_A_..._HEADER`.
  static func encode(_ device: EthtoolDevice?, as type: Int, hasBitsets: Bool = false, into writer: MessageWriter) {
    writer.nested(type) { writer in
      switch device {
      case .index(let index): writer.put(Int(ETHTOOL_A_HEADER_DEV_INDEX), index.rawValue)
      case .name(let name): writer.put(Int(ETHTOOL_A_HEADER_DEV_NAME), string: name.rawValue)
      case nil: break
      }
      // Bits as words, not each with its name.
      if hasBitsets { writer.put(Int(ETHTOOL_A_HEADER_FLAGS), UInt32(1)) }
    }
  }

  var objection: String? {
    if case .index(let index) = self, index.isBeyondKernel { return "the index must be 1...\(Int32.max)" }
    return nil
  }
}

/// `ETHTOOL_MSG_..._GET` of one device.
struct GetEthtool<Reply: EthtoolReply>: NetlinkQuery {
  let family: UInt16
  let device: EthtoolDevice

  var type: Int { Int(family) }
  var name: String { Reply.get.name }
  var operation: String { "read \(Reply.noun) of \(device)" }
  var objection: String? { device.objection }

  func encode(into writer: MessageWriter) {
    writer.put(header: genlmsghdr(Reply.get.command))
    EthtoolDevice.encode(device, as: Reply.header, hasBitsets: true, into: writer)
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Reply? {
    guard message.type == family else { return nil }
    return try Reply(message, in: datagram)
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    ErrorNumber.meaning(failure.errno).code == .notSupported ? (.notSupported, "its driver does not say") : nil
  }
}

/// `ETHTOOL_MSG_..._SET` of one device.
struct SetEthtool<Settings: EthtoolSettings>: NetlinkRequest {
  let family: UInt16
  let device: EthtoolDevice
  let settings: Settings

  var type: Int { Int(family) }
  var name: String { Settings.set.name }
  var operation: String { "set \(Settings.noun) of \(device)" }
  var objection: String? { device.objection }

  func encode(into writer: MessageWriter) {
    writer.put(header: genlmsghdr(Settings.set.command))
    EthtoolDevice.encode(device, as: Settings.header, into: writer)
    for field in Settings.fields { field.encode(settings, into: writer) }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    ErrorNumber.meaning(failure.errno).code == .notSupported
      ? (.notSupported, "its driver cannot be told all of that") : nil
  }
}

/// A list of names that bits have (`ETH_SS_...`).
enum EthtoolStringSet: UInt32 {
  case features = 4
  case linkModes = 9
}

/// `ETHTOOL_MSG_STRSET_GET` of a list that is the same for all devices.
struct GetEthtoolStrings: NetlinkQuery {
  let family: UInt16
  let set: EthtoolStringSet

  var type: Int { Int(family) }
  var name: String { "ETHTOOL_MSG_STRSET_GET" }
  var operation: String { "read the names of \(set)" }

  func encode(into writer: MessageWriter) {
    writer.put(header: genlmsghdr(Int(ETHTOOL_MSG_STRSET_GET)))
    EthtoolDevice.encode(nil, as: Int(ETHTOOL_A_STRSET_HEADER), into: writer)
    writer.nested(Int(ETHTOOL_A_STRSET_STRINGSETS)) { writer in
      writer.nested(Int(ETHTOOL_A_STRINGSETS_STRINGSET)) {
        $0.put(Int(ETHTOOL_A_STRINGSET_ID), set.rawValue)
      }
    }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> [String]? {
    guard message.type == family else { return nil }
    return try EthtoolStrings(message, in: datagram)?.sets[set.rawValue]
  }
}

/// An answer to `ETHTOOL_MSG_STRSET_GET`: lists of texts by their number.
struct EthtoolStrings: Equatable {
  private(set) var sets: [UInt32: [String]] = [:]

  /// Reads an answer; nil when it is one to another request.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    guard try Int(genlmsghdr(message, in: datagram).cmd) == Int(ETHTOOL_MSG_STRSET_GET_REPLY) else {
      return nil
    }
    var cursor = message.attributes(after: genlmsghdr.size)
    while let attribute = try cursor.next(in: datagram) {
      guard attribute.kind == Int(ETHTOOL_A_STRSET_STRINGSETS) else { continue }
      var inside = AttributeCursor(attribute.payload)
      while let set = try inside.next(in: datagram) { try read(set, in: datagram) }
    }
  }

  private mutating func read(_ set: Attribute, in datagram: RawSpan) throws(WireError) {
    var id: UInt32?
    var strings: [String] = []
    var cursor = AttributeCursor(set.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(ETHTOOL_A_STRINGSET_ID): id = try datagram.value(attribute)
      case Int(ETHTOOL_A_STRINGSET_STRINGS):
        var inside = AttributeCursor(attribute.payload)
        while let string = try inside.next(in: datagram) {
          try EthtoolStrings.read(string, into: &strings, in: datagram)
        }
      default: break
      }
    }
    if let id { sets[id] = strings }
  }

  /// Puts a text in its place.
  private static func read(
    _ string: Attribute, into strings: inout [String], in datagram: RawSpan
  ) throws(WireError) {
    var place: Int?
    var text = ""
    var cursor = AttributeCursor(string.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(ETHTOOL_A_STRING_INDEX): place = Int(try datagram.value(attribute, as: UInt32.self))
      case Int(ETHTOOL_A_STRING_VALUE): text = try datagram.string(attribute)
      default: break
      }
    }
    guard let place, place < EthtoolBitset.maximumSize else {
      throw .invalidValue(type: string.type, reason: "a text without a place below \(EthtoolBitset.maximumSize)")
    }
    while strings.count <= place { strings.append("") }
    strings[place] = text
  }
}
