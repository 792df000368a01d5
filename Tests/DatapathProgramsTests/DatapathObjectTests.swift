// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Testing

@Suite("Embedded objects")
struct DatapathObjectTests {
  @Test func `every shared struct of the pod programs lies in Swift as in the object`() throws {
    let object = try BPFObject(
      DatapathObject.pod.embedded,
      checking: [
        ip_address.layout, endpoint.layout, flow_key.layout, flow_state.layout, policy_state.layout,
        version_word.layout, policy_stages.layout, endpoint_policy.layout, peer_class.layout, rule_set.layout,
        verdict_key.layout, verdict.layout,
        address_range4.layout, address_range6.layout, port_table.layout, port_range.layout, decision_counter.layout,
        drop_counter.layout, flow_record.layout,
      ])
    #expect(Set(object.programNames) == ["from_pod", "to_pod", "send_plain", "receive_plain"])
    #expect(Set(object.mapNames).isSuperset(of: PodDatapath.pinnedMaps))
  }

  @Test func `map names fit the kernel's 15 bytes`() {
    #expect(PodDatapath.pinnedMaps.allSatisfy { $0.utf8.count <= 15 })
  }

  @Test func `the dispatcher brings no map of its own but its constants`() throws {
    let object = try BPFObject(DatapathObject.dispatcher.embedded)
    #expect(Set(object.programNames) == ["dispatch_egress", "dispatch_ingress"])
    #expect(Set(object.mapNames.filter { !$0.contains("rodata") }) == ["pod_programs", "drop_counter"])
  }

  @Test func `objects are ELF images without debug sections`() {
    for object in [DatapathObject.pod, .dispatcher, .sockLB, .bypassGuard] {
      let bytes = object.bytes()
      #expect(bytes.prefix(4) == [0x7f, 0x45, 0x4c, 0x46])
      #expect(!String(decoding: bytes, as: UTF8.self).contains(".debug_info"))
    }
  }
}
