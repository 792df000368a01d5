// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// Builds requests in a buffer that is reused for the next ones, with libmnl's message builder.
///
/// Usually one at a time; a batch puts one behind the other. What does not fit is remembered in ``failure`` and the rest
/// of that request is dropped, so encoders stay straight lines; the socket looks at it once before it sends.
@safe
package final class MessageWriter {
  private let storage: UnsafeMutableRawBufferPointer
  /// Where the message that is being written starts.
  private var start = 0
  /// Where the message before it starts.
  private var previous = 0
  private var header: UnsafeMutablePointer<nlmsghdr>
  /// The first thing in this message that did not fit.
  private(set) var failure: WireError?

  /// Enough for every single request; the kernel's own limit for one attribute is 64 KiB.
  static let capacity = 32 << 10

  package init() {
    // A header fits behind a full buffer, so that there is always one to write to.
    unsafe storage = .allocate(byteCount: MessageWriter.capacity + Message.headerSize, alignment: 16)
    unsafe storage.initializeMemory(as: UInt8.self, repeating: 0)
    unsafe header = mnl_nlmsg_put_header(storage.baseAddress)
    unsafe header.pointee.nlmsg_len = 0
  }

  deinit { unsafe storage.deallocate() }

  /// Forgets what was written.
  func reset() {
    start = 0
    dropLast()
  }

  /// Starts a request behind the last one.
  func begin(type: UInt16, flags: UInt16, sequence: UInt32) {
    previous = start
    start = count
    failure = room < Message.headerSize ? .requestTooLarge(limit: MessageWriter.capacity) : nil
    unsafe header = storage.baseAddress.unsafelyUnwrapped.advanced(by: start).assumingMemoryBound(to: nlmsghdr.self)
    unsafe header.pointee = nlmsghdr(
      nlmsg_len: UInt32(Message.headerSize), nlmsg_type: type, nlmsg_flags: flags, nlmsg_seq: sequence, nlmsg_pid: 0)
  }

  /// Forgets the request that was started last, because it did not fit.
  func dropLast() {
    unsafe header = storage.baseAddress.unsafelyUnwrapped.advanced(by: start).assumingMemoryBound(to: nlmsghdr.self)
    unsafe header.pointee.nlmsg_len = 0
    failure = nil
  }

  /// Adds flags to the last request in the buffer.
  func addFlags(_ flags: Int32) {
    guard count > 0 else { return }
    let offset = count == start ? previous : start
    let place = offset + 6
    let old = unsafe storage.loadUnaligned(fromByteOffset: place, as: UInt16.self)
    unsafe storage.storeBytes(of: old | UInt16(truncatingIfNeeded: flags), toByteOffset: place, as: UInt16.self)
  }

  /// How many bytes were written.
  var count: Int { unsafe start + Int(header.pointee.nlmsg_len) }

  /// The fixed header that follows the message header; a C struct without padding.
  func put<Header: BitwiseCopyable>(header value: Header) {
    let length = unsafe Int(header.pointee.nlmsg_len)
    guard failure == nil, length + Attribute.aligned(MemoryLayout<Header>.size) <= room else {
      failure = failure ?? .requestTooLarge(limit: MessageWriter.capacity)
      return
    }
    let place = unsafe mnl_nlmsg_put_extra_header(header, MemoryLayout<Header>.size)
    unsafe place?.storeBytes(of: value, as: Header.self)
  }

  /// An attribute whose payload is an integer of exactly this width.
  @inline(__always)
  func put<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Int, _ value: Value) {
    guard let place = unsafe grow(type, MemoryLayout<Value>.size) else { return }
    // The word first, so that the padding behind a short value is zero.
    if MemoryLayout<Value>.size < 4 { unsafe place.storeBytes(of: 0, as: UInt32.self) }
    unsafe place.storeBytes(of: value, as: Value.self)
  }

  /// An attribute that is there or not, without payload.
  func put(flag type: Int) { unsafe put(type, raw: UnsafeRawBufferPointer(start: nil, count: 0)) }

  /// An attribute with these bytes.
  func put(_ type: Int, bytes: [UInt8]) { unsafe bytes.withUnsafeBytes { unsafe put(type, raw: $0) } }

  /// An attribute with these integers, one after the other.
  func put<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Int, values: [Value]) {
    unsafe values.withUnsafeBytes { unsafe put(type, raw: $0) }
  }

  /// An attribute that is a C struct without padding.
  func put<Structure: BitwiseCopyable>(_ type: Int, structure value: Structure) {
    unsafe withUnsafeBytes(of: value) { unsafe put(type, raw: $0) }
  }

  /// A text attribute, with the zero byte at its end.
  func put(_ type: Int, string: String) {
    unsafe withUnsafeTemporaryAllocation(byteCount: string.utf8.count + 1, alignment: 1) { room in
      unsafe room.copyBytes(from: string.utf8)
      unsafe room[room.count - 1] = 0
      unsafe put(type, raw: UnsafeRawBufferPointer(room))
    }
  }

  /// Attributes as they were read.
  func put(_ attributes: RawAttributes) {
    attributes.forEachAsRead { put(Int($0), bytes: $1) }
  }

  /// An address, in network byte order.
  func put(_ type: Int, _ address: IPAddress) {
    switch address {
    case .v4(let address): put(type, address.networkOrder)
    case .v6(let address):
      let words = (address.high.bigEndian, address.low.bigEndian)
      unsafe withUnsafeBytes(of: words) { unsafe put(type, raw: $0) }
    }
  }

  /// A link-layer address.
  func put(_ type: Int, _ address: MACAddress) {
    unsafe withUnsafeBytes(of: (address.rawValue << 16).bigEndian) { bytes in
      unsafe put(type, raw: UnsafeRawBufferPointer(rebasing: bytes[..<6]))
    }
  }

  /// An attribute that holds what `body` writes (`NLA_F_NESTED`).
  func nested(_ type: Int, _ body: (MessageWriter) -> Void) {
    guard failure == nil else { return }
    guard let nest = unsafe mnl_attr_nest_start_check(header, room, UInt16(truncatingIfNeeded: type))
    else {
      failure = .requestTooLarge(limit: MessageWriter.capacity)
      return
    }
    body(self)
    unsafe mnl_attr_nest_end(header, nest)
  }

  /// A struct that begins with the length, in two bytes, of itself and of what `body` writes behind it.
  func put<Header: BitwiseCopyable>(measured header: Header, _ body: (MessageWriter) -> Void) {
    let place = count
    put(header: header)
    guard failure == nil else { return }
    body(self)
    let length = UInt16(truncatingIfNeeded: count - place)
    unsafe storage.storeBytes(of: length, toByteOffset: place, as: UInt16.self)
  }

  /// All requests so far.
  func withBytes<Result, Failure: Error>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Result) throws(Failure)
    -> Result
  {
    try unsafe body(UnsafeRawBufferPointer(rebasing: storage[..<count]))
  }

  /// A copy of all requests so far.
  var bytes: [UInt8] { unsafe withBytes { unsafe [UInt8]($0) } }

  /// A copy of the request with this sequence number; empty when there is none.
  func bytes(sequence: UInt32) -> [UInt8] {
    let all = bytes
    let span = unsafe all.span.bytes
    var cursor = MessageCursor()
    while let message = try? cursor.next(in: span) {
      if message.sequence == sequence {
        return Array(all[message.payload.lowerBound - Message.headerSize..<message.payload.upperBound])
      }
    }
    return []
  }

  /// What the message that is being written may take in all.
  private var room: Int { MessageWriter.capacity - start }

  private func put(_ type: Int, raw: UnsafeRawBufferPointer) {
    guard let place = unsafe grow(type, raw.count) else { return }
    if let source = raw.baseAddress { unsafe place.copyMemory(from: source, byteCount: raw.count) }
    for offset in raw.count..<Attribute.aligned(raw.count) {
      unsafe place.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
    }
  }

  /// Puts an attribute's header behind what is in the message, and counts `size` bytes in.
  ///
  /// - Returns: Where these bytes and their padding go; nil when they do not fit.
  @inline(__always)
  private func grow(_ type: Int, _ size: Int) -> UnsafeMutableRawPointer? {
    guard failure == nil else { return nil }
    let length = unsafe Int(header.pointee.nlmsg_len)
    guard size <= Int(UInt16.max) - Attribute.headerSize,
      length + Attribute.headerSize + Attribute.aligned(size) <= room
    else {
      failure = .requestTooLarge(limit: MessageWriter.capacity)
      return nil
    }
    let place = unsafe UnsafeMutableRawPointer(header) + length
    unsafe place.storeBytes(of: UInt16(Attribute.headerSize + size), as: UInt16.self)
    unsafe place.storeBytes(of: UInt16(truncatingIfNeeded: type), toByteOffset: 2, as: UInt16.self)
    unsafe header.pointee.nlmsg_len = UInt32(length + Attribute.headerSize + Attribute.aligned(size))
    return unsafe place + Attribute.headerSize
  }
}
