// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import NetlinkKit
internal import NetworkTypes
internal import SystemPackage

/// One program's place at one direction of a link, and what keeps it there.
struct AnchoredProgram: Sendable {
  let anchor: ProgramAnchor
  let hook: TrafficControlDirection
  /// What a filter is listed as.
  let filterName: String
  /// The file that keeps a tcx link.
  let pinName: String

  /// First in the line of filters.
  static let priority: UInt16 = 1
  static let handle: UInt32 = 0x54

  private var direction: TrafficDirection { hook == .egress ? .egress : .ingress }

  func isAttached(on index: InterfaceIndex, in view: NamespaceView) async throws -> Bool {
    switch anchor {
    case .filter: try await filter(on: index, in: view) != nil
    case .pinnedLink(let directory): try Self.isPinned(directory.appending(pinName), on: index)
    }
  }

  func attach(_ program: borrowing BPFProgram, on index: InterfaceIndex, in view: NamespaceView) async throws {
    switch anchor {
    case .filter:
      try await view.socket.qdiscs.ensureClsact(on: index)
      try await view.socket.filters.replace(
        BPFFilter(
          interface: index, direction: direction, priority: Self.priority, handle: Self.handle,
          programDescriptor: program.descriptor, name: filterName))
    case .pinnedLink(let directory):
      try BPFFileSystem.makeDirectory(directory)
      let path = directory.appending(pinName)
      // A file that is left over from a link that went away attaches nothing.
      try BPFFileSystem.removePin(at: path)
      let attachment = try await program.attach(
        toTrafficControl: hook, of: index.rawValue, in: view.namespace, mechanism: .tcx)
      try attachment.persist(at: path)
    }
  }

  /// Puts another program in the attached one's place: no packet passes unseen meanwhile.
  func replace(with program: borrowing BPFProgram, on index: InterfaceIndex, in view: NamespaceView) async throws {
    switch anchor {
    case .filter: try await attach(program, on: index, in: view)
    case .pinnedLink(let directory):
      try await Attachment.open(pinnedAt: directory.appending(pinName)).replaceProgram(with: program)
    }
  }

  /// Takes the program off; `view` is where the link is, nil where that is gone, and filters with it.
  func detach(from link: InterfaceName, in view: NamespaceView?) async throws {
    switch anchor {
    case .filter:
      guard let view, let index = try await view.index(of: link), let filter = try await filter(on: index, in: view)
      else { return }
      try await view.socket.filters.remove(filter)
    case .pinnedLink(let directory):
      let path = directory.appending(pinName)
      do throws(BPFError) {
        try await Attachment.open(pinnedAt: path).detach()
        try BPFFileSystem.removePin(at: path)
      } catch  where error.code == .notFound {}
    }
  }

  /// Whether a link is pinned there *and* at the interface: a file outlives the interface, and attaches nothing then.
  private static func isPinned(_ path: FilePath, on index: InterfaceIndex) throws(BPFError) -> Bool {
    do throws(BPFError) {
      return try Attachment.open(pinnedAt: path).interface == index.rawValue
    } catch {
      if error.code == .notFound { return false }
      throw error
    }
  }

  private func filter(on index: InterfaceIndex, in view: NamespaceView) async throws -> TrafficFilter? {
    try await view.socket.filters.all(on: index, direction: direction)
      .first { $0.program?.name == filterName && $0.program?.isDirectAction == true }
  }
}
