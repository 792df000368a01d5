// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
public import DatapathPrograms
internal import Synchronization
public import SystemPackage

/// The load balancer's programs at the hooks of one control group, for all sockets in it and below.
///
/// Without pins translation ends with this value. With pins it goes on until ``detach()``, whatever becomes of this process;
/// the next one puts its own programs in the place of these without a gap. Connections that exist always go on.
public struct ServiceAttachments: ~Copyable, Sendable {
  private let attachments: [HookAttachment]

  private init(_ attachments: [HookAttachment]) { self.attachments = attachments }

  /// Attaches programs at all hooks, or puts them in the place of those that are pinned.
  ///
  /// Hook by hook, the way back first. Each is exchanged in one step, so that no socket meets none; for a moment some hooks
  /// have the new programs and others the old, which is harmless as both use the same maps. Killed half-way, the next call
  /// does the rest.
  ///
  /// - Parameters:
  ///   - programs: What to attach.
  ///   - cgroup: A directory of a cgroup2 file system; the root for all pods and the node itself.
  ///   - pinDirectory: Where the attachments are kept, on a bpf file system, made if need be: usually that of the maps. Nil:
  ///     they end with this value.
  /// - Returns: The attachments.
  /// - Throws: ``ServiceError/Code/kernelRefused``; its ``ServiceError/underlying`` says `busy` where these maps' programs
  ///   are attached at this group, above or below by somebody else, who would see each translation as a plain address;
  ///   `foreignPin` where the pins are of another group's attachments: detach those first. What this call attached goes
  ///   again then.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN, CAP_SYS_ADMIN to look at the attachments of others; Linux 6.1.
  ///   `BPF_LINK_CREATE`, `BPF_LINK_UPDATE`
  public static func attach(
    _ programs: borrowing SocketPrograms, toCgroup cgroup: FilePath, pinDirectory: FilePath? = nil
  ) async throws(ServiceError) -> ServiceAttachments {
    var attached: [HookAttachment] = []
    var made: [FilePath] = []
    do throws(BPFError) {
      if let pinDirectory { try BPFFileSystem.makeDirectory(pinDirectory) }
      for hook in SocketPrograms.hooks {
        let program = try programs.program(for: hook)
        let path = pinDirectory.map { pin(of: hook, in: $0) }
        if let path, let pinned = try await replaced(at: path, hook, cgroup, by: program) {
          attached.append(pinned)
          continue
        }
        try requireSole(hook, at: cgroup, map: programs.maps.socketPeers.identifier)
        let attachment = try program.attach(toCgroup: cgroup, as: hook)
        if let path {
          try attachment.pin(at: path)
          made.append(path)
        }
        attached.append(HookAttachment(hook, attachment, pin: path))
      }
    } catch {
      for path in made.reversed() { _ = try? BPFFileSystem.removePin(at: path) }
      throw ServiceError(
        code: .kernelRefused, message: "cannot attach the socket load balancer to cgroup \(cgroup)", underlying: error)
    }
    return ServiceAttachments(attached)
  }

  /// Opens what is pinned, to ask about it or to end it.
  ///
  /// - Parameter pinDirectory: As for ``attach(_:toCgroup:pinDirectory:)``.
  /// - Returns: The attachments that are there: all, none, or, where a process was killed half-way, some.
  /// - Throws: ``ServiceError/Code/kernelRefused``.
  public static func open(pinDirectory: FilePath) throws(ServiceError) -> ServiceAttachments {
    var attachments: [HookAttachment] = []
    do throws(BPFError) {
      for hook in SocketPrograms.hooks {
        let path = pin(of: hook, in: pinDirectory)
        guard let attachment = try pinned(at: path) else { continue }
        attachments.append(HookAttachment(hook, attachment, pin: path))
      }
    } catch {
      throw ServiceError(
        code: .kernelRefused, message: "cannot open the socket load balancer's attachments in \(pinDirectory)",
        underlying: error)
    }
    return ServiceAttachments(attachments)
  }

  /// Ends translation, and removes the pins.
  ///
  /// The way back ends last, so that what was translated is still reported as asked for.
  ///
  /// - Throws: ``ServiceError/Code/kernelRefused``. A control group that is gone is not an error. `BPF_LINK_DETACH`
  public consuming func detach() async throws(ServiceError) {
    do throws(BPFError) {
      for attachment in attachments.reversed() { try await attachment.detach() }
    } catch {
      throw ServiceError(code: .kernelRefused, message: "cannot detach the socket load balancer", underlying: error)
    }
  }

