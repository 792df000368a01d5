// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The checked-out tree that these tests were built from.
struct Repository {
  /// A file by its path below the root.
  struct File {
    let path: String
    let text: String

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
  }

  let root: URL

  init(testFile: String = #filePath) {
    root = URL(fileURLWithPath: testFile).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }

  /// Every text file below the given folders that `select` names, build products left out.
  func files(below folders: [String] = [""], where select: (String) -> Bool) throws -> [File] {
    var files: [File] = []
    for folder in folders {
      let start = folder.isEmpty ? root : root.appending(path: folder)
      let keys: [URLResourceKey] = [.isRegularFileKey]
      guard let walk = FileManager.default.enumerator(at: start, includingPropertiesForKeys: keys) else { continue }
      for case let url as URL in walk {
        if [".build", ".git", ".swiftpm"].contains(url.lastPathComponent) {
          walk.skipDescendants()
          continue
        }
        guard try url.resourceValues(forKeys: Set(keys)).isRegularFile == true else { continue }
        let path = String(url.path.dropFirst(root.path.count + 1))
        guard select(path) else { continue }
        files.append(File(path: path, text: try String(contentsOf: url, encoding: .utf8)))
      }
    }
    return files.sorted { $0.path < $1.path }
  }
}
