// SPDX-License-Identifier: Apache-2.0

import NetlinkKit

let links = try await NetlinkSocket().links.all()
print("NetlinkKit:", links.contains { $0.name.rawValue == "lo" } ? "found loopback" : "no loopback")
