// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// Builds one request at a time in a buffer that is reused for the next one, with libmnl's message builder.
///
/// What does not fit is remembered in ``failure`` and the rest of the request is dropped, so encoders stay straight
/// lines; the socket looks at it once before it sends.
@safe
final class MessageWriter {
  private let storage: UnsafeMutableRawBufferPointer
  private let header: UnsafeMutablePointer<nlmsghdr>
  /// The first thing that did not fit.
  private(set) var failure: WireError?

  /// Enough for every single request; the kernel's own limit for one attribute is 64 KiB.
  static let capacity = 32 << 10

  init() {
    unsafe storage = .allocate(byteCount: MessageWriter.capacity, alignment: 16)
    unsafe storage.initializeMemory(as: UInt8.self, repeating: 0)
    unsafe header = mnl_nlmsg_put_header(storage.baseAddress)
  }

  deinit { unsafe storage.deallocate() }

  /// Starts a new request, forgetting the last one.
  func begin(type: UInt16, flags: UInt16, sequence: UInt32) {
    failure = nil
    unsafe header.pointee = nlmsghdr(
      nlmsg_len: UInt32(Message.headerSize), nlmsg_type: type, nlmsg_flags: flags, nlmsg_seq: sequence, nlmsg_pid: 0)
  }

  /// The fixed header that follows the message header; a C struct without padding.
  func put<Header: BitwiseCopyable>(header value: Header) {
    let length = unsafe Int(header.pointee.nlmsg_len)
    guard failure == nil, length + Attribute.aligned(MemoryLayout<Header>.size) <= MessageWriter.capacity else {
      failure = failure ?? .requestTooLarge(limit: MessageWriter.capacity)
      return
    }
    let room = unsafe mnl_nlmsg_put_extra_header(header, MemoryLayout<Header>.size)
    unsafe room?.storeBytes(of: value, as: Header.self)
  }

  /// An attribute whose payload is an integer of exactly this width.
  func put<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Int, _ value: Value) {
    unsafe withUnsafeBytes(of: value) { unsafe put(type, raw: $0) }
  }

  /// An attribute that is there or not, without payload.
  func put(flag type: Int) { unsafe put(type, raw: UnsafeRawBufferPointer(start: nil, count: 0)) }

  /// An attribute with these bytes.
  func put(_ type: Int, bytes: [UInt8]) { unsafe bytes.withUnsafeBytes { unsafe put(type, raw: $0) } }

  /// A text attribute, with the zero byte at its end.
  func put(_ type: Int, string: String) { put(type, bytes: Array(string.utf8) + [0]) }

  /// Attributes as they were read.
  func put(_ attributes: RawAttributes) {
    for attribute in attributes { put(Int(attribute.type), bytes: attribute.bytes) }
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

  /// An attribute that holds what `body` writes (`NLA_F_NESTED`).
  func nested(_ type: Int, _ body: (MessageWriter) -> Void) {
    guard failure == nil else { return }
    guard let nest = unsafe mnl_attr_nest_start_check(header, MessageWriter.capacity, UInt16(truncatingIfNeeded: type))
    else {
      failure = .requestTooLarge(limit: MessageWriter.capacity)
      return
    }
    body(self)
    unsafe mnl_attr_nest_end(header, nest)
  }

  /// The request so far.
  func withBytes<Result, Failure: Error>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Result) throws(Failure)
    -> Result
  {
    let count = unsafe Int(header.pointee.nlmsg_len)
    return try unsafe body(UnsafeRawBufferPointer(rebasing: storage[..<count]))
  }

  /// A copy of the request so far.
  var bytes: [UInt8] { unsafe withBytes { unsafe [UInt8]($0) } }

  private func put(_ type: Int, raw: UnsafeRawBufferPointer) {
    guard failure == nil else { return }
    let fits = unsafe mnl_attr_put_check(
      header, MessageWriter.capacity, UInt16(truncatingIfNeeded: type), raw.count, raw.baseAddress)
    if !fits { failure = .requestTooLarge(limit: MessageWriter.capacity) }
  }
}
