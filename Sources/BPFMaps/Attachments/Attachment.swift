// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem
internal import Synchronization
public import SystemPackage

/// A program at a hook.
///
/// The program leaves the hook when this value goes, unless it was pinned, or left in place with ``persist(at:)``. The
/// kernel sees to that: a link ends with its last descriptor or pin, also when the process is killed. A filter that has no
/// link (``Mechanism/trafficControl``) is different: it stays when the process is killed, and to remove it may take a while,
/// so going away starts the removal but does not wait for it. ``detach()`` waits. Neither takes a descriptor: also a process
/// that has none left takes off what it attached.
public struct Attachment: ~Copyable, Sendable {
  /// How a program is attached.
  public enum Mechanism: Sendable, Hashable {
    /// A tcx link.
    case tcx
    /// A direct-action filter at a clsact qdisc, which has no link and cannot be pinned.
    case trafficControl
    /// A link to a control group.
    case cgroup
    /// A link to an interface's XDP hook.
    case xdp
    /// A link to a netkit pair.
    case netkit
    /// A link to a network namespace.
    case networkNamespace
    /// A link to a kernel function or raw tracepoint.
    case tracing
    /// A link to a perf event: a kprobe or tracepoint.
    case perfEvent
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
  /// In which mode an XDP program runs: never `automatic`; nil for other attachments, for
  /// one opened from a pin, and where the kernel did not say.
  public let xdpMode: XDPMode?
  /// What is attached to what, for messages: `program "from_pod" at tcx egress of interface 3`.
  public let description: String
  /// Where it was opened from, and where ``pin(at:)`` pinned it: what keeps a tracing link.
  private let pins: Mutex<[FilePath]>

  init(
    _ hold: consuming Hold, _ mechanism: Mechanism, _ description: String, xdpMode: XDPMode? = nil, pin: FilePath? = nil
  ) {
    self.hold = hold
    self.mechanism = mechanism
    self.xdpMode = xdpMode
    self.description = description
    pins = Mutex(pin.map { [$0] } ?? [])
  }

  /// Takes the program off the hook, and waits for it.
  ///
  /// Pins of the attachment stay, as files that attach nothing; remove
  /// them with ``BPFFileSystem/removePin(at:)``.
  ///
  /// A hook, interface or filter that is gone already is not an error. A filter that somebody replaced is left alone.
  /// The clsact qdisc stays: others may rely on it, and an empty one does nothing.
  ///
  /// - Throws: `permissionDenied`; `notSupported` for a tracing or perf attachment that is pinned: the kernel
  ///   ends those only with their last holder, so remove the pin, which still has it; `systemCall`, after which a
  ///   filter's removal is tried once more in the background. `BPF_LINK_DETACH`, `RTM_DELTFILTER`
  public consuming func detach() async throws(BPFError) {
    let pin = pins.withLock { $0.first(where: Pins.exists) }
    switch consume hold {
    case .link(let descriptor):
      // A link whose interface or control group is gone answers ENOLINK (67): nothing is attached any more.
      let status = bpf_link_detach(descriptor.rawValue)
      if status == 0 || status == -67 { return }
      // A tracing link ends with its descriptor, right here.
      if status == -95 {
        guard let pin else { return }
        throw BPFError(
          .notSupported,
          "detach \(description): the kernel ends such a link only with its last holder; remove the pin \"\(pin)\"",
          errno: .init(rawValue: 95))
      }
      throw BPFError.kernel("detach \(description)", status: status)
    case .filter(let filter):
      try await filter.remove()
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
      pins.withLock { $0.append(path) }
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
    try open(pinnedAt: path) { _ in nil }
  }

  /// Opens a pinned attachment, and checks that it is one of the hook that is expected.
  ///
  /// - Parameters:
  ///   - path: What ``pin(at:)`` made.
  ///   - hook: The hook, interface or control group included.
  /// - Returns: The attachment.
  /// - Throws: `notFound`; `malformedPin` for a pinned map or program, and for an attachment elsewhere, naming both places:
  ///   nothing is changed; `permissionDenied`. `BPF_OBJ_GET`
  public static func open(pinnedAt path: FilePath, expecting hook: AttachmentHook) throws(BPFError) -> Attachment {
    try open(pinnedAt: path) { info in
      info.hook == hook ? nil : "what is pinned there is attached to \(info.hook), not to \(hook)"
    }
  }

  private static func open(
    pinnedAt path: FilePath, _ complaint: (AttachmentInfo) -> String?
  ) throws(BPFError) -> Attachment {
    let operation = "open attachment \"\(path)\""
    let descriptor = try Pins.open(path, "attachment")
    guard try BPFObjectReference.Kind(of: descriptor.rawValue, operation) == .link else {
      throw BPFError(.malformedPin, "\(operation): what is pinned there is not an attachment")
    }
    let info = try AttachmentInfo(of: descriptor.rawValue, operation)
    if let complaint = complaint(info) { throw BPFError(.malformedPin, "\(operation): \(complaint)") }
    return Attachment(
      .link(descriptor), info.hook.mechanism, "the attachment pinned at \"\(path)\"", pin: path)
  }

  /// What the kernel says of the link.
  ///
  /// - Returns: nil for a clsact filter, which has no link.
  /// - Throws: `systemCall`. `BPF_OBJ_GET_INFO_BY_FD`
  public borrowing func info() throws(BPFError) -> AttachmentInfo? {
    switch hold {
    case .link(let descriptor): try AttachmentInfo(of: descriptor.rawValue, "ask about \(description)")
    case .filter: nil
    }
  }

  /// The index of the interface that a tcx, netkit or XDP link is at, in the namespace it was attached in.
  ///
  /// nil when the interface is gone, so that nothing is attached any more, and for other mechanisms.
  /// `BPF_OBJ_GET_INFO_BY_FD`
  public var interface: UInt32? {
    switch try? info()?.hook {
    case .trafficControl(_, let interface), .netkit(_, let interface), .xdp(let interface):
      interface == 0 ? nil : interface
    default: nil
    }
  }

  /// The link's descriptor; nil for a filter.
  var linkDescriptor: CInt? {
    switch hold {
    case .link(let descriptor): descriptor.rawValue
    case .filter: nil
    }
  }

  /// The filter; nil for a link.
  var filter: TrafficControlFilter? {
    switch hold {
    case .link: nil
    case .filter(let filter): filter
    }
  }
}
