// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Writes an SVG picture where `--svg` says.
///
/// - Parameters:
///   - svg: The picture.
///   - name: What it is, such as `chart`.
///   - path: The option's value.
/// - Throws: ``ExampleError``, which names the picture and the path.
public func writeSVG(_ svg: String, called name: String, to path: String) throws {
  do {
    try Data(svg.utf8).write(to: URL(fileURLWithPath: path))
  } catch {
    throw ExampleError("cannot write the \(name) to \(path): \(error.localizedDescription); choose another --svg")
  }
}
