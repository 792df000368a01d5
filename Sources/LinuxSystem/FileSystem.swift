// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import SystemPackage

/// Reads of small files and directories of the kernel's own file systems.
public enum FileSystem {
  /// Reads a whole file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - limit: The most bytes that are accepted.
  /// - Returns: The bytes.
  /// - Throws: `notFound`; `permissionDenied`; `invalidArgument` when the file is larger than `limit`.
  public static func contents(of path: FilePath, limit: Int = 1 << 20) throws(SystemError) -> [UInt8] {
    do {
      let file = try OwnedFileDescriptor.open(path, flags: O_RDONLY)
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(file.rawValue, $0.baseAddress, $0.count) }
        if count < 0 {
          if errno == EINTR { continue }
          throw Errno(rawValue: errno)
        }
        if count == 0 { return bytes }
        bytes += buffer[..<count]
        guard bytes.count <= limit else {
          throw SystemError(code: .invalidArgument, message: "read \"\(path)\": it has more than \(limit) bytes")
        }
      }
    } catch let error as Errno {
      throw SystemError("read \"\(path)\"", systemCall: "read", errno: error)
    } catch let error as SystemError {
      throw error
    } catch {
      throw SystemError(code: .systemCall, message: "read \"\(path)\": \(error)")
    }
  }

  /// Reads a whole file as text.
  ///
  /// - Parameter path: The file.
  /// - Returns: The text; bytes that are not UTF-8 become U+FFFD.
  /// - Throws: As ``contents(of:limit:)``.
  public static func text(of path: FilePath) throws(SystemError) -> String {
    String(decoding: try contents(of: path), as: UTF8.self)
  }

  /// The names in a directory, sorted, without `.` and `..`.
  ///
  /// A directory that is not there has none.
  ///
  /// - Parameter path: The directory.
  /// - Returns: The names.
  /// - Throws: `permissionDenied`; `systemCall` when it is not a directory.
  public static func entries(of path: FilePath) throws(SystemError) -> [String] {
    guard let directory = unsafe path.withPlatformString({ unsafe opendir($0) }) else {
      if errno == ENOENT { return [] }
      throw SystemError("list \"\(path)\"", systemCall: "opendir", errno: Errno(rawValue: errno))
    }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
