// SPDX-License-Identifier: Apache-2.0

internal import CLinuxSystem
internal import Glibc
package import SystemPackage

/// The calls of `/dev/net/tun`, which makes tun and tap devices.
///
/// A device belongs to the namespace of the thread that opened the driver.
package enum TunDriver {
  /// A call that failed.
  package struct Failure: Error {
    /// The call, such as `TUNSETIFF`.
    package let call: String
    /// Why.
    package let errno: Errno

    package init(call: String, errno: Errno) {
      self.call = call
      self.errno = errno
    }
  }

  /// What is set when a device is made, beside its flags.
  package struct Attributes: Sendable {
    package var owner: UInt32?
    package var group: UInt32?
    package var isPersistent = false

    package init(owner: UInt32? = nil, group: UInt32? = nil, isPersistent: Bool = false) {
      self.owner = owner
      self.group = group
      self.isPersistent = isPersistent
    }
  }

  /// Makes a device, or opens one that is there, in the calling thread's namespace.
  ///
  /// - Parameters:
  ///   - name: Its name, up to 15 bytes, or a pattern such as `tap%d`.
  ///   - flags: `IFF_TUN` or `IFF_TAP`, and so on; `IFF_TUN_EXCL` to make one.
  ///   - attributes: What to set besides.
  /// - Returns: A descriptor, which the caller closes, and the device's name.
  /// - Throws: The call that failed; a device that was made is gone then.
  package static func open(
    _ name: String, flags: UInt16, _ attributes: Attributes
  ) throws(Failure) -> (descriptor: CInt, name: String) {
    let driver = try call("open /dev/net/tun") { () throws(Errno) in
      try OwnedFileDescriptor.open("/dev/net/tun", flags: O_RDWR | O_NONBLOCK).release()
    }
    let handle = OwnedFileDescriptor(taking: driver)
    var bytes = [CChar](repeating: 0, count: 16)
    for (place, byte) in zip(0..<15, name.utf8) { bytes[place] = CChar(bitPattern: byte) }
    try call("TUNSETIFF") { () throws(Errno) in
      _ = try check(unsafe clinuxsystem_tun_attach(driver, &bytes, flags))
    }
    if let owner = attributes.owner {
      try call("TUNSETOWNER") { () throws(Errno) in _ = try check(clinuxsystem_tun_set_owner(driver, owner)) }
    }
    if let group = attributes.group {
      try call("TUNSETGROUP") { () throws(Errno) in _ = try check(clinuxsystem_tun_set_group(driver, group)) }
    }
    if attributes.isPersistent { try setPersistent(true, driver) }
    let real = String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return (handle.release(), real)
  }

  /// Whether a link of the calling thread's namespace has this name.
  package static func isTaken(_ name: String) -> Bool { unsafe clinuxsystem_has_link(name) == 1 }

  /// Says whether a device stays when nobody has it open.
  package static func setPersistent(_ isPersistent: Bool, _ descriptor: CInt) throws(Failure) {
    try call("TUNSETPERSIST") { () throws(Errno) in
      _ = try check(clinuxsystem_tun_set_persistent(descriptor, isPersistent ? 1 : 0))
    }
  }

  private static func call<Result>(
    _ name: String, _ body: () throws(Errno) -> Result
  ) throws(Failure) -> Result {
    do throws(Errno) { return try body() } catch { throw Failure(call: name, errno: error) }
  }
}
