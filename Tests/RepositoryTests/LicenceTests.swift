// SPDX-License-Identifier: Apache-2.0

import Testing

/// Where each file says under which licence it stands.
enum Licence {
  static let suite = "SPDX-License-Identifier: Apache-2.0"
  static let programs = "SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause"

  /// Whether the file must carry a header: everything whose format has comments and that people edit.
  static func isCovered(_ path: String) -> Bool {
    let name = path.split(separator: "/").last ?? ""
    if [".swift", ".c", ".h", ".modulemap", ".sh", ".py"].contains(where: { name.hasSuffix($0) }) { return true }
    if ["Makefile", ".clang-format", ".gitignore"].contains(String(name)) { return true }
    return path == ".ci/run" || path.hasPrefix("Tests/VirtualMachine/") && !name.contains(".")
  }

  /// Sentences that name the file and what its header lacks.
  static func violations(in files: [Repository.File]) -> [String] {
    files.filter { isCovered($0.path) }.compactMap { file in
      let expected =
        file.path.hasPrefix("bpf/") || file.path.contains("/Programs/") && !file.path.hasPrefix("Sources/")
        ? programs : suite
      // The tools version, or a script's interpreter, has to be the first line.
      let first = file.lines.first ?? ""
      let line =
        first.hasPrefix("// swift-tools-version") || first.hasPrefix("#!") ? file.lines.dropFirst().first ?? "" : first
      return line.contains(expected) ? nil : "\(file.path): the first line must say \"\(expected)\""
    }
  }
}

@Suite("Licence headers")
struct LicenceTests {
  @Test func `every file says its licence on its first line`() throws {
    let files = try Repository().files(where: Licence.isCovered)
    #expect(files.count > 50)
    #expect(Licence.violations(in: files) == [])
  }

  @Test func `a planted file without a header is found`() {
    let bare = Repository.File(path: "Sources/NetlinkKit/X.swift", text: "import Glibc\n")
    let wrong = Repository.File(path: "bpf/x.bpf.c", text: "// SPDX-License-Identifier: Apache-2.0\n")
    let late = Repository.File(path: "Tests/X.swift", text: "\n// SPDX-License-Identifier: Apache-2.0\n")
    let right = Repository.File(
      path: "Package.swift", text: "// swift-tools-version: 6.2\n// SPDX-License-Identifier: Apache-2.0\n")
    #expect(Licence.violations(in: [bare, wrong, late, right]).count == 3)
  }
}
