// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms

let datapath = try PodDatapath.load(pinDirectory: nil)
print("BPFMaps: loaded", datapath.fromPod.name, "and", datapath.toPod.name)
