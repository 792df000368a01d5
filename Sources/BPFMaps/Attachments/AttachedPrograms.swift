// SPDX-License-Identifier: Apache-2.0

/// The programs of one hook.
public struct AttachedPrograms: Sendable, Hashable {
  /// In the order in which they run.
  public var programs: [AttachedProgram] = []
  /// Counts changes of the hook, for `expectedRevision`; nil where the kernel has none.
  public var revision: UInt64?
}

/// A program at a hook, and who put it there.
public struct AttachedProgram: Sendable, Hashable {
  /// The program: its name, when it was loaded, and by which user.
  public var program: BPFProgramInfo
  /// How it is attached.
  public var mechanism: Attachment.Mechanism
  /// The link's identifier; nil where there is no link, or it cannot be told.
  public var attachmentIdentifier: UInt32?
  /// A clsact filter's priority.
  public var priority: UInt16?
  /// Who runs an XDP program.
  public var xdpMode: XDPMode?
  /// The processes that hold the link open, or the program where there is no link; empty unless asked for, and for what
  /// only a pin holds.
  public var holders: [BPFObjectHolder] = []

  init(program: BPFProgramInfo, mechanism: Attachment.Mechanism) {
    self.program = program
    self.mechanism = mechanism
  }
}
