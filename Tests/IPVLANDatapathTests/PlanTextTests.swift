// SPDX-License-Identifier: Apache-2.0

import IPVLANDatapath
import NetworkTypes
import Testing

@Suite("Wiring plans as text")
struct PlanTextTests {
  @Test func `an ipvlan pod is planned in this order`() throws {
    let plan = try PodWiringPlan(mode: .ipvlan, node: Sample.node(), eni: Sample.eni(), pod: Sample.pod())
    #expect(
      plan.description == """
        node  ip link set eth1 up
        node  ip link add ipvl_7 link eth1 mtu 1500 type ipvlan mode l2 bridge; ip link set ipvl_7 alias \
        terwaykit:node:00:16:3e:00:00:01
        node  ip link set ipvl_7 up; ip link set ipvl_7 arp off
        node  ip address add 10.8.0.1/32 dev ipvl_7 scope host
        pod   ip link add twk8e8b99173c7 link eth1 mtu 1500 type ipvlan mode l2 bridge; ip link set twk8e8b99173c7 \
        name eth0; ip link set eth0 alias terwaykit:pod:default/web-0
        pod   attach programs to eth0: egress from-pod, ingress to-pod (endpoint 17, 10.8.0.11)
        pod   ip address add 10.8.0.11/24 dev eth0
        pod   ip link set eth0 up
        pod   ip neighbour add 10.8.0.1 lladdr 00:16:3e:00:00:01 dev eth0 nud permanent
        pod   ip route add 10.8.0.1/32 dev eth0 scope link proto 84
        pod   ip route add default via 10.8.0.253 dev eth0 onlink proto 84
        node  ip route add 10.8.0.11/32 dev ipvl_7 scope link src 10.8.0.1 proto 84
        node  list 10.8.0.11 among the node's pods, siblings by parent 2
        """)
  }

  @Test func `what the programs let a pod do is told`() throws {
    var pod = try Sample.pod()
    (pod.requiresPolicy, pod.isRouter) = (true, true)
    let plan = try PodWiringPlan(mode: .ipvlan, node: Sample.node(), eni: Sample.eni(), pod: pod)
    #expect(plan.description.contains("(endpoint 17, 10.8.0.11, policy required, router)"))
  }

  @Test func `an ipvlan pod goes programs first, link last, and the last pod takes the helper along`() throws {
    let plan = try PodWiringPlan(mode: .ipvlan, node: Sample.node(), eni: Sample.eni(), pod: Sample.pod())
    #expect(
      plan.removalDescription == """
        node  strike 10.8.0.11 off the node's pods
        pod   detach programs of endpoint 17 from eth0
        node  ip route delete 10.8.0.11/32 dev ipvl_7 scope link src 10.8.0.1 proto 84
        pod   ip link delete eth0
        last: node  ip link delete ipvl_7
        """)
  }

  @Test func `a veth pod is planned in this order`() throws {
    let plan = try PodWiringPlan(mode: .veth, node: Sample.node(), eni: Sample.eni(), pod: Sample.pod())
    #expect(
      plan.description == """
        node  sysctl net/ipv4/ip_forward=1
        node  ip link set eth1 up
        node  ip address add 10.8.0.10/32 dev eth1
        node  ip route add default via 10.8.0.253 dev eth1 onlink table 1001 proto 84
        node  ip link add twk8e8b99173c7 address 02:35:50:b1:dd:18 mtu 1500 type veth peer eth0 address \
        02:9c:74:88:64:7f mtu 1500 netns pod; ip link set twk8e8b99173c7 alias terwaykit:pod:default/web-0
        node  attach programs to twk8e8b99173c7: ingress from-pod, egress to-pod (endpoint 17, 10.8.0.11)
        pod   ip link set eth0 mtu 1500 address 02:9c:74:88:64:7f alias terwaykit:pod:default/web-0
        pod   ip address add 10.8.0.11/32 dev eth0
        pod   ip link set eth0 up
        node  ip link set twk8e8b99173c7 up
        pod   ip neighbour add 169.254.1.1 lladdr 02:35:50:b1:dd:18 dev eth0 nud permanent
        pod   ip route add default via 169.254.1.1 dev eth0 onlink proto 84
        node  ip neighbour add 10.8.0.11 lladdr 02:9c:74:88:64:7f dev twk8e8b99173c7 nud permanent
        node  ip route add 10.8.0.11/32 dev twk8e8b99173c7 scope link src 10.8.0.1 proto 84
        node  ip rule add pref 512 to 10.8.0.11 lookup main proto 84
        node  ip rule add pref 2048 from 10.8.0.11 lookup 1001 proto 84
        node  list 10.8.0.11 among the node's pods
        """)
  }

  @Test func `a veth pod goes programs first, link last, and the last pod takes the table along`() throws {
    let plan = try PodWiringPlan(mode: .veth, node: Sample.node(), eni: Sample.eni(), pod: Sample.pod())
    #expect(
      plan.removalDescription == """
        node  strike 10.8.0.11 off the node's pods
        node  detach programs of endpoint 17 from twk8e8b99173c7
        node  ip rule delete pref 2048 from 10.8.0.11 lookup 1001 proto 84
        node  ip rule delete pref 512 to 10.8.0.11 lookup main proto 84
        node  ip route delete 10.8.0.11/32 dev twk8e8b99173c7 scope link src 10.8.0.1 proto 84
        node  ip link delete twk8e8b99173c7
        last: node  ip route delete default via 10.8.0.253 dev eth1 onlink table 1001 proto 84
        last: node  ip address delete 10.8.0.10/32 dev eth1
        """)
  }

  @Test(arguments: WiringMode.allCases)
  func `a pod without an endpoint gets no programs, and nothing else changes`(mode: WiringMode) throws {
    let with = try PodWiringPlan(mode: mode, node: Sample.node(), eni: Sample.eni(), pod: Sample.pod())
    let without = try PodWiringPlan(mode: mode, node: Sample.node(), eni: Sample.eni(), pod: Sample.pod(endpoint: nil))
    let others = with.steps.filter { if case .programs = $0.object { false } else { true } }
    #expect(others.map(\.description) == without.steps.map(\.description))
    #expect(with.steps.count == without.steps.count + 1)
  }

  @Test(arguments: WiringMode.allCases)
  func `programs are attached before any link of the pod is up`(mode: WiringMode) throws {
    let plan = try PodWiringPlan(mode: mode, node: Sample.node(), eni: Sample.eni(), pod: Sample.pod())
    let own = plan.steps.filter { !$0.isShared }
    let programs = try #require(own.firstIndex { if case .programs = $0.object { true } else { false } })
    let up = try #require(own.firstIndex { if case .up = $0.object { true } else { false } })
    #expect(programs < up)
  }
}
