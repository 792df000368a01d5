// SPDX-License-Identifier: Apache-2.0

import ExampleSupport
import Foundation

/// Latency over the number of services, a line for each mode, a panel for each kind of traffic.
struct Chart {
  private static let panel = (width: 380.0, height: 300.0)
  private static let margin = (left: 60.0, top: 70.0, between: 50.0)
  private static let colors: [Mode: String] = [
    .direct: "#7f8c8d", .directConntrack: "#bdc3c7", .iptables: "#c0392b", .iptablesLegacy: "#e67e22",
    .nftables: "#8e44ad", .nftFlat: "#2980b9", .ipvs: "#d4ac0d", .terwaykit: "#1e8449",
    .terwaykitPacket: "#58d68d",
  ]

  let svg: String

  init(_ figures: Figures, counts: [Int], modes: [Mode], profiles: [Profile], place: Place = .last) {
    var shapes: [String] = []
    let names: [Profile: String] = [
      .crr: "connect, request, response, close", .rr: "request and response", .udp: "UDP, a new flow",
    ]
    for (column, profile) in profiles.enumerated() {
      let left = Self.margin.left + Double(column) * (Self.panel.width + Self.margin.between)
      let lines = modes.map { mode in
        (
          mode,
          counts.compactMap { count -> (Int, Double)? in
            figures.value(mode, Operation(count: count, place: place, profile: profile)).map { (count, $0) }
          }
        )
      }
      shapes.append(Self.text(left, Self.margin.top - 12, "\(names[profile] ?? profile.rawValue) (us)"))
      shapes += Self.draw(lines, counts: counts, left: left)
    }
    let bottom = Self.margin.top + Self.panel.height
    for (place, mode) in modes.enumerated() {
      let x = Self.margin.left + Double(place) * 125
      shapes.append(
        "<line x1=\"\(x)\" y1=\"\(bottom + 48)\" x2=\"\(x + 22)\" y2=\"\(bottom + 48)\" stroke=\"\(Self.color(mode))\" "
          + "stroke-width=\"3\"/>")
      shapes.append(Self.text(x + 28, bottom + 52, mode.rawValue))
    }
    let width =
      Self.margin.left
      + max(Double(profiles.count) * (Self.panel.width + Self.margin.between), Double(modes.count) * 125)
    svg = """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(bottom + 70)" font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="white"/>
      \(Self.text(Self.margin.left, 28, "Median latency to the \(place.rawValue) of N services", size: 18))
      \(shapes.joined(separator: "\n"))
      </svg>

      """
  }

  func write(to path: String) throws { try writeSVG(svg, called: "chart", to: path) }

  private static func draw(_ lines: [(Mode, [(Int, Double)])], counts: [Int], left: Double) -> [String] {
    let most = max(lines.flatMap { $0.1.map(\.1) }.max() ?? 1, 1) * 1.08
    let step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].first { most / Double($0) <= 6 } ?? 10_000
    let bottom = margin.top + panel.height
    let range = log10(Double(max(counts.last ?? 1, 10))) - log10(Double(counts.first ?? 1))
    func x(_ count: Int) -> Double {
      left + (range > 0 ? (log10(Double(count)) - log10(Double(counts.first ?? 1))) / range : 0.5) * panel.width
    }
    func y(_ value: Double) -> Double { bottom - value / most * panel.height }
    var shapes: [String] = []
    for value in stride(from: 0, through: Int(most), by: step) {
      let line = y(Double(value))
      shapes.append(
        "<line x1=\"\(left)\" y1=\"\(line)\" x2=\"\(left + panel.width)\" y2=\"\(line)\" stroke=\"#e5e8e8\"/>")
      shapes.append(text(left - 6, line + 4, "\(value)", anchor: "end"))
    }
    for count in counts { shapes.append(text(x(count), bottom + 18, "\(count)", anchor: "middle")) }
    for (mode, points) in lines where !points.isEmpty {
      let places = points.map { String(format: "%.1f,%.1f", x($0.0), y($0.1)) }
      shapes.append(
        "<polyline points=\"\(places.joined(separator: " "))\" fill=\"none\" stroke=\"\(color(mode))\" stroke-width=\"2\"/>"
      )
      for (count, value) in points {
        shapes.append(
          "<circle cx=\"\(x(count))\" cy=\"\(y(value))\" r=\"3\" fill=\"\(color(mode))\"><title>\(mode.rawValue), \(count) "
            + "services: \(Figures.text(value)) us</title></circle>")
      }
    }
    return shapes
  }

  private static func color(_ mode: Mode) -> String { colors[mode] ?? "black" }

  private static func text(
    _ x: Double, _ y: Double, _ text: String, size: Int = 12, anchor: String = "start"
  ) -> String {
    "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(size)\" text-anchor=\"\(anchor)\">\(text)</text>"
  }
}
