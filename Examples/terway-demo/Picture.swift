// SPDX-License-Identifier: Apache-2.0

import ExampleSupport
import Foundation

/// The report as a picture: nodes, ENIs, pods, and an arrow for each flow.
struct Picture {
  private struct Point {
    var x: Double
    var y: Double
  }

  private static let nodeWidth = 420.0
  private static let podSize = (width: 110.0, height: 44.0)
  private static let margin = 30.0
  private static let top = 70.0

  let svg: String

  init(of report: Report) {
    var shapes: [String] = []
    var places: [String: Point] = [:]
    let width = Self.margin + Double(report.nodes.count) * (Self.nodeWidth + Self.margin)
    for (column, node) in report.nodes.enumerated() {
      let left = Self.margin + Double(column) * (Self.nodeWidth + Self.margin)
      shapes += Self.draw(node, left: left, places: &places)
    }
    let vpcTop = Self.top + 300
    shapes.append(Self.box(Self.margin, vpcTop, width - 2 * Self.margin, 34, fill: "#e8eef7", text: "VPC fabric"))
    for (index, flow) in report.flows.enumerated() {
      for destination in flow.destinations {
        guard let from = places[flow.source], let to = places[destination] else { continue }
        shapes.append(Self.arrow(from: from, to: to, of: flow, number: index + 1))
      }
    }
    let legendTop = vpcTop + 66
    for (index, flow) in report.flows.enumerated() {
      let time = flow.latency.map { String(format: "%.0f us", $0) } ?? ""
      let mark = flow.verdict == .passed ? "" : "FAILED: "
      shapes.append(
        Self.label(
          Self.margin, legendTop + Double(index) * 18, "\(index + 1)  \(mark)\(flow.flow): \(flow.observed) \(time)",
          color: Self.color(of: flow)))
    }
    let height = legendTop + Double(report.flows.count) * 18 + Self.margin
    let title = "terway-demo: Linux \(report.kernel), \(report.wiring)"
    svg = """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" font-family="sans-serif" font-size="12">
      <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
      <path d="M0,0 L8,4 L0,8 z" fill="context-stroke"/></marker></defs>
      <rect width="100%" height="100%" fill="white"/>
      \(Self.label(Self.margin, 34, title, size: 18))
      \(shapes.joined(separator: "\n"))
      </svg>

      """
  }

  func write(to path: String) throws { try writeSVG(svg, called: "picture", to: path) }

  private static func draw(_ node: Report.Node, left: Double, places: inout [String: Point]) -> [String] {
    var shapes = [box(left, top, nodeWidth, 280, fill: "#f7f7f7", text: "")]
    places[node.name] = Point(x: left + 75, y: top + 24)
    shapes.append(box(left + 10, top + 8, 130, 32, fill: "#fff3d6", text: "\(node.name) \(node.address)"))
    let count = Double(max(node.interfaces.count, 1))
    let share = (nodeWidth - 20) / count
    for (index, interface) in node.interfaces.enumerated() {
      let x = left + 10 + Double(index) * share
      shapes.append(box(x + 4, top + 240, share - 8, 30, fill: "#dcebdc", text: "\(interface.link) \(interface.eni)"))
      for (row, pod) in interface.pods.sorted(by: { $0.key < $1.key }).enumerated() {
        // Staggered, so that arrows between neighbours do not lie on each other.
        let shift = row.isMultiple(of: 2) ? 4 : share - podSize.width - 4
        let place = Point(x: x + shift, y: top + 56 + Double(row) * 60)
        places[pod.key] = Point(x: place.x + podSize.width / 2, y: place.y + podSize.height / 2)
        shapes.append(
          box(place.x, place.y, podSize.width, podSize.height, fill: "#ffffff", text: pod.key, below: pod.value))
      }
    }
    return shapes
  }

  private static func color(of flow: FlowResult) -> String {
    flow.verdict == .failed ? "#c000c0" : flow.latency == nil ? "#c0392b" : "#2e7d32"
  }

  private static func arrow(from: Point, to: Point, of flow: FlowResult, number: Int) -> String {
    let bend = 14.0 + Double(number % 7) * 9
    let middle = Point(x: (from.x + to.x) / 2 + bend, y: (from.y + to.y) / 2 - bend)
    let start = edge(of: from, towards: middle)
    let end = edge(of: to, towards: middle)
    let dash = flow.latency == nil ? " stroke-dasharray=\"5 3\"" : ""
    let color = color(of: flow)
    // The number somewhere on the curve, elsewhere for each flow.
    let part = 0.25 + Double(number % 6) * 0.1
    func along(_ first: Double, _ second: Double, _ third: Double) -> Double {
      (1 - part) * (1 - part) * first + 2 * part * (1 - part) * second + part * part * third
    }
    return """
      <path d="M\(start.x),\(start.y) Q\(middle.x),\(middle.y) \(end.x),\(end.y)" fill="none" stroke="\(color)" \
      stroke-opacity="0.7"\(dash) marker-end="url(#tip)"/>
      \(label(along(start.x, middle.x, end.x), along(start.y, middle.y, end.y), "\(number)", color: color))
      """
  }

  /// Where a line from the middle of a pod's box leaves the box.
  private static func edge(of center: Point, towards other: Point) -> Point {
    let (x, y) = (other.x - center.x, other.y - center.y)
    let reach = min(podSize.width / 2 / max(abs(x), 0.1), podSize.height / 2 / max(abs(y), 0.1), 1)
    return Point(x: center.x + x * reach, y: center.y + y * reach)
  }

  private static func box(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, fill: String, text: String, below: String? = nil
  ) -> String {
    let middle = below == nil ? y + height / 2 + 4 : y + height / 2 - 3
    return """
      <rect x="\(x)" y="\(y)" width="\(width)" height="\(height)" rx="4" fill="\(fill)" stroke="#666"/>
      \(label(x + width / 2, middle, text, anchor: "middle"))
      \(below.map { label(x + width / 2, middle + 16, $0, anchor: "middle") } ?? "")
      """
  }

  private static func label(
    _ x: Double, _ y: Double, _ text: String, color: String = "#222", anchor: String = "start", size: Int = 12
  ) -> String {
    let safe = text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;")
    return
      "<text x=\"\(x)\" y=\"\(y)\" fill=\"\(color)\" text-anchor=\"\(anchor)\" font-size=\"\(size)\">\(safe)</text>"
  }
}
