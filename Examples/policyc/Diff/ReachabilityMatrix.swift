// SPDX-License-Identifier: Apache-2.0

import Foundation
import NetworkTypes
import PolicyCompiler

/// Who reaches whom, before and after, as a picture (SVG).
struct ReachabilityMatrix {
  /// What a cell shows.
  private enum State: CaseIterable {
    case newlyAllowed, newlyDenied, both, allowed, partly, denied

    var color: String {
      switch self {
      case .newlyAllowed: "#1a7f37"
      case .newlyDenied: "#cf222e"
      case .both: "#8250df"
      case .allowed: "#d6f2dc"
      case .partly: "#fff3c4"
      case .denied: "#f6d9d9"
      }
    }

    /// So that no one needs to see colours.
    var sign: String {
      switch self {
      case .newlyAllowed: "+"
      case .newlyDenied: "\u{2212}"
      case .both: "\u{00B1}"
      case .allowed: "\u{2022}"
      case .partly: "\u{25E6}"
      case .denied: ""
      }
    }

    var words: String {
      switch self {
      case .newlyAllowed: "newly allowed, some ports or all"
      case .newlyDenied: "newly denied, some ports or all"
      case .both: "some ports newly allowed, others newly denied"
      case .allowed: "allowed as before, every port"
      case .partly: "allowed as before, some ports"
      case .denied: "denied as before"
      }
    }

    var isChange: Bool { self == .newlyAllowed || self == .newlyDenied || self == .both }
  }

  private struct Cell {
    var state: State
    var detail: String
  }

  private static let size = 26
  private static let limit = 300
  private let comparison: PolicyComparison
  private let cells: [[Int]: Cell]

  init(_ comparison: PolicyComparison) throws {
    guard comparison.ends.count <= Self.limit else {
      throw InputError("a matrix of \(comparison.ends.count) ends would not be legible; \(Self.limit) is the most")
    }
    self.comparison = comparison
    let pairs = Dictionary(grouping: comparison.pairs) { [$0.source, $0.destination] }
    cells = pairs.mapValues { Self.cell($0, comparison) }
  }

  private static func cell(_ pairs: [PolicyComparison.Pair], _ comparison: PolicyComparison) -> Cell {
    func text(_ isIncluded: (PolicyComparison.Pair, Int) -> Bool) -> String {
      let ports = comparison.ports.indices.filter { port in pairs.contains { isIncluded($0, port) } }
      return PortClass.text(ports.map { comparison.ports[$0] }, of: comparison.ports)
    }
    let added = text { !$0.old[$1] && $0.new[$1] }
    let removed = text { $0.old[$1] && !$0.new[$1] }
    let allowed = pairs.allSatisfy { $0.new.allSatisfy { $0 } }
    let denied = pairs.allSatisfy { !$0.new.contains(true) }
    let state: State =
      switch (added.isEmpty, removed.isEmpty) {
      case (false, false): .both
      case (false, true): .newlyAllowed
      case (true, false): .newlyDenied
      case (true, true): allowed ? .allowed : denied ? .denied : .partly
      }
    var details: [String] = []
    if !added.isEmpty { details.append("newly allowed: \(added)") }
    if !removed.isEmpty { details.append("newly denied: \(removed)") }
    if !denied { details.append("allowed now: \(text { $0.new[$1] })") }
    if !allowed { details.append("denied now: \(text { !$0.new[$1] })") }
    return Cell(state: state, detail: details.joined(separator: "\n"))
  }

  func write(to path: String, old: String, new: String) throws {
    do {
      try Data(svg(old: old, new: new).utf8).write(to: URL(fileURLWithPath: path))
    } catch {
      throw Failure(
        status: .usage, message: "\(path): cannot be written; is there its directory, and may you write in it?")
    }
  }

  // MARK: Drawing

  private func svg(old: String, new: String) -> String {
    let ends = comparison.ends
    let size = Self.size
    let labels = ends.map { Self.cut($0.label) }
    let margin = 24 + (labels.map(\.count).max() ?? 0) * 7
    let top = 76 + Int(Double(margin) * 0.87)
    let width = max(margin + ends.count * size + margin / 2 + 20, 560)
    let legendTop = top + ends.count * size + 34
    let height = legendTop + 28 * State.allCases.count + 42
    var svg = """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)" \
      font-family="system-ui, sans-serif" font-size="12" fill="#1f2328">
      <title>Reachability: \(Self.escaped(old)) and \(Self.escaped(new))</title>
      <rect width="\(width)" height="\(height)" fill="#ffffff"/>
      <text x="16" y="28" font-size="16" font-weight="600">What \(Self.escaped(Self.cut(new, 48))) changes</text>
      <text x="16" y="48" fill="#59636e">against \(Self.escaped(Self.cut(old, 48))); rows connect to columns</text>

      """
    for (index, label) in labels.enumerated() {
      let (x, y) = (margin + index * size + size / 2 + 4, top - 8)
      svg += "<text transform=\"translate(\(x) \(y)) rotate(-60)\">\(Self.escaped(label))</text>\n"
      let row = top + index * size + size / 2 + 4
      svg += "<text x=\"\(margin - 8)\" y=\"\(row)\" text-anchor=\"end\">\(Self.escaped(label))</text>\n"
    }
    for row in ends.indices {
      for column in ends.indices {
        svg += cell(row, column, x: margin + column * size, y: top + row * size)
      }
    }
    for (index, state) in State.allCases.enumerated() {
      let y = legendTop + 28 * index
      svg += Self.square(state, x: 16, y: y)
      svg += "<text x=\"\(16 + size + 8)\" y=\"\(y + 17)\">\(state.words)</text>\n"
    }
    let y = legendTop + 28 * State.allCases.count
    svg += "<rect x=\"16\" y=\"\(y)\" width=\"\(size - 2)\" height=\"22\" fill=\"#f6f8fa\" stroke=\"#d1d9e0\"/>\n"
    svg += "<text x=\"\(16 + size + 8)\" y=\"\(y + 17)\">no connection that policies are for</text>\n"
    return svg + "</svg>\n"
  }

  private func cell(_ row: Int, _ column: Int, x: Int, y: Int) -> String {
    guard let cell = cells[[row, column]] else {
      return
        "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(Self.size - 2)\" height=\"\(Self.size - 2)\" fill=\"#f6f8fa\" stroke=\"#d1d9e0\"/>\n"
    }
    let (from, to) = (comparison.ends[row].label, comparison.ends[column].label)
    let title = Self.escaped("\(from) to \(to)\n\(cell.detail)")
    return "<g><title>\(title)</title>\(Self.square(cell.state, x: x, y: y))</g>\n"
  }

  private static func square(_ state: State, x: Int, y: Int) -> String {
    let ink = state.isChange ? "#ffffff" : "#59636e"
    let weight = state.isChange ? " font-weight=\"700\"" : ""
    let side = size - 2
    let sign =
      state.sign.isEmpty
      ? ""
      : "<text x=\"\(x + side / 2)\" y=\"\(y + 17)\" text-anchor=\"middle\" fill=\"\(ink)\"\(weight)>\(state.sign)</text>"
    return
      "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(side)\" height=\"\(side)\" rx=\"3\" fill=\"\(state.color)\"/>\(sign)"
  }

  private static func cut(_ text: String, _ length: Int = 30) -> String {
    text.count <= length ? text : text.prefix(length - 1) + "\u{2026}"
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n": result += "&#10;"
      case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
