package io.vpasid.vmm.frontend.nested;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.HwInfo;
import io.vpasid.vmm.iommufd.HwInfoData;
import java.util.Map;
import java.util.Optional;

/// The way of a guest's page tables into the hardware, which decides the ones that it is offered.
///
/// @param kind which way
/// @param reason why, as a sentence for whoever wonders
public record TranslationMode(Kind kind, String reason) {

  /// A way.
  public enum Kind {
    /// The guest is offered the first stage only; hardware walks its page tables, nested on the
    /// guest's memory. The guest can share address spaces of processes (SVA).
    NESTED,
    /// The guest is offered the second stage only; its page tables are walked at each invalidation
    /// and their mappings made in I/O address spaces of the host.
    SHADOW
  }

  /// The way that all functions of a guest allow.
  ///
  /// @param functions what the host says of each function's IOMMU
  public static TranslationMode of(Map<PciAddress, HwInfo> functions) {
    for (Map.Entry<PciAddress, HwInfo> function : functions.entrySet()) {
      Optional<String> obstacle = obstacle(function.getValue());
      if (obstacle.isPresent()) {
        return new TranslationMode(
            Kind.SHADOW,
            "Page tables are shadowed, because the IOMMU of "
                + function.getKey()
                + " "
                + obstacle.get()
                + ".");
      }
    }
    return functions.isEmpty()
        ? new TranslationMode(
            Kind.SHADOW, "Page tables would be shadowed, as no host's IOMMU stands behind them.")
        : new TranslationMode(
            Kind.NESTED,
            "Page tables are nested, because the IOMMU of every function is a VT-d in scalable"
                + " mode with nesting and PASIDs.");
  }

  private static Optional<String> obstacle(HwInfo info) {
    if (!(info.data() instanceof HwInfoData.IntelVtd vtd)) {
      return Optional.of("is no VT-d (hardware info of type " + info.data().type() + ")");
    }
    if (!vtd.scalableMode()) {
      return Optional.of("has no scalable mode (ECAP.SMTS is 0)");
    }
    if (!vtd.nested()) {
      return Optional.of("has no nesting (ECAP.NEST is 0)");
    }
    if (!vtd.firstStage()) {
      return Optional.of("has no first stage (ECAP.FSTS is 0)");
    }
    return vtd.pasid() ? Optional.empty() : Optional.of("has no PASIDs (ECAP.PASID is 0)");
  }
}
