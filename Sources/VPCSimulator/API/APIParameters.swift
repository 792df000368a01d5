// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import NetworkTypes

/// The parameters of one call, with reading that refuses what is malformed.
struct APIParameters: Sendable, Hashable {
  /// The most parameters a call may have.
  static let maximumCount = 1_000

  var values: [String: String]

  init(_ values: [String: String] = [:]) { self.values = values }

  /// Parses `k=v&k=v` and adds the parameters.
  ///
  /// - Throws: `InvalidParameter` for a malformed escape, a name given twice, or too many parameters.
  mutating func add(encoded text: some Collection<UInt8>) throws(APIFailure) {
    for pair in text.split(separator: UInt8(ascii: "&")) {
      let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
      let value = equals == pair.endIndex ? pair[equals...] : pair[pair.index(after: equals)...]
      guard let name = PercentEncoding.decode(pair[..<equals], plusIsSpace: true),
        let value = PercentEncoding.decode(value, plusIsSpace: true)
      else { throw .invalid("parameters", "a percent escape is malformed") }
      guard values.updateValue(value, forKey: name) == nil else {
        throw .invalid(String(name.prefix(64)), "it is given twice")
      }
      guard values.count <= Self.maximumCount else {
        throw .invalid("parameters", "there are more than \(Self.maximumCount)")
      }
    }
  }

  /// The parameters a client token stands for: all but those of the protocol.
  var fingerprint: [String: String] {
    let ofProtocol: Set = [
      "AccessKeyId", "SecurityToken", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce",
      "SignatureType", "Timestamp", "Format", "ClientToken", "Version",
    ]
    return values.filter { !ofProtocol.contains($0.key) }
  }

  /// A text that may be absent; empty counts as absent.
  func text(_ name: String) -> String? {
    values[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// A text that must be there.
  func required(_ name: String) throws(APIFailure) -> String {
    guard let value = text(name) else { throw .missing(name) }
    return value
  }

  /// An identifier that must be there.
  func identifier<ID: CloudIdentifier>(_ name: String, as type: ID.Type = ID.self) throws(APIFailure) -> ID {
    guard let id = ID(try required(name)) else { throw .invalid(name, "not an identifier") }
    return id
  }

  /// An identifier that may be absent.
  func optionalIdentifier<ID: CloudIdentifier>(_ name: String, as type: ID.Type = ID.self) throws(APIFailure) -> ID? {
    text(name) == nil ? nil : try identifier(name)
  }

  /// A number in a range, that may be absent.
  func number(_ name: String, in range: ClosedRange<Int>) throws(APIFailure) -> Int? {
    guard let text = text(name) else { return nil }
    guard let value = Int(text), range.contains(value) else {
      throw .invalid(name, "not a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A boolean in any case, that may be absent.
  func bool(_ name: String, default value: Bool) throws(APIFailure) -> Bool {
    switch text(name)?.lowercased() {
    case nil: return value
    case "true": return true
    case "false": return false
    default: throw .invalid(name, "neither true nor false")
    }
  }

  /// A 1-based list: `Name.1`, `Name.2`, … until one is missing.
  func list(_ name: String) -> [String] {
    var found: [String] = []
    while found.count < Self.maximumCount, let value = values["\(name).\(found.count + 1)"] { found.append(value) }
    return found
  }

  /// A list of identifiers.
  func identifiers<ID: CloudIdentifier>(_ name: String, as type: ID.Type = ID.self) throws(APIFailure) -> [ID] {
    var found: [ID] = []
    for (index, text) in list(name).enumerated() {
      guard let id = ID(text) else { throw .invalid("\(name).\(index + 1)", "not an identifier") }
      found.append(id)
    }
    return found
  }

  /// A list of addresses.
  func addresses(_ name: String) throws(APIFailure) -> [IPv4Address] {
    var found: [IPv4Address] = []
    for (index, text) in list(name).enumerated() {
      guard let address = IPv4Address(text) else { throw .invalid("\(name).\(index + 1)", "not an IPv4 address") }
      found.append(address)
    }
    return found
  }

  /// The tags, `Tag.1.Key`, `Tag.1.Value` and so on.
  func tags() throws(APIFailure) -> [String: String] {
    var found: [String: String] = [:]
    var index = 1
    while let key = values["Tag.\(index).Key"] {
      guard index <= 20 else { throw .invalid("Tag", "at most 20 tags") }
      guard found.updateValue(values["Tag.\(index).Value"] ?? "", forKey: key) == nil else {
        throw .invalid("Tag.\(index).Key", "a key is given twice")
      }
      index += 1
    }
    return found
  }

  /// How many or which addresses; nil when neither is given.
  func addressRequest() throws(APIFailure) -> AddressRequest? {
    let addresses = try addresses("PrivateIpAddress")
    let count = try number("SecondaryPrivateIpAddressCount", in: 1...49)
    guard addresses.isEmpty || count == nil else {
      throw .invalid("SecondaryPrivateIpAddressCount", "not together with PrivateIpAddress.N")
    }
    return addresses.isEmpty ? count.map { .count($0) } : .addresses(addresses)
  }
}
