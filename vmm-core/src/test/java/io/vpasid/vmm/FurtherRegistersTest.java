package io.vpasid.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.synth.FurtherCapability;
import io.vpasid.synth.FurtherResult;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Registers of capabilities that a VMM shows besides the vPASID.
class FurtherRegistersTest {
  private static final int READ_ONLY = 0x04;
  private static final int WRITABLE = 0x08;
  private static final int CLEARED_BY_ONES = 0x0c;

  private static final FurtherCapability SHOWN =
      new FurtherCapability(
          CapabilityId.DVSEC,
          1,
          0x10,
          List.of(
              ConfigPatch.readOnly(READ_ONLY, 0x11),
              ConfigPatch.register(WRITABLE, 0, 0xff),
              new ConfigPatch(CLEARED_BY_ONES, -1, 0x3, 0, 0x3)));

  private final IommufdBackend iommufd =
      SimulatedHost.builder()
          .device(
              SimulatedDevice.at(Captures.ADDRESS)
                  .config(DeviceConfig.readOnly(Captures.endpoint()))
                  .reporting(HardwareInfo.parse("width=20")))
          .build()
          .open();
  private final PassthroughFunction function =
      PassthroughFunction.open(
          iommufd, Captures.ADDRESS, FunctionOptions.defaults().withFurther(List.of(SHOWN)));
  private final int offset =
      ((FurtherResult.Placed) ((Synthesis) function.synthesis()).further().getFirst()).offset();
  private final List<FunctionEvent> heard = new ArrayList<>();

  @AfterEach
  void close() {
    function.close();
    iommufd.close();
  }

  @Test
  void writesToThemAreHeard() {
    function.listen(heard::add);

    function.writeConfig(offset + WRITABLE, 4, 0x1a5);
    function.writeConfig(offset + CLEARED_BY_ONES, 4, 0x1);

    assertThat(heard)
        .containsExactly(
            new FunctionEvent.RegisterWritten(offset + WRITABLE, 0, 0xa5, 0xa5),
            new FunctionEvent.RegisterWritten(offset + CLEARED_BY_ONES, 0x3, 0x2, 0x2));
  }

  @Test
  void writesToThoseThatTakeNoneAreNot() {
    function.listen(heard::add);

    function.writeConfig(offset + READ_ONLY, 4, -1);

    assertThat(heard).isEmpty();
    assertThat(function.readConfig(offset + READ_ONLY, 4)).isEqualTo(0x11);
  }

  @Test
  void theVmmChangesWhatTheGuestReadsAndThatIsNoEvent() {
    function.listen(heard::add);

    function.setRegister(offset + READ_ONLY, 0xf0, 0xab);

    assertThat(function.readConfig(offset + READ_ONLY, 4)).isEqualTo(0xa1);
    assertThat(function.guestView().u32(offset + READ_ONLY)).isEqualTo(0xa1);
    assertThat(heard).isEmpty();
  }

  @Test
  void functionIsTheBackendsAndHasItsSize() {
    assertThat(function.device().address()).isEqualTo(Captures.ADDRESS);
    assertThat(function.configSize()).isEqualTo(4096);
  }
}
