// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ServiceLB
import ServiceList
import Testing

/// Services as lines of text.
@Suite("Service lists")
struct ServiceListTests {
  @Test func `a list is read, and written as it was`() throws {
    let text = """
      0\t10.96.0.0\ttcp\t80\t10.128.0.0:8080,10.128.0.1:8080
      0\t10.96.0.0\tudp\t80\t10.128.0.0:53
      7\tfd00::10\ttcp\t443\t[fd00::5]:8443
      8\t10.96.0.8\ttcp\t80\t

      """
    let list = try ServiceList(parsing: text)
    #expect(list.lines.count == 4)
    #expect(list.lines[0].backends.map(\.description) == ["10.128.0.0:8080", "10.128.0.1:8080"])
    #expect(list.lines[1].protocol == .udp)
    #expect(list.lines[2].backends.map(\.description) == ["[fd00::5]:8443"])
    #expect(list.lines[3].backends.isEmpty)
    #expect(list.text == text)
  }

  @Test func `comments, empty lines and line ends of other systems are no lines`() throws {
    let list = try ServiceList(parsing: "# index vip\n\n3\t10.96.0.3\tTCP\t80\t10.0.0.1:80\r\n")
    #expect(list.lines.map(\.index) == [3])
    #expect(list.lines[0].backends.count == 1)
  }

  @Test(arguments: [
    ("1\t10.96.0.1\ttcp", 1, ""), ("x\t10.96.0.1\ttcp\t80\t10.0.0.1:80", 1, "index"),
    ("-1\t10.96.0.1\ttcp\t80\t10.0.0.1:80", 1, "index"), ("1\t10.96.0\ttcp\t80\t10.0.0.1:80", 1, "VIP"),
    ("1\t10.96.0.1\tsctp\t80\t10.0.0.1:80", 1, "protocol"), ("1\t10.96.0.1\ttcp\t0\t10.0.0.1:80", 1, "port"),
    ("1\t10.96.0.1\ttcp\t65536\t10.0.0.1:80", 1, "port"), ("1\t10.96.0.1\ttcp\t+80\t10.0.0.1:80", 1, "port"),
    ("1\t10.96.0.1\ttcp\t80\t10.0.0.1", 1, "backends"), ("1\t10.96.0.1\ttcp\t80\tfd00::1:80", 1, "backends"),
    ("1\t10.96.0.1\ttcp\t80\t[fd00::1]:80", 1, "backends"),
    ("1\t10.96.0.1\ttcp\t80\t10.0.0.1:80\textra", 1, ""),
    ("2\t10.96.0.1\ttcp\t80\t\n1\t10.96.0.2\ttcp\t80\t", 2, "index"),
    ("1\t10.96.0.1\ttcp\t80\t\n1\t10.96.0.2\ttcp\t80\t", 2, "index"),
    ("1\t10.96.0.1\ttcp\t80\t\n2\t10.96.0.1\ttcp\t80\t", 2, "VIP"),
  ])
  func `what is no list is refused with its line and field`(text: String, line: Int, field: String) {
    do {
      _ = try ServiceList(parsing: text)
      Issue.record("\(text.debugDescription) was taken")
    } catch {
      #expect(error.line == line && error.field == field, "\(error)")
    }
  }

  @Test func `made services have addresses of their own, and UDP at both ends`() throws {
    let list = ServiceList.made(1000, endpoints: 3)
    #expect(list.lines.count == 1002)
    #expect(Set(list.lines.map(\.address)).count == 1000)
    #expect(Set(list.lines.flatMap { $0.backends.map(\.address) }).count == 3000)
    #expect(list.lines.filter { $0.protocol == .udp }.map(\.index) == [0, 999])
    #expect(try ServiceList(parsing: list.text) == list)
  }

  @Test func `a line becomes a cluster IP with its backends`() throws {
    let list = try ServiceList(parsing: "5\t10.96.0.5\tudp\t53\t10.0.0.2:5353,10.0.0.1:5353")
    let entry = ServiceEntry(list.lines[0])
    #expect(
      entry.description == """
        list/5:udp IPv4
          10.96.0.5:53/UDP
            -> 10.0.0.1:5353 (cluster)
            -> 10.0.0.2:5353 (cluster)
        """)
  }
}
