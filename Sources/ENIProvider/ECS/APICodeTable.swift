// SPDX-License-Identifier: Apache-2.0

/// What the error codes of Alibaba Cloud mean to a caller.
///
/// Data, not logic: an entry per code or per prefix, the first that matches counts.
struct APICodeTable {
  /// One entry.
  struct Entry {
    /// The code, or its beginning when it ends with `*`.
    var pattern: String
    var code: ENIError.Code
    /// What the caller can do about it.
    var remedy: String

    init(_ pattern: String, _ code: ENIError.Code, _ remedy: String) {
      self.pattern = pattern
      self.code = code
      self.remedy = remedy
    }

    func matches(_ apiCode: String) -> Bool {
      pattern.hasSuffix("*") ? apiCode.hasPrefix(pattern.dropLast()) : apiCode == pattern
    }
  }

  /// The class and remedy of a code; codes that are in no entry go by their HTTP status.
  static func entry(apiCode: String, httpStatus: Int) -> Entry {
    if let known = entries.first(where: { $0.matches(apiCode) }) { return known }
    return switch httpStatus {
    case 429: Entry(apiCode, .throttled, "call less often")
    case 500...599: Entry(apiCode, .unavailable, "try again later")
    default: Entry(apiCode, .other, "look the code up in the API reference")
    }
  }

  static let entries: [Entry] = [
    Entry("Throttling*", .throttled, "call less often or raise the API quota"),
    Entry("InternalError", .unavailable, "try again later"),
    Entry("ServiceUnavailable*", .unavailable, "try again later"),
    Entry("Operation.Conflict", .conflict, "let the other operation on the interface finish first"),
    Entry("IdempotentParameterMismatch", .tokenMismatch, "use a new client token for new parameters"),
    Entry("IdempotentFailed", .tokenMismatch, "use a new client token"),
    Entry("InvalidVSwitchId.IpNotEnough", .addressesExhausted, "use another vSwitch of the zone"),
    Entry("QuotaExceeded.PrivateIpAddress", .addressesExhausted, "use another vSwitch of the zone"),
    Entry("EniPerInstanceLimitExceeded", .quotaExceeded, "detach an interface or use a larger instance type"),
    Entry("MaxEniCountExceeded", .quotaExceeded, "delete unused interfaces or raise the region's quota"),
    Entry("SecurityGroupInstanceLimitExceed*", .quotaExceeded, "use another security group"),
    Entry("JoinedGroupLimitExceed*", .quotaExceeded, "use fewer security groups"),
    Entry("InvalidOperation.Ipv4CountExceeded", .quotaExceeded, "use another interface"),
    Entry("InvalidOperation.Ipv6CountExceeded", .quotaExceeded, "use another interface"),
    Entry("QuotaExceeded*", .quotaExceeded, "free something or raise the quota"),
    Entry("InvalidIp.IpUnassigned", .notFound, "list the interface's addresses"),
    Entry("InvalidIp.*", .addressRefused, "ask for a count instead of explicit addresses"),
    Entry("InvalidOperation.InvalidEniState", .invalidState, "describe the interface and wait for its transition"),
    Entry("InvalidOperation.InvalidEcsState", .invalidState, "wait until the instance runs or is stopped"),
    Entry("InvalidOperation.*", .invalidRequest, "the objects do not fit: check zone, VPC and kind"),
    Entry("InvalidEniId.NotFound", .notFound, "check the identifier and the region"),
    Entry("InvalidEcsId.NotFound", .notFound, "check the identifier and the region"),
    Entry("InvalidInstanceId.NotFound", .notFound, "check the identifier and the region"),
    Entry("InvalidVSwitchId.NotFound", .notFound, "check the identifier and the region"),
    Entry("InvalidSecurityGroupId.NotFound", .notFound, "check the identifier and the region"),
    Entry("InvalidSecurityGroupId*", .invalidRequest, "the security group does not fit the vSwitch"),
    Entry("InvalidAccessKeyId*", .authentication, "check the access key"),
    Entry("InvalidSecurityToken*", .authentication, "refresh the temporary credentials"),
    Entry("MissingAccessKeyId", .authentication, "give an access key"),
    Entry("SignatureDoesNotMatch", .authentication, "check the access key secret"),
    Entry("IncompleteSignature", .authentication, "check the access key secret"),
    Entry("InvalidTimeStamp*", .authentication, "set the clock of this machine"),
    Entry("SignatureNonceUsed", .authentication, "send a fresh nonce with each attempt"),
    Entry("Forbidden*", .permission, "grant the action to the key in RAM"),
    Entry("NoPermission*", .permission, "grant the action to the key in RAM"),
    Entry("Missing*", .invalidRequest, "supply the parameter"),
    Entry("InvalidParameter*", .invalidRequest, "correct the parameter"),
    Entry("InvalidAction*", .invalidRequest, "check the endpoint and the API version"),
  ]
}
