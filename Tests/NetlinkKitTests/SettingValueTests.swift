// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

@Suite("Setting values")
struct SettingValueTests {
  @Test func `a value comes back from its own text`() {
    func expect<Value: SettingValue>(_ value: Value, _ text: String) {
      #expect(value.settingText == text)
      #expect(Value(settingText: text) == value)
    }
    expect(true, "1")
    expect(false, "0")
    expect(ReversePathFilter.loose, "2")
    expect(AddressKeeping.never, "-1")
    expect(ARPIgnore.all, "8")
    expect(UInt32.max, "4294967295")
    expect(IPv6AddressGeneration.stablePrivacy, "2")
    expect(32768...60999 as ClosedRange<UInt16>, "32768 60999")
  }

  @Test func `text as the kernel prints it is read`() {
    #expect(ClosedRange<UInt16>(settingText: "32768\t60999") == 32768...60999)
    #expect(Bool(settingText: "2") == true)
    #expect(Bool(settingText: "-1") == true)
  }

  @Test(arguments: ["", "many", "1 2", "0x1", "4294967296", "1\n"])
  func `other text is no value`(text: String) {
    #expect(UInt32(settingText: text) == nil)
    #expect(ReversePathFilter(settingText: text) == nil)
  }

  @Test(arguments: ["60999\t32768", "1", "1 2 3", "1 x", "1 65536"])
  func `other text is no range`(text: String) { #expect(ClosedRange<UInt16>(settingText: text) == nil) }

  @Test func `a link's file is below its name, whatever dots it has`() {
    #expect(LinkSetting<Bool>.ipv4Forwarding.path(.link("eth0.100")) == "net/ipv4/conf/eth0.100/forwarding")
    #expect(LinkSetting<Bool>.disableIPv6.path(.default) == "net/ipv6/conf/default/disable_ipv6")
    #expect(LinkSettingScope.link("all").objection != nil)
    #expect(LinkSettingScope.link("default").objection != nil)
    #expect(LinkSettingScope.link("allx").objection == nil)
    #expect(LinkSettingScope.all.objection == nil)
  }
}
