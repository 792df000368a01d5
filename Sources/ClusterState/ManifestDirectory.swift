// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Manifests on disk: one file, or the `.yaml`, `.yml` and `.json` files of a directory in the order of their names.
public struct ManifestDirectory: Hashable, Sendable {
  /// The file or directory.
  public let path: String

  /// Names a file or directory; nothing is read yet.
  ///
  /// - Parameter path: the file or directory.
  public init(path: String) {
    self.path = path
  }

  /// Reads everything.
  ///
  /// This blocks; do not call it where blocking hurts.
  ///
  /// - Parameter unknownKinds: what happens to objects of kinds that are not known.
  /// - Returns: the objects; of two with one kind and name the later wins.
  /// - Throws: `.unreadable` with the path that cannot be read; `.malformed` and `.refused` as ``ManifestStream`` does.
  ///   A directory without manifests is not an error.
  public func load(unknownKinds: ManifestStream.UnknownKinds = .refused) throws(ManifestError) -> ClusterSnapshot {
    var snapshot = ClusterSnapshot()
    for file in try files() {
      let stream = try ManifestStream(bytes: Self.bytes(of: file), name: file, unknownKinds: unknownKinds)
      for object in stream.objects { snapshot.insert(object) }
    }
    return snapshot
  }

  /// The files that ``load(unknownKinds:)`` reads, in its order.
  ///
  /// - Throws: `.unreadable` where the path is not there or a directory cannot be listed.
  public func files() throws(ManifestError) -> [String] {
    var isDirectory: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw ManifestError(
        .unreadable, file: path, message: "no such file or directory; name a manifest or a directory of manifests")
    }
    guard isDirectory.boolValue else { return [path] }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw ManifestError(
        .unreadable, file: path, message: "the directory cannot be listed; check its permissions (\(error))")
    }
    let endings = [".yaml", ".yml", ".json"]
    return names.filter { name in endings.contains { name.hasSuffix($0) } }.sorted().map { "\(path)/\($0)" }
  }

  private static func bytes(of file: String) throws(ManifestError) -> [UInt8] {
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
      defer { try? handle.close() }
      return [UInt8](try handle.read(upToCount: ManifestStream.sizeLimit + 1) ?? Data())
    } catch {
      throw ManifestError(.unreadable, file: file, message: "the file cannot be read; check its permissions (\(error))")
    }
  }
}
