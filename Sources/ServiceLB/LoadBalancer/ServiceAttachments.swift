// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
public import SystemPackage

/// The load balancer's programs at one cgroup.
///
/// Translation ends with this value, unless it was pinned. Connections that exist go on; their peers are then shown as
/// what they are.
public struct ServiceAttachments: ~Copyable, Sendable {
  private let getPeerName: Attachment
  private let receive: Attachment
  private let send: Attachment
  private let connect: Attachment

  init(
    getPeerName: consuming Attachment, receive: consuming Attachment, send: consuming Attachment,
    connect: consuming Attachment
  ) {
    self.getPeerName = getPeerName
    self.receive = receive
    self.send = send
    self.connect = connect
  }

  /// Ends translation.
  ///
  /// - Throws: ``ServiceError/Code/kernelRefused``. A cgroup that is gone is not an error. `BPF_LINK_DETACH`
  public consuming func detach() async throws(ServiceError) {
    do throws(BPFError) {
      // The way back last, so that what was translated is still reported as asked for.
      try await connect.detach()
      try await send.detach()
      try await receive.detach()
      try await getPeerName.detach()
    } catch {
      throw ServiceError("detach the socket load balancer", error)
    }
  }

  /// Keeps translation up beyond the life of this value and process.
  ///
  /// - Parameter directory: a directory on a bpf file system, made if need be, without pins of attachments.
  /// - Throws: ``ServiceError/Code/kernelRefused``: nothing is replaced, and no pin of this call stays. `BPF_OBJ_PIN`
  public borrowing func pin(in directory: FilePath) throws(ServiceError) {
    var pinned: [FilePath] = []
    do throws(BPFError) {
      try BPFFileSystem.makeDirectory(directory)
      func pin(_ attachment: borrowing Attachment, _ name: String) throws(BPFError) {
        let path = directory.appending(name)
        try attachment.pin(at: path)
        pinned.append(path)
      }
      try pin(getPeerName, "attached_getpeername4")
      try pin(receive, "attached_recvmsg4")
      try pin(send, "attached_sendmsg4")
      try pin(connect, "attached_connect4")
    } catch {
      for path in pinned { _ = try? BPFFileSystem.removePin(at: path) }
      throw ServiceError("pin the socket load balancer's attachments in \(directory)", error)
    }
  }
}
