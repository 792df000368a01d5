// SPDX-License-Identifier: Apache-2.0

/// What a request is signed with: an access key, and the security token of a temporary one.
///
/// The description never shows the secret or the token.
public struct Credentials: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
  /// The public half of the key, sent with each request.
  public var accessKeyID: String

  /// The secret half; never sent.
  public var accessKeySecret: String

  /// The token of temporary credentials (STS), sent and signed; nil for a permanent key.
  public var securityToken: String?

  /// Makes credentials from their parts.
  public init(accessKeyID: String, accessKeySecret: String, securityToken: String? = nil) {
    self.accessKeyID = accessKeyID
    self.accessKeySecret = accessKeySecret
    self.securityToken = securityToken
  }

  /// The key's identifier, without any secret.
  public var description: String {
    "access key \(accessKeyID)\(securityToken == nil ? "" : " with a security token")"
  }

  /// A mirror without any secret, for `dump` and debuggers.
  public var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}
