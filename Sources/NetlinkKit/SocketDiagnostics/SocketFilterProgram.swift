// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// The conditions of a match that the kernel can sort out, as the little program it runs for each socket
/// (`INET_DIAG_REQ_BYTECODE`).
///
/// An instruction is a condition with two distances: where to go on when it is met, and when not. Distances go forward
/// and count from the instruction's own start. Whoever comes to the very end is listed; whoever jumps four bytes beyond
/// it is not. Pure.
struct SocketFilterProgram: Equatable {
  /// The program; empty when there is nothing to sort out.
  private(set) var bytes: [UInt8] = []
  /// Instructions whose failure means that the socket is out.
  private var rejections: [Int] = []

  /// A longer program is not sent: the kernel checks one in time that grows with the square of its length, and it must
  /// fit into a request.
  static let limit = 16 << 10

  init(_ match: SocketMatch) {
    // What rules out many sockets with a word or two comes first.
    if let boundInterface = match.boundInterface {
      append(Int(INET_DIAG_BC_DEV_COND), words: [boundInterface?.rawValue ?? 0])
    }
    if let mark = match.mark { append(Int(INET_DIAG_BC_MARK_COND), words: [mark.value & mark.mask, mark.mask]) }
    if let cgroupID = match.cgroupID {
      append(Int(INET_DIAG_BC_CGROUP_COND), words: SocketFilterProgram.hostOrder(cgroupID))
    }
    if let sources = match.sources { append(sources, SocketFilterProgram.source) }
    if let destinations = match.destinations { append(destinations, SocketFilterProgram.destination) }
    // Whoever fails a condition jumps beyond the end.
    for place in rejections { setNo(at: place, to: bytes.count + 4) }
  }

  private struct Side {
    let condition: Int
    let least: Int
    let most: Int
  }

  private static let source = Side(
    condition: Int(INET_DIAG_BC_S_COND), least: Int(INET_DIAG_BC_S_GE), most: Int(INET_DIAG_BC_S_LE))
  private static let destination = Side(
    condition: Int(INET_DIAG_BC_D_COND), least: Int(INET_DIAG_BC_D_GE), most: Int(INET_DIAG_BC_D_LE))

  /// One of the ends must fit.
  private mutating func append(_ ends: [SocketEndpointMatch], _ side: Side) {
    // Without an address and a port anything fits, and then the others do not matter.
    guard !ends.isEmpty, !ends.contains(.any) else { return }
    let start = (bytes.count, rejections.count)
    var jumps: [Int] = []
    for (number, end) in ends.enumerated() {
      let conditions = appendConditions(of: end, side)
      guard number < ends.count - 1 else {
        rejections += conditions
        break
      }
      // It fits: jump over the others. It does not: go on behind the jump.
      jumps.append(bytes.count)
      append(code: Int(INET_DIAG_BC_JMP), yes: 4)
      for place in conditions { setNo(at: place, to: bytes.count) }
      guard bytes.count <= SocketFilterProgram.limit else { break }
    }
    guard bytes.count <= SocketFilterProgram.limit else {
      // Too many: they are sorted out here alone.
      bytes.removeSubrange(start.0...)
      rejections.removeSubrange(start.1...)
      return
    }
    for place in jumps { setNo(at: place, to: bytes.count) }
  }

  /// All of one end, and where the instructions are that jump when it does not fit.
  private mutating func appendConditions(of end: SocketEndpointMatch, _ side: Side) -> [Int] {
    var places: [Int] = []
    let port = end.ports.flatMap { $0.count == 1 ? $0.lowerBound : nil }
    if end.block != nil || port != nil {
      places.append(bytes.count)
      let address = end.block?.address.bytes ?? []
      append(code: side.condition, yes: 4 + 8 + address.count)
      let family = end.block?.family.rawValue ?? 0
      bytes += [family, UInt8(clamping: end.block?.prefixLength ?? 0), 0, 0]
      append(word: UInt32(bitPattern: port.map(Int32.init) ?? -1))
      bytes += address
    }
    if let ports = end.ports, port == nil {
      for (code, value) in [(side.least, ports.lowerBound), (side.most, ports.upperBound)] {
        places.append(bytes.count)
        append(code: code, yes: 8)
        // The port is where a second instruction would have its distance.
        bytes += [0, 0]
        append(half: value)
      }
    }
    return places
  }

  /// A condition on integers behind the instruction; whoever does not meet it is out.
  private mutating func append(_ code: Int, words: [UInt32]) {
    rejections.append(bytes.count)
    append(code: code, yes: 4 + 4 * words.count)
    for word in words { append(word: word) }
  }

  private mutating func append(code: Int, yes: Int) {
    bytes += [UInt8(truncatingIfNeeded: code), UInt8(truncatingIfNeeded: yes), 0, 0]
  }

  private mutating func append(word: UInt32) {
    for shift in SocketFilterProgram.shifts(4) { bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
  }

  private mutating func append(half: UInt16) {
    for shift in SocketFilterProgram.shifts(2) { bytes.append(UInt8(truncatingIfNeeded: half >> UInt16(shift))) }
  }

  /// Where the instruction at `place` goes when its condition is not met.
  private mutating func setNo(at place: Int, to target: Int) {
    let distance = UInt16(clamping: target - place)
    for (offset, shift) in SocketFilterProgram.shifts(2).enumerated() {
      bytes[place + 2 + offset] = UInt8(truncatingIfNeeded: distance >> UInt16(shift))
    }
  }

  /// How far to shift an integer of `width` bytes for each of them, in the byte order of the machine.
  private static func shifts(_ width: Int) -> [Int] {
    let little = UInt16(1).littleEndian == 1
    return (0..<width).map { 8 * (little ? $0 : width - 1 - $0) }
  }

  /// The two words of a number in the order they lie in memory.
  private static func hostOrder(_ value: UInt64) -> [UInt32] {
    let words = [UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value >> 32)]
    return UInt16(1).littleEndian == 1 ? words : words.reversed()
  }
}
