package io.vpasid.it.emulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.EmulatedRegisters;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PasidControl;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import java.util.List;
import org.junit.jupiter.api.Test;

class EmulatedFunctionTest {
  private static final ConfigSpace CAPTURE = Functions.withAtsAndPri();
  private static final PciAddress ADDRESS = new PciAddress(0, 1, 0, 0);

  private static final EmulatedRegisters REGISTERS =
      EmulatedRegisters.ofFunction(CAPTURE, List.of(Bar.memory64(0, 1 << 16).asPrefetchable()));

  private static GuestConfigSpace.Builder emulated() {
    return REGISTERS.applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(CAPTURE)));
  }

  private static Synthesis synthesis() {
    SynthesisResult result =
        Synthesizer.synthesize(
            new SynthesisRequest(
                VfioView.of(CAPTURE),
                FunctionKind.PHYSICAL,
                HardwareInfo.parse("width=20,priv"),
                QuirkTable.empty(),
                PlacementPolicy.DEFAULT,
                List.of()));
    return ((Synthesis) result);
  }

  @Test
  void vpasidGoesOverAnEmulatedFunctionInOneView() {
    Synthesis synthesis = synthesis();
    GuestConfigSpace guest = synthesis.applyTo(emulated()).build();
    int pasidControl = synthesis.registers() + 2;

    guest.write(pasidControl, 2, 0x0007);
    guest.write(Functions.ATS_CONTROL, 2, 0x8000);
    guest.write(Functions.PRI_CONTROL, 2, 0x0001);
    guest.write(0x10, 4, 0xffffffff);

    assertThat(guest.read(pasidControl, 2)).isEqualTo(0x0005);
    assertThat(guest.read(Functions.ATS_CONTROL, 2)).isEqualTo(0x8000);
    assertThat(guest.read(Functions.PRI_CONTROL, 4)).isEqualTo(0x80000001);
    assertThat(guest.read(0x10, 4)).isEqualTo(0xffff000c);
    assertThat(CapabilityChain.walk(guest.toConfigSpace()).find(CapabilityId.PASID)).isPresent();

    guest.write(Functions.DEVICE_CONTROL, 2, 0x8000);

    assertThat(guest.read(pasidControl, 2)).isZero();
    assertThat(guest.read(Functions.ATS_CONTROL, 2)).isZero();
    assertThat(guest.read(Functions.PRI_CONTROL, 4)).isEqualTo(0x81000000);
    assertThat(guest.read(0x10, 4)).isEqualTo(0x0000000c);
  }

  @Test
  void passthroughFunctionStacksOnAnEmulatedDevice() {
    GuestConfigSpace device = emulated().build();
    SimulatedHost host =
        SimulatedHost.builder()
            .device(SimulatedDevice.at(ADDRESS).pasidWidth(20).config(device))
            .build();

    try (IommufdBackend iommufd = host.open();
        PassthroughFunction function =
            PassthroughFunction.open(iommufd, ADDRESS, FunctionOptions.defaults())) {
      Synthesis synthesis = ((Synthesis) function.synthesis());
      function.writeConfig(synthesis.registers() + 2, 2, 0x0001);
      function.writeConfig(0x04, 2, 0x0006);
      function.writeConfig(0x10, 4, 0xe0000000);
      PasidControl enabled = function.control();
      int command = function.readConfig(0x04, 2);
      int bar = function.readConfig(0x10, 4);

      function.writeConfig(Functions.DEVICE_CONTROL, 2, 0x8000);

      assertThat(enabled.enabled()).isTrue();
      assertThat(command).isEqualTo(0x0006);
      assertThat(bar).isEqualTo(0xe000000c);
      assertThat(function.control()).isEqualTo(PasidControl.OFF);
      assertThat(function.readConfig(0x04, 2)).isZero();
      assertThat(device.read(0x10, 4)).isEqualTo(0x0000000c);
    }
  }
}
