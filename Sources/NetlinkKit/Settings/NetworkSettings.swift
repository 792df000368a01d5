// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
public import NetworkTypes
internal import SystemPackage

/// The kernel settings (sysctls) of a network namespace, as typed values.
///
/// ```swift
/// let settings = NetworkSettings(of: pod)
/// try await settings.set(.reversePathFilter, of: .link("eth0"), to: .loose)
/// try await settings.set(.localPorts, to: 32768...60999)
/// ```
///
/// They are files; netlink has no requests that write them all. What is written is read back: some files accept a value
/// and keep another. Each call takes a thread of its own for a moment, because the thread that opens such a file decides
/// whose it is.
///
/// - Requires: nothing to read; root in the user namespace that owns the network namespace, and `/proc/sys` mounted
///   writable, to change.
public struct NetworkSettings: Sendable {
  /// Whose settings they are.
  public let namespace: NetworkNamespace

  /// The settings of `namespace`.
  public init(of namespace: NetworkNamespace) { self.namespace = namespace }

  /// The value of a setting that each link has for itself.
  ///
  /// - Parameters:
  ///   - setting: which one.
  ///   - scope: whose: a link's, the namespace's or that of new links.
  /// - Returns: The value; nil when this kernel does not have the setting, as without IPv6.
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent, or has no IPv4 or IPv6 because its MTU is too
  ///   small; `invalidArgument` for a link named `all` or `default`; `malformedReply` when the text means no such value.
  public func value<Value: SettingValue>(
    of setting: LinkSetting<Value>, for scope: LinkSettingScope
  ) async throws(NetlinkError) -> Value? {
    let operation = "read \(setting.family) \(setting.name) of \(scope)"
    try refuse(scope, operation)
    let value: Value? = try await read(setting.path(scope), operation)
    if value == nil { try await requireFamily(setting, scope, operation) }
    return value
  }

  /// Writes a setting that each link has for itself, and reads it back.
  ///
  /// - Parameters:
  ///   - setting: which one.
  ///   - scope: whose: a link's, the namespace's or that of new links.
  ///   - value: the new value.
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent, or has no IPv4 or IPv6 because its MTU is too
  ///   small; `notSupported` when this kernel does not have the setting; `diverged` when it kept another value;
  ///   `invalidArgument` when it refused the value, and for a link named `all` or `default`; `permissionDenied`.
  /// - Requires: Root. `/proc/sys` mounted writable.
  public func set<Value: SettingValue>(
    _ setting: LinkSetting<Value>, of scope: LinkSettingScope, to value: Value
  ) async throws(NetlinkError) {
    let operation = "set \(setting.family) \(setting.name) of \(scope) to \(value.settingText)"
    try refuse(scope, operation)
    guard try await write(value, to: setting.path(scope), operation) else {
      try await requireFamily(setting, scope, operation)
      throw NetworkSettings.absent(operation)
    }
  }

  /// The value of a setting that the namespace has once.
  ///
  /// - Returns: The value; nil when the kernel does not have the setting, or not in this namespace.
  /// - Throws: ``NetlinkError`` with code `malformedReply` when the text means no such value, `invalidArgument` for a path
  ///   that leaves `/proc/sys`.
  public func value<Value: SettingValue>(
    of setting: NamespaceSetting<Value>
  ) async throws(NetlinkError) -> Value? {
    try await read(setting.path, "read \(setting.path)")
  }

  /// Writes a setting that the namespace has once, and reads it back.
  ///
  /// - Throws: ``NetlinkError`` with code `notSupported` when the kernel does not have the setting, or not in this namespace;
  ///   `diverged` when it kept another value; `invalidArgument` when it refused the value; `permissionDenied`, also for
  ///   what only the first namespace of the machine can write.
  /// - Requires: Root. `/proc/sys` mounted writable.
  public func set<Value: SettingValue>(
    _ setting: NamespaceSetting<Value>, to value: Value
  ) async throws(NetlinkError) {
    let operation = "set \(setting.path) to \(value.settingText)"
    guard try await write(value, to: setting.path, operation) else { throw NetworkSettings.absent(operation) }
  }
}

