// SPDX-License-Identifier: Apache-2.0

/// Steps of a plan that are made at once.
struct Stage: Sendable {
  let place: PodWiringPlan.Place
  let isShared: Bool
  let work: Work

  enum Work: Sendable {
    /// Links, addresses, neighbours, routes and rules.
    case objects([PlannedObject])
    case sysctl(path: String, value: String)
    case programs(PlannedPrograms)
    case localPod(PlannedLocalPod)
  }
}

extension PodWiringPlan {
  /// The steps, in order, those that netlink makes together where they follow each other in one place.
  var stages: [Stage] { PodWiringPlan.stages(steps) }

  static func stages(_ steps: [Step]) -> [Stage] {
    var stages: [Stage] = []
    for step in steps {
      let work: Stage.Work
      switch step.object {
      case .sysctl(let path, let value): work = .sysctl(path: path, value: value)
      case .programs(let programs): work = .programs(programs)
      case .localPod(let pod): work = .localPod(pod)
      case .link, .peer, .up, .address, .neighbour, .route, .rule:
        if let last = stages.last, last.place == step.place, last.isShared == step.isShared,
          case .objects(let before) = last.work
        {
          stages[stages.count - 1] = Stage(
            place: last.place, isShared: last.isShared, work: .objects(before + [step.object]))
          continue
        }
        work = .objects([step.object])
      }
      stages.append(Stage(place: step.place, isShared: step.isShared, work: work))
    }
    return stages
  }
}
