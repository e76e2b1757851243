package io.vpasid.vmm.iommufd.simulated;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A function of the simulated host, bound or not.
final class HostDevice {
  final SimulatedDevice description;
  final IommuProfile iommu;
  final IommuDriver driver;
  final Group group;
  final int maxPasids;

  /// Who has it open.
  @Nullable SimulatedBoundDevice bound;

  /// True if a reset is going on.
  boolean resetting;

  /// PASIDs (0 for the function itself) that iommufd takes for attached but the hardware lacks,
  /// because a replacement failed half way.
  final Set<Integer> missing = new HashSet<>();

  /// Page requests of groups whose last one has not come.
  final List<PageRequest> held = new ArrayList<>();

  private final List<PageAnswer> answers = new ArrayList<>();

  HostDevice(SimulatedDevice description, IommuProfile iommu, Group group) {
    this.description = description;
    this.iommu = iommu;
    this.driver = iommu.driver();
    this.group = group;
    this.maxPasids = driver.maxPasids(description);
  }

  void answer(List<PageRequest> requests, int code) {
    PageRequest last = requests.getLast();
    answers.add(new PageAnswer(last.pasid(), last.group(), code));
  }

  List<PageAnswer> takeAnswers() {
    List<PageAnswer> taken = List.copyOf(answers);
    answers.clear();
    return taken;
  }
}
