package io.vpasid.pci.capability;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PartialSpace;
import java.util.List;
import java.util.Optional;

/// The capabilities of a function, as a walk of its two lists found them.
///
/// @param standard those of the standard list, in list order
/// @param extended those of the extended list, in list order; null capabilities and a placeholder
///   at its head are among them, because software walks through them
/// @param anomalies what is odd, in the order in which the walk met it
public record CapabilityChain(
    List<Capability> standard, List<Capability> extended, List<Anomaly> anomalies) {

  public CapabilityChain {
    standard = List.copyOf(standard);
    extended = List.copyOf(extended);
    anomalies = List.copyOf(anomalies);
  }

  /// Walks both lists of `config`, whatever its bytes are.
  ///
  /// Every step visits a dword that no step before it has visited, so the walk ends after at most
  /// 48 standard and 960 extended capabilities. It does not throw.
  public static CapabilityChain walk(ConfigSpace config) {
    return new ChainWalk(config).chain();
  }

  /// Walks both lists as far as their headers are known. A capability whose length depends on bytes
  /// that are not known has a lower bound as its extent.
  public static CapabilityChain walk(PartialSpace space) {
    return new ChainWalk(space).chain();
  }

  /// The first capability with this id.
  public Optional<Capability> find(CapabilityId id) {
    List<Capability> list = id.kind() == CapabilityId.Kind.STANDARD ? standard : extended;
    for (Capability capability : list) {
      if (capability.id().equals(id)) {
        return Optional.of(capability);
      }
    }
    return Optional.empty();
  }

  /// The first anomaly of this kind.
  public Optional<Anomaly> find(Anomaly.Kind kind) {
    for (Anomaly anomaly : anomalies) {
      if (anomaly.kind() == kind) {
        return Optional.of(anomaly);
      }
    }
    return Optional.empty();
  }
}
