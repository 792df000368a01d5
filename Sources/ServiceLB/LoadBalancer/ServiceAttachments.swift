// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
public import SystemPackage

/// The load balancer's programs at one cgroup. Released without ``detach()`` or ``pin(in:)``, they detach.
public struct ServiceAttachments: ~Copyable, Sendable {
  let getPeerName: Attachment
  let receive: Attachment
  let send: Attachment
  let connect: Attachment

  init(
    getPeerName: consuming Attachment, receive: consuming Attachment, send: consuming Attachment,
    connect: consuming Attachment
  ) {
    self.getPeerName = getPeerName
    self.receive = receive
    self.send = send
    self.connect = connect
  }
}
