// SPDX-License-Identifier: Apache-2.0

extension ClusterPolicy.Ports {
  /// Reads an entry of `ports` or `protocols`; nil for one that is not known, where those fail closed.
  static func read(
    _ reader: inout ObjectReader, _ dialect: ClusterPolicyDialect
  ) throws(ValidationError) -> ClusterPolicy.Ports? {
    var unknown = ""
    guard let name = try reader.onlyField(of: dialect.portFields, unknown: &unknown) else {
      reader.skipUnknown()
      return nil
    }
    switch name {
    case dialect.namedPortField: return .named(try reader.string(name) ?? "")
    case "portNumber":
      return try reader.object(name) { (reader: inout ObjectReader) throws(ValidationError) in
        let transport = try reader.choice("protocol", of: TransportProtocol.self) ?? .tcp
        let port = try reader.portNumber("port")
        return .range(transport, port...port)
      }
    case "portRange":
      return try reader.object(name) { (reader: inout ObjectReader) throws(ValidationError) in
        let transport = try reader.choice("protocol", of: TransportProtocol.self) ?? .tcp
        return .range(transport, try reader.portRange(mayBeOne: true))
      }
    default:
      let transport = TransportProtocol.allCases.first { $0.fieldName == name } ?? .tcp
      let range = try reader.object(name) {
        (reader: inout ObjectReader) throws(ValidationError) -> ClosedRange<UInt16>? in
        try reader.destinationPort()
      }
      return range.flatMap { $0 }.map { .range(transport, $0) }
    }
  }
}

extension ObjectReader {
  func unknownField(_ name: String) -> ValidationError {
    ValidationError(path.field(name), "unknown field \"\(shortened(name))\"; remove it or check its spelling")
  }

  /// Takes `destinationPort`, the one field of a protocol; nil for what is not known, where that fails closed.
  fileprivate mutating func destinationPort() throws(ValidationError) -> ClosedRange<UInt16>? {
    var unknown = ""
    guard try onlyField(of: ["destinationPort"], unknown: &unknown) != nil else {
      skipUnknown()
      return nil
    }
    let range = try object("destinationPort") {
      (reader: inout ObjectReader) throws(ValidationError) -> ClosedRange<UInt16>? in
      var unknown = ""
      switch try reader.onlyField(of: ["number", "range"], unknown: &unknown) {
      case "number"?:
        let port = try reader.portNumber("number")
        return port...port
      case "range"?:
        return try reader.object("range") { (reader: inout ObjectReader) throws(ValidationError) in
          try reader.portRange(mayBeOne: false)
        }
      default:
        reader.skipUnknown()
        return nil
      }
    }
    return range.flatMap { $0 }
  }

  fileprivate mutating func portNumber(_ name: String) throws(ValidationError) -> UInt16 {
    guard let number = try int32(name) else {
      throw ValidationError(path.field(name), "is missing; write a port number, 1 to 65535")
    }
    guard let port = UInt16(exactly: number), port > 0 else {
      throw ValidationError(path.field(name), "\(number) is not a port number, 1 to 65535")
    }
    return port
  }

  fileprivate mutating func portRange(mayBeOne: Bool) throws(ValidationError) -> ClosedRange<UInt16> {
    let start = try portNumber("start")
    let end = try portNumber("end")
    guard start < end || mayBeOne && start == end else {
      throw ValidationError(
        path.field("end"),
        mayBeOne ? "\(end) is less than start, which is \(start)" : "\(end) must be more than start, which is \(start)")
    }
    return start...end
  }
}
