// SPDX-License-Identifier: Apache-2.0

import NetlinkKit
import NetlinkTesting

let kernel = FakeKernel()
try await kernel.socket.links.create(NewLink(name: "d0", kind: .dummy))
print("NetlinkTesting:", kernel.links.map(\.name.rawValue).joined(separator: ", "), "after", kernel.requests[0])
