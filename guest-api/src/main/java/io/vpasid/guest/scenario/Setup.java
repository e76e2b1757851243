package io.vpasid.guest.scenario;

import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The function and the host that a scenario runs on.
///
/// @param function the function as captured or described
/// @param hardware what the host's IOMMU reports for it
/// @param iommu the host's IOMMU
/// @param kernel the host's release of Linux
/// @param options what the VMM decides about it
/// @param virtualIommu how page tables get into the hardware, if the guest has the function behind
///   a virtual IOMMU; empty if it has none
/// @param quirkFiles the files that the quirks in `options` come from, besides those built in
public record Setup(
    @SuppressWarnings("exports") FunctionDescription function,
    HardwareInfo hardware,
    IommuProfile iommu,
    KernelVersion kernel,
    FunctionOptions options,
    Optional<TranslationMode.Kind> virtualIommu,
    List<Path> quirkFiles) {

  public Setup {
    quirkFiles = List.copyOf(quirkFiles);
  }
}
