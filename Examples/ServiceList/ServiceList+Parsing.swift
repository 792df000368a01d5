// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension ServiceList {
  /// Reads a text.
  ///
  /// Empty lines, and lines that begin with `#`, are skipped. A service without backends has an empty last field, or none.
  ///
  /// - Parameter text: The lines.
  /// - Throws: For the first line that is none, with its number and field: also for an index below the one before, for
  ///   an index or an address, port and protocol that are there twice.
  public init(parsing text: some StringProtocol) throws(Problem) {
    var lines: [Line] = []
    var seen: Set<Key> = []
    var indices: Set<Index> = []
    var number = 0
    // A line's end of other systems is one character, too.
    for text in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      if text.isEmpty || text.first == "#" { continue }
      let line = try Self.line(text, number)
      func refuse(_ field: String, _ message: String) -> Problem {
        Problem(line: number, field: field, message: message)
      }
      if let last = lines.last, line.index < last.index {
        throw refuse("index", "\(line.index) comes after \(last.index); sort the lines by index")
      }
      guard indices.insert(Index(number: line.index, protocol: line.protocol)).inserted else {
        throw refuse("index", "\(line.index) is there twice for \(line.protocol)")
      }
      guard seen.insert(Key(address: line.address, port: line.port, protocol: line.protocol)).inserted else {
        throw refuse("VIP", "\(line.address) port \(line.port)/\(line.protocol) belongs to an earlier line already")
      }
      lines.append(line)
    }
    self.init(lines)
  }

  private struct Key: Hashable {
    var address: IPAddress
    var port: Port
    var `protocol`: IPProtocol
  }

  private struct Index: Hashable {
    var number: Int
    var `protocol`: IPProtocol
  }

  private static func line(_ text: some StringProtocol, _ number: Int) throws(Problem) -> Line {
    let fields = text.split(separator: "\t", omittingEmptySubsequences: false)
    func refuse(_ field: String, _ message: String) -> Problem { Problem(line: number, field: field, message: message) }
    guard fields.count == 5 || fields.count == 4 else {
      throw refuse(
        "",
        "has \(fields.count) field\(fields.count == 1 ? "" : "s"); write INDEX, VIP, PROTO, PORT and BACKEND_IP:PORT,… with "
          + "tabs in between")
    }
    guard let index = decimal(fields[0]) else {
      throw refuse("index", "\"\(fields[0].prefix(40))\" is not a number from 0 on")
    }
    guard let address = IPAddress(fields[1]) else {
      throw refuse("VIP", "\"\(fields[1].prefix(80))\" is not an IP address")
    }
    let `protocol`: IPProtocol
    switch fields[2].lowercased() {
    case "tcp": `protocol` = .tcp
    case "udp": `protocol` = .udp
    default: throw refuse("protocol", "\"\(fields[2].prefix(40))\" is neither tcp nor udp")
    }
    guard let port = decimal(fields[3]).flatMap(Port.init) else {
      throw refuse("port", "\"\(fields[3].prefix(40))\" is not a port; write 1 to 65535")
    }
    var backends: [Backend] = []
    for text in fields.count == 5 ? fields[4].split(separator: ",") : [] {
      guard let backend = Backend(text) else {
        throw refuse("backends", "\"\(text.prefix(80))\" is not an address and a port; write 10.0.1.5:8080")
      }
      guard backend.address.family == address.family else {
        throw refuse("backends", "\(backend) is not of the family of \(address)")
      }
      backends.append(backend)
    }
    return Line(index: index, address: address, protocol: `protocol`, port: port, backends: backends)
  }

  /// A number of digits alone.
  static func decimal(_ text: some StringProtocol) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
      return nil
    }
    return Int(text)
  }
}

extension ServiceList.Backend {
  /// Reads `10.0.1.5:8080` or `[fd00::5]:8080`; nil for anything else.
  ///
  /// - Parameter text: The address and the port.
  public init?(_ text: some StringProtocol) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    var host = text[..<colon]
    let isBracketed = host.first == "[" && host.last == "]" && host.count > 2
    if isBracketed { host = host.dropFirst().dropLast() }
    guard let port = ServiceList.decimal(text[text.index(after: colon)...]).flatMap(Port.init),
      let address = IPAddress(host), isBracketed == (address.family == .ipv6)
    else { return nil }
    self.init(address: address, port: port)
  }
}
