package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.realkernel.GuestJava;
import io.vpasid.it.realkernel.InRealKernel;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.placement.Strategy;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The whole way of a function in Linux 7.3: what the IOMMU can do, the place on the real VFIO
/// view, a thousand PASIDs, and nothing left of them, however the process ends.
@InRealKernel(seconds = 600)
class PassedThroughFunctionTest {
  static final PciAddress ADDRESS = new PciAddress(0, 0, 4, 0);

  /// Where the function has its physical PASID capability, which vfio-pci hides.
  private static final int PHYSICAL = 0x160;

  private static final int PASID_CONTROL = 6;
  static final int PASIDS = 1000;

  private static IommufdBackend open() {
    return new KernelProvider().open(BackendOptions.DEFAULTS);
  }

  private static HwptId forPasids(IommufdBackend iommufd, BoundDevice device, IoasId ioas) {
    return iommufd.hwptAlloc(HwptRequest.paging(device.id(), ioas).with(HwptFlag.PASID));
  }

  @Test
  void capabilityGoesWhereTheFunctionHasItsOwn() {
    try (IommufdBackend iommufd = open();
        PassthroughFunction function =
            PassthroughFunction.open(iommufd, ADDRESS, FunctionOptions.defaults())) {
      assertThat(function.hardware().maxPasidLog2()).isEqualTo(20);
      Synthesis made = (Synthesis) function.synthesis();
      assertThat(made.placement().strategy()).isEqualTo(Strategy.OWN_SLOT);
      assertThat(made.placement().offset()).isEqualTo(PHYSICAL);
      assertThat(function.guestView().u32(PHYSICAL) & 0xfffff).isEqualTo(0x1001b);
    }
  }

  @Test
  void thousandPasidsAreAttachedMovedAndDetached() {
    try (IommufdBackend iommufd = open()) {
      IoasId ioas = iommufd.ioasAlloc();
      HwptId first;
      HwptId second;
      try (PassthroughFunction function =
          PassthroughFunction.open(iommufd, ADDRESS, FunctionOptions.defaults())) {
        first = forPasids(iommufd, function.device(), ioas);
        second = forPasids(iommufd, function.device(), ioas);
        function.device().attach(first);
        function.writeConfig(PHYSICAL + PASID_CONTROL, 2, 1);
        assertThat(function.control().enabled()).isTrue();

        for (int number = 1; number <= PASIDS; number++) {
          assertThat(function.attachPasid(new Pasid(number), first))
              .isEqualTo(new AttachOutcome.Attached(first));
        }
        for (int number = 1; number <= PASIDS; number++) {
          assertThat(function.attachPasid(new Pasid(number), second))
              .isEqualTo(new AttachOutcome.Replaced(first, second));
        }
        for (int number = 1; number <= PASIDS / 2; number++) {
          assertThat(function.detachPasid(new Pasid(number)))
              .isEqualTo(new DetachOutcome.Detached(second));
        }
        assertThat(function.attachments().count()).isEqualTo(PASIDS / 2);
      }

      iommufd.destroy(first);
      iommufd.destroy(second);
      iommufd.destroy(ioas);
    }
    assertNothingIsAttached();
  }

  @Test
  void killedProcessLeavesNothingAttached() throws Exception {
    Process process =
        new ProcessBuilder(GuestJava.current().command(List.of(), AttachForever.class))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      assertThat(lines.readLine()).isEqualTo(AttachForever.HALFWAY);
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.waitFor()).as("killed by SIGKILL").isEqualTo(128 + 9);

    assertNothingIsAttached();
  }

  /// A group with a PASID attached could not be bound; and a function with one could not go to an
  /// IOAS.
  private static void assertNothingIsAttached() {
    try (IommufdBackend iommufd = open();
        BoundDevice device = iommufd.bind(ADDRESS)) {
      IoasId ioas = iommufd.ioasAlloc();
      device.attach(ioas);
      device.detach();
      HwptId hwpt = forPasids(iommufd, device, ioas);
      device.attachPasid(new Pasid(1), hwpt);
      device.detachPasid(new Pasid(1));
      iommufd.destroy(hwpt);
      iommufd.destroy(ioas);
    }
  }
}
