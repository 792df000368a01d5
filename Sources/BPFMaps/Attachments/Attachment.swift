// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
public import SystemPackage

/// A program at a hook.
///
/// The program leaves the hook when this value goes, unless it was pinned, or left in place with ``persist(at:)``. A
/// filter that has no link (``Mechanism/trafficControl``) can only be removed inside its namespace, which takes a
/// thread: there, going away starts the removal but does not wait for it. ``detach()`` waits.
public struct Attachment: ~Copyable, Sendable {
  /// How a program is attached.
  public enum Mechanism: Sendable, Hashable {
    /// A tcx link.
    case tcx
    /// A direct-action filter at a clsact qdisc, which has no link and cannot be pinned.
    case trafficControl
    /// A link to a control group.
    case cgroup
    /// Another link, opened from a pin.
    case other
  }

  enum Hold: ~Copyable {
    case link(OwnedFileDescriptor)
    case filter(TrafficControlFilter)
  }

  private let hold: Hold
  /// How the program is attached.
  public let mechanism: Mechanism
  /// What is attached to what, for messages: `program "from_pod" at tcx egress of interface 3`.
  public let description: String

  init(_ hold: consuming Hold, _ mechanism: Mechanism, _ description: String) {
    self.hold = hold
    self.mechanism = mechanism
    self.description = description
  }

  /// Takes the program off the hook, and waits for it.
  ///
  /// Pins of the attachment stay, as files that attach nothing; remove
  /// them with ``BPFFileSystem/removePin(at:)``.
  ///
  /// A hook, interface or filter that is gone already is not an error. A filter that somebody replaced is left alone.
  /// The clsact qdisc stays: others may rely on it, and an empty one does nothing.
  ///
  /// - Throws: `permissionDenied`; `systemCall`. `BPF_LINK_DETACH`, `RTM_DELTFILTER`
  public consuming func detach() async throws(BPFError) {
    switch consume hold {
    case .link(let descriptor):
      // A link whose interface or control group is gone answers ENOLINK (67): nothing is attached any more.
      let status = bpf_link_detach(descriptor.rawValue)
      if status != 0, status != -67 {
        throw BPFError.kernel("detach \(description)", status: status)
      }
    case .filter(let filter):
      try await filter.remove()
    }
  }

  /// Puts another program in the attached one's place, in one step: no packet or socket meets a gap.
  ///
  /// - Parameter program: A program of the same type and hook.
  /// - Throws: `invalidArgument` for another type; `notFound` when the hook is gone, or its filter was replaced by others.
  ///   `BPF_LINK_UPDATE`, `RTM_NEWTFILTER`
  public borrowing func replaceProgram(with program: borrowing BPFProgram) async throws(BPFError) {
    switch hold {
    case .link(let descriptor):
      let status = bpf_link_update(descriptor.rawValue, program.descriptor, nil)
      if status != 0 {
        throw BPFError.kernel("replace \(description) by \"\(program.name)\"", status: status == -67 ? -2 : status)
      }
    case .filter(let filter):
      try await filter.replaceProgram(with: program.descriptor, name: program.name)
    }
  }

  /// Keeps the attachment at a path, beyond the life of this value and process.
  ///
  /// - Parameter path: A file that does not exist, in a directory on a bpf file system.
  /// - Throws: `notSupported` for a clsact filter (see ``persist(at:)``); `pinExists`: nothing is replaced;
  ///   `notBPFFileSystem`; `permissionDenied`. `BPF_OBJ_PIN`
  public borrowing func pin(at path: FilePath) throws(BPFError) {
    switch hold {
    case .link(let descriptor):
      try Pins.pin(descriptor.rawValue, description, at: path)
    case .filter:
      throw BPFError(
        .notSupported,
        "pin \(description) at \"\(path)\": a clsact filter has no link to pin; it stays by itself after persist(at:)")
    }
  }

  /// Leaves the program attached for good: a link is pinned at the path, a filter simply stays and nothing is pinned.
  ///
  /// - Parameter path: As for ``pin(at:)``.
  /// - Returns: Whether there is a pin now.
  /// - Throws: As ``pin(at:)`` for a link; the program is then detached.
  @discardableResult
  public consuming func persist(at path: FilePath) throws(BPFError) -> Bool {
    switch consume hold {
    case .link(let descriptor):
      try Pins.pin(descriptor.rawValue, description, at: path)
      return true
    case .filter(let filter):
      filter.leaveInPlace()
      return false
    }
  }

  /// Opens a pinned attachment.
  ///
  /// - Parameter path: What ``pin(at:)`` made.
  /// - Returns: The object behind the pin or identifier.
  /// - Throws: `notFound`; `malformedPin` for a pinned map or program; `permissionDenied`. `BPF_OBJ_GET`
  public static func open(pinnedAt path: FilePath) throws(BPFError) -> Attachment {
    let descriptor = try Pins.open(path, "attachment")
    guard KernelObjectKind(of: descriptor.rawValue) == .link else {
      throw BPFError(.malformedPin, "open attachment \"\(path)\": what is pinned there is not an attachment")
    }
    let type = Self.information(about: descriptor).type
    let mechanism: Mechanism = type == 11 ? .tcx : type == BPF_LINK_TYPE_CGROUP.rawValue ? .cgroup : .other
    return Attachment(.link(descriptor), mechanism, "the attachment pinned at \"\(path)\"")
  }

  /// The index of the interface that a tcx link is at, in the namespace it was attached in.
  ///
  /// nil when the interface is gone, so that nothing is attached any more, and for other mechanisms.
  /// `BPF_OBJ_GET_INFO_BY_FD`
  public var interface: UInt32? {
    switch hold {
    case .link(let descriptor):
      let information = Self.information(about: descriptor)
      return mechanism == .tcx && information.interface != 0 ? information.interface : nil
    case .filter: return nil
    }
  }

  /// The type of a link; for links at an interface its index too, which tcx and XDP have in the same place.
  private static func information(
    about descriptor: borrowing OwnedFileDescriptor
  ) -> (type: UInt32, interface: UInt32) {
    let number = descriptor.rawValue
    return withZeroed(bpf_link_info.self) { info in
      var length = UInt32(MemoryLayout<bpf_link_info>.size)
      guard unsafe bpf_obj_get_info_by_fd(number, &info, &length) == 0 else { return (0, 0) }
      return (info.type, info.xdp.ifindex)
    }
  }
}
