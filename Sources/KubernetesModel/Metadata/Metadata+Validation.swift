// SPDX-License-Identifier: Apache-2.0

extension ObjectMeta {
  /// What the API server would refuse in `metadata`.
  func validationErrors(namespaced: Bool, nameIs syntax: NameSyntax) -> [ValidationError] {
    let path = FieldPath.root.field("metadata")
    var errors: [ValidationError] = []
    if name.isEmpty {
      errors.append(ValidationError(path.field("name"), "is missing"))
    } else {
      switch syntax {
      case .label: errors += labelNameErrors(name, at: path.field("name"))
      case .subdomain: errors += subdomainErrors(name, at: path.field("name"))
      }
    }
    if namespaced {
      errors += labelNameErrors(namespace, at: path.field("namespace"))
    } else if !namespace.isEmpty {
      errors.append(ValidationError(path.field("namespace"), "objects of this kind are in no namespace; remove it"))
    }
    errors += labelErrors(labels, at: path.field("labels"))
    for key in annotations.keys.sorted() {
      errors += qualifiedNameErrors(key.lowercased(), at: path.field("annotations").key(key))
    }
    if annotations.reduce(0, { $0 + $1.key.utf8.count + $1.value.utf8.count }) > 256 * 1024 {
      errors.append(ValidationError(path.field("annotations"), "are larger than 256 KiB together"))
    }
    return errors
  }
}

/// What the API server would refuse in a map of labels, in the order of the keys.
func labelErrors(_ labels: [String: String], at path: FieldPath) -> [ValidationError] {
  labels.sorted { $0.key < $1.key }.flatMap { key, value in
    qualifiedNameErrors(key, at: path.key(key)) + labelValueErrors(value, at: path.key(key))
  }
}

extension LabelSelector {
  /// What the API server would refuse in a selector.
  func validationErrors(at path: FieldPath) -> [ValidationError] {
    var errors = labelErrors(matchLabels, at: path.field("matchLabels"))
    for (index, requirement) in matchExpressions.enumerated() {
      errors += requirement.validationErrors(at: path.field("matchExpressions").item(index))
    }
    return errors
  }
}

extension LabelSelector.Requirement {
  fileprivate func validationErrors(at path: FieldPath) -> [ValidationError] {
    var errors = qualifiedNameErrors(key, at: path.field("key"))
    switch `operator` {
    case .isIn, .isNotIn:
      if values.isEmpty {
        errors.append(ValidationError(path.field("values"), "must have at least one value with \(`operator`.rawValue)"))
      }
    case .exists, .doesNotExist:
      if !values.isEmpty {
        errors.append(ValidationError(path.field("values"), "must be empty with \(`operator`.rawValue)"))
      }
    }
    for (index, value) in values.enumerated() {
      errors += labelValueErrors(value, at: path.field("values").item(index))
    }
    return errors
  }
}
