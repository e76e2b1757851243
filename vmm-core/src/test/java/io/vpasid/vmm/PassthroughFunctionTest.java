package io.vpasid.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.EmulatedRegisters;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.SynthesisResult.Declined;
import io.vpasid.synth.SynthesisResult.Synthesized;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PassthroughFunctionTest {
  private static final PciAddress ADDRESS = new PciAddress(0, 1, 0, 0);
  private static final int COMMAND = 0x04;
  private static final int BAR0 = 0x10;
  private static final int DEVICE_CONTROL = 0x48;
  private static final int INITIATE_FLR = 0x8000;

  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void closeEverything() throws Exception {
    for (AutoCloseable one : open.reversed()) {
      one.close();
    }
  }

  /// An endpoint with function-level reset, AER at 0x100 and its own PASID capability, which
  /// vfio-pci hides, at 0x200.
  private static ConfigSpace captured() {
    ByteBuffer bytes =
        ByteBuffer.allocate(ConfigSpace.EXTENDED_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0x00, 0x0001f00d).putInt(0x04, 0x00100006).putInt(0x08, 0x02000000);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x00020010).putInt(0x44, 0x10008022);
    bytes.putInt(0x100, 0x00020001);
    bytes.putInt(0x200, 0x0001001b).putInt(0x204, 0x00071406);
    return ConfigSpace.of(bytes.array());
  }

  /// The captured function, which behaves as the real one does, passed through.
  private PassthroughFunction function(String hardware) {
    ConfigSpace captured = captured();
    GuestConfigSpace registers =
        EmulatedRegisters.ofFunction(captured, List.of(Bar.memory32(0, 4096)))
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(captured)))
            .build();
    SimulatedHost host =
        SimulatedHost.builder()
            .device(
                SimulatedDevice.at(ADDRESS)
                    .reporting(HardwareInfo.parse(hardware))
                    .config(registers)
                    .onReset(registers::reset))
            .build();
    IommufdBackend iommufd = host.open();
    open.add(iommufd);
    PassthroughFunction function =
        PassthroughFunction.open(iommufd, ADDRESS, FunctionOptions.defaults());
    open.add(function);
    return function;
  }

  /// Offset of the PASID Control register.
  private static int control(PassthroughFunction function) {
    return ((Synthesized) function.synthesis()).synthesis().registers() + 2;
  }

  @Test
  void changeOfAPermissionWhilePasidIsEnabledIsRefusedAndCounted() {
    PassthroughFunction function = function("width=20,exec,priv");
    int control = control(function);
    function.writeConfig(control, 2, 0x0003);

    function.writeConfig(control, 2, 0x0007);
    function.writeConfig(control, 1, 0x01);

    assertThat(function.readConfig(control, 2)).isEqualTo(0x0003);
    assertThat(function.control()).isEqualTo(new PasidControl(true, true, false));
    assertThat(function.refusedControlWrites()).isEqualTo(2);
  }

  @Test
  void permissionsChangeTogetherWithEnable() {
    PassthroughFunction function = function("width=20,exec,priv");
    int control = control(function);
    function.writeConfig(control, 2, 0x0007);

    function.writeConfig(control, 2, 0x0002);
    function.writeConfig(control, 2, 0x0005);

    assertThat(function.control()).isEqualTo(new PasidControl(true, false, true));
    assertThat(function.refusedControlWrites()).isZero();
  }

  @Test
  void permissionThatTheHostLacksIsNeitherEnabledNorCounted() {
    PassthroughFunction function = function("width=16,priv");
    int control = control(function);
    function.writeConfig(control, 2, 0x0001);

    function.writeConfig(control, 2, 0xfffb);

    assertThat(function.readConfig(control, 2)).isEqualTo(0x0001);
    assertThat(function.refusedControlWrites()).isZero();
  }

  @Test
  void listenersHearOfChangesOnly() {
    PassthroughFunction function = function("width=20");
    List<PasidControl> heard = new ArrayList<>();
    function.listenToControl(heard::add);

    function.writeConfig(control(function), 2, 0x0001);
    function.writeConfig(control(function), 2, 0x0001);
    function.writeConfig(control(function) - 2, 2, 0x0000);
    function.writeConfig(control(function), 2, 0x0000);

    assertThat(heard).containsExactly(new PasidControl(true, false, false), PasidControl.OFF);
  }

  @Test
  void functionLevelResetByTheGuestTurnsPasidOff() {
    PassthroughFunction function = function("width=20");
    List<PasidControl> heard = new ArrayList<>();
    function.writeConfig(control(function), 2, 0x0001);
    function.writeConfig(COMMAND, 2, 0x0006);
    function.listenToControl(heard::add);

    function.writeConfig(DEVICE_CONTROL, 2, INITIATE_FLR);

    assertThat(function.readConfig(control(function), 2)).isZero();
    assertThat(function.readConfig(COMMAND, 2)).isZero();
    assertThat(heard).containsExactly(PasidControl.OFF);
  }

  @Test
  void resetByTheVmmResetsTheDeviceToo() {
    PassthroughFunction function = function("width=20");
    function.writeConfig(control(function), 2, 0x0001);
    function.writeConfig(COMMAND, 2, 0x0006);
    function.writeConfig(BAR0, 4, 0xfe000000);

    function.reset();

    assertThat(function.control()).isEqualTo(PasidControl.OFF);
    assertThat(function.readConfig(COMMAND, 2)).isZero();
    assertThat(function.readConfig(BAR0, 4)).isZero();
  }

  @Test
  void withoutAVpasidThePhysicalRegistersStayOutOfReach() {
    PassthroughFunction function = function("none");

    function.writeConfig(0x204, 4, -1);

    assertThat(function.synthesis()).isInstanceOf(Declined.class);
    assertThat(function.readConfig(0x200, 4)).isZero();
    assertThat(function.readConfig(0x204, 4)).isZero();
    assertThat(function.control()).isEqualTo(PasidControl.OFF);
  }
}