extension NetworkSettings {
  /// What counts for a link: its own value and the namespace's together, by the setting's rule.
  ///
  /// - Parameters:
  ///   - setting: which one.
  ///   - link: the link's name.
  /// - Returns: The value; nil when this kernel does not have the setting.
  /// - Throws: as ``value(of:for:)``.
  public func effectiveValue(
    of setting: LinkSetting<Bool>, on link: InterfaceName
  ) async throws(NetlinkError) -> Bool? {
    guard let own = try await value(of: setting, for: .link(link)) else { return nil }
    switch setting.combination {
    case .link: return own
    case .greater:
      let all = try await value(of: setting, for: .all)
      return own || all == true
    case .bothWhereForwarding:
      let all = try await value(of: setting, for: .all) == true
      let isForwarding = try await value(of: LinkSetting<Bool>.ipv4Forwarding, for: .link(link)) == true
      return isForwarding ? own && all : own || all
    }
  }

  /// What counts for a link: its own value and the namespace's together, by the setting's rule.
  ///
  /// - Parameters:
  ///   - setting: which one, such as ``LinkSetting/reversePathFilter``.
  ///   - link: the link's name.
  /// - Returns: The value; nil when this kernel does not have the setting.
  /// - Throws: as ``value(of:for:)``.
  public func effectiveValue<Value: NumberedSettingValue>(
    of setting: LinkSetting<Value>, on link: InterfaceName
  ) async throws(NetlinkError) -> Value? {
    guard let own = try await value(of: setting, for: .link(link)) else { return nil }
    guard setting.combination == .greater, let all = try await value(of: setting, for: .all) else { return own }
    return all.rawValue > own.rawValue ? all : own
  }

  private func refuse(_ scope: LinkSettingScope, _ operation: String) throws(NetlinkError) {
    if let objection = scope.objection {
      throw NetlinkError(.invalidArgument, operation: operation, reason: objection)
    }
  }

  /// The value; nil when there is no such file.
  private func read<Value: SettingValue>(_ path: String, _ operation: String) async throws(NetlinkError) -> Value? {
    let text: String
    do throws(SystemError) {
      text = try await Sysctl.read(path, in: namespace)
    } catch {
      if error.code == .notFound { return nil }
      throw NetlinkError(error, during: operation)
    }
    guard let value = Value(settingText: text) else {
      throw NetlinkError(
        .malformedReply, operation: operation, reason: "\"\(text)\" is no value of type \(Value.self)")
    }
    return value
  }

  /// Whether there is such a file to write.
  private func write(_ value: some SettingValue, to path: String, _ operation: String) async throws(NetlinkError)
    -> Bool
  {
    do throws(SystemError) {
      try await Sysctl.write(value.settingText, to: path, in: namespace)
      return true
    } catch {
      if error.code == .notFound { return false }
      throw NetlinkError(error, during: operation)
    }
  }

  /// A file that is absent for a link and there for all links means that the link is absent.
  private func requireFamily(
    _ setting: LinkSetting<some SettingValue>, _ scope: LinkSettingScope, _ operation: String
  ) async throws(NetlinkError) {
    guard case .link(let name) = scope else { return }
    do throws(SystemError) {
      _ = try await Sysctl.read(setting.path(.all), in: namespace)
    } catch {
      if error.code == .notFound { return }
      throw NetlinkError(error, during: operation)
    }
    throw NetlinkError(
      .notFound, operation: operation,
      reason: "there is no link \"\(name)\", or its MTU is too small for \(setting.family)")
  }

  private static func absent(_ operation: String) -> NetlinkError {
    NetlinkError(
      .notSupported, operation: operation, reason: "this kernel does not have the setting, or not in this namespace")
  }
}

extension NetlinkError {
  /// A file below `/proc/sys` could not be read or written.
  fileprivate init(_ error: SystemError, during operation: String) {
    let code: Code =
      switch error.code {
      case .permissionDenied: .permissionDenied
      case .invalidArgument: .invalidArgument
      case .notKept: .diverged
      default: .other
      }
    self.init(code, operation: operation, reason: error.message, errno: error.errno?.rawValue)
  }
}