  /// What is attached.
  public struct Hook: Hashable, Sendable {
    /// The hook's name, such as `connect4`.
    public var name: String
    /// The kernel's identifier of the program that runs now.
    public var program: UInt32
    /// The inode of the control group's directory; nil: the group is gone, and nothing is attached any more.
    public var group: UInt64?
  }

  /// Asks the kernel what is attached.
  ///
  /// - Returns: One for each hook that has an attachment.
  /// - Throws: ``ServiceError/Code/kernelRefused``. `BPF_OBJ_GET_INFO_BY_FD`
  public borrowing func hooks() throws(ServiceError) -> [Hook] {
    var result: [Hook] = []
    do throws(BPFError) {
      for attachment in attachments {
        guard let info = try attachment.info() else { continue }
        var hook = Hook(name: attachment.hook.description, program: info.programIdentifier, group: nil)
        if case .cgroup(_, let group) = info.hook, group != 0 { hook.group = group }
        result.append(hook)
      }
    } catch {
      throw ServiceError(
        code: .kernelRefused, message: "cannot ask about the socket load balancer's attachments", underlying: error)
    }
    return result
  }

  private static func pin(of hook: CgroupHook, in directory: FilePath) -> FilePath {
    directory.appending("socket_\(hook)")
  }

  private static func pinned(at path: FilePath) throws(BPFError) -> Attachment? {
    do {
      return try Attachment.open(pinnedAt: path)
    } catch  where error.code == .notFound {
      return nil
    }
  }

  /// The pinned attachment with another program; nil: there is none, or its group is gone, and with it the pin.
  private static func replaced(
    at path: FilePath, _ hook: CgroupHook, _ cgroup: FilePath, by program: borrowing BPFProgram
  ) async throws(BPFError) -> HookAttachment? {
    guard let attachment = try pinned(at: path), let info = try attachment.info() else { return nil }
    let wanted = try AttachmentHook.cgroup(hook, at: cgroup)
    guard info.hook == wanted else {
      // Group 0: it was removed.
      guard info.hook == .cgroup(hook, group: 0) else {
        throw BPFError(
          .foreignPin, "attachment \"\(path)\" is at \(info.hook), not at \(wanted), and was left as it is")
      }
      try BPFFileSystem.removePin(at: path)
      return nil
    }
    try await attachment.replaceProgram(with: program)
    return HookAttachment(hook, attachment, pin: path)
  }

  /// - Throws: `busy` where a program that uses the map is attached at the hook to this group, above or below: of two runs
  ///   of one connect the second would take the first's backend for what the application asked for.
  private static func requireSole(_ hook: CgroupHook, at cgroup: FilePath, map: UInt32) throws(BPFError) {
    let here = try BPFAttachments.atCgroup(hook, of: cgroup, isEffective: true).programs.map(\.program)
    var place = here.contains { $0.mapIdentifiers.contains(map) } ? "there, or above" : nil
    if place == nil {
      let groups = try BPFAttachments.all().compactMap { (link) -> UInt64? in
        guard case .cgroup(hook, let group) = link.hook,
          let program = try? BPFProgramInfo.program(identifier: link.programIdentifier),
          program.mapIdentifiers.contains(map)
        else { return nil }
        return group
      }
      if !groups.isEmpty { place = ControlGroupTree.path(below: cgroup, ofAny: Set(groups)).map { "at \"\($0)\"" } }
    }
    guard let place else { return }
    throw BPFError(
      .busy,
      "attach \(hook) to cgroup \"\(cgroup)\": a program with the same maps is attached \(place); detach it first")
  }
}

/// One hook's attachment, which can be taken out once.
private final class HookAttachment: Sendable {
  let hook: CgroupHook
  private let attachment: Mutex<Attachment?>
  private let pin: FilePath?

  init(_ hook: CgroupHook, _ attachment: consuming Attachment, pin: FilePath?) {
    self.hook = hook
    self.pin = pin
    self.attachment = Mutex(attachment)
  }

  func info() throws(BPFError) -> AttachmentInfo? {
    try attachment.withLock { (attachment) throws(BPFError) in try attachment?.info() }
  }

  func detach() async throws(BPFError) {
    let taken = attachment.withLock { $0.take() }
    if let taken { try await taken.detach() }
    if let pin { try BPFFileSystem.removePin(at: pin) }
  }
}
