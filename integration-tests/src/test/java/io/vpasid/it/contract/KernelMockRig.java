package io.vpasid.it.contract;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.Payload;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/// The running kernel with its mock devices, each in a group of its own behind one mock IOMMU that
/// nests, tracks dirty pages, delivers page requests and has virtual IOMMUs.
final class KernelMockRig extends KernelRig {
  private static final PciAddress DEVICE = new PciAddress(0, 0, 0, 0);
  private static final PciAddress LIMIT_ONE = new PciAddress(0, 0, 0, 1);
  private static final PciAddress WITHOUT_DIRTY = new PciAddress(0, 0, 0, 2);

  private static final String NO_VFIO = "a mock device has no VFIO";
  private static final String ALWAYS_ATTACHED = "a mock device is always attached";
  private static final String NEW_EACH_TIME = "a mock device is made anew, never bound again";

  private static final Map<String, String> CANNOT =
      Map.ofEntries(
          Map.entry("v1BoundDeviceTellsItsInfo", NO_VFIO),
          Map.entry("v4SecondBindFails", NEW_EACH_TIME),
          Map.entry("x2PasidsThatAreNoneAreRefusedInThreeWays", NO_VFIO),
          Map.entry("x2DetachOfPasidsThatAreNoneSucceeds", NO_VFIO),
          Map.entry("x3PasidZeroAttachesTheFunctionItself", NO_VFIO),
          Map.entry("x3PasidZeroTakesAnIoas", NO_VFIO),
          Map.entry("x3PasidZeroKeepsThePlainAttachOut", NO_VFIO),
          Map.entry("x3SecondAttachOfPasidZeroReplaces", NO_VFIO),
          Map.entry("x3PasidZeroIsRefusedWhileTheFunctionIsAttached", NO_VFIO),
          Map.entry("x7PasidIsTakenWhileTheFunctionIsNotAttached", ALWAYS_ATTACHED),
          Map.entry("x8DetachOfTheFunctionLeavesItsPasids", ALWAYS_ATTACHED),
          Map.entry("x9CloseDetachesEverything", NO_VFIO),
          Map.entry("x9BindAfterCloseSeesNothingAttached", NEW_EACH_TIME),
          Map.entry("deviceGetsTheFirstFreeId", NO_VFIO),
          Map.entry("deviceOfAnotherContextCannotBeBound", NEW_EACH_TIME),
          Map.entry("functionThatIsNotThereCannotBeBound", NEW_EACH_TIME),
          Map.entry("closedDeviceRefusesEverything", NO_VFIO),
          Map.entry("closedContextRefusesEverything", NO_VFIO),
          Map.entry("boundDeviceOutlivesItsContextsFile", NO_VFIO),
          Map.entry("detachWithoutAttachmentSucceeds", ALWAYS_ATTACHED),
          Map.entry("attachmentsOutliveAReset", "a mock device has no reset"));

  KernelMockRig() {
    super("mock devices of Linux", CANNOT);
  }

  /// What is special about the device at an address.
  static int flags(PciAddress address) {
    if (address.equals(LIMIT_ONE)) {
      return 0;
    }
    return address.equals(WITHOUT_DIRTY)
        ? MockRequest.WITH_PASIDS | MockRequest.WITHOUT_DIRTY_TRACKING
        : MockRequest.WITH_PASIDS;
  }

  @Override
  IommufdBackend open() {
    Set<Integer> before = contexts();
    IommufdBackend kernel = super.open();
    Set<Integer> after = contexts();
    after.removeAll(before);
    return new MockIommufd(kernel, after.iterator().next());
  }

  /// The descriptors of this process that are iommufd contexts.
  private static Set<Integer> contexts() {
    Set<Integer> contexts = new TreeSet<>();
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      for (Path descriptor : descriptors.toList()) {
        if (Files.isSymbolicLink(descriptor)
            && Files.readSymbolicLink(descriptor).equals(Path.of("/dev/iommu"))) {
          contexts.add(
              Integer.valueOf(Objects.requireNonNull(descriptor.getFileName()).toString()));
        }
      }
      return contexts;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  PciAddress device() {
    return DEVICE;
  }

  @Override
  Optional<HwptData> nestedData() {
    return Optional.of(new HwptData.Other(0xdead, Payload.of(new byte[8])));
  }

  @Override
  boolean tracksDirtyPages() {
    return true;
  }

  @Override
  long pageSize() {
    return 2048;
  }

  @Override
  Optional<PciAddress> deviceWithLimitOne() {
    return Optional.of(LIMIT_ONE);
  }

  @Override
  Optional<PciAddress> deviceWithoutDirtyTracking() {
    return Optional.of(WITHOUT_DIRTY);
  }

  @Override
  Optional<Pasid> pasidThatCannotBeReplaced() {
    return Optional.of(new Pasid(1024));
  }

  @Override
  Optional<Integer> viommuType() {
    return Optional.of(0xdeadbeef);
  }

  @Override
  Optional<PageRequests> pageRequests() {
    return Optional.of((device, pasid, group, address) ->
        ((MockDevice) device).request(pasid, group, PageFault.READ, address));
  }

  /// The kernel shows a PASID's page table, but not the device's own.
  @Override
  Optional<Attached> look(BoundDevice device, Pasid pasid) {
    return pasid.value() == 0
        ? Optional.empty()
        : Optional.of(new Attached(((MockDevice) device).look(pasid)));
  }
}
