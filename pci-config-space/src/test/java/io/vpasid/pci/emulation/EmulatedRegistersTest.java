package io.vpasid.pci.emulation;

import static io.vpasid.pci.emulation.RegisterReads.afterAllOnes;
import static io.vpasid.pci.emulation.RegisterReads.assertHex;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// The registers of a function as a whole: what they patch, what stays as captured, when two are
/// equal.
class EmulatedRegistersTest {

  @Test
  void resetThatTheGuestMakesIsHeard() {
    int[] resets = {0};
    ConfigSpace captured = Capture.endpoint().config();
    GuestConfigSpace function =
        EmulatedRegisters.ofFunction(captured, List.of())
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(captured)))
            .onReset(() -> resets[0]++)
            .build();

    function.write(0x48, 4, 0x00002810);
    function.write(0x49, 1, 0x80);

    assertThat(resets[0]).isEqualTo(1);
  }

  @Test
  void deviceBelowIsNotAsked() {
    ConfigSpace captured = Capture.endpoint().u32(0xe00, 0xcafe).config();
    EmulatedRegisters registers = EmulatedRegisters.ofFunction(captured, List.of());
    GuestConfigSpace function =
        registers
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(Capture.extended().config())))
            .build();

    assertHex(function.read(0xe00, 4)).isEqualTo(0xcafe);
    assertThat(registers.patches()).hasSizeGreaterThan(4096 / 4);
    assertThat(registers).hasSameHashCodeAs(EmulatedRegisters.ofFunction(captured, List.of()));
    assertThat(registers.hashCode())
        .isNotEqualTo(
            EmulatedRegisters.ofFunction(Capture.extended().config(), List.of()).hashCode());
  }

  @Test
  void vendorsRegistersStayAsCaptured() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x0b, 1)
            .u32(0x104, 0x01000001)
            .u32(0x108, 0x12345678)
            .u32(0xe00, 0xcafe)
            .emulated();

    assertHex(afterAllOnes(function, 0x108, 4)).isEqualTo(0x12345678);
    assertHex(afterAllOnes(function, 0xe00, 4)).isEqualTo(0xcafe);
  }

  @Test
  void capabilityUnderAnothersHeaderStaysAsCaptured() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x13, 1)
            .u32(0x104, 0x80030001)
            .extended(0x10c, 0x0f, 1)
            .emulated();

    assertHex(afterAllOnes(function, 0x104, 4)).isEqualTo(0x80030001);
    assertHex(afterAllOnes(function, 0x10c, 4)).isEqualTo(0x0001000f);
    assertHex(afterAllOnes(function, 0x110, 4)).isEqualTo(0x801f0000);
  }

  @Test
  void someCapabilitiesAloneAreEmulatedOverADevice() {
    ConfigSpace shown =
        Capture.endpoint()
            .extended(0x100, 0x0f, 1)
            .u32(0x104, 0x80000060)
            .extended(0x110, 0x13, 1)
            .config();

    EmulatedRegisters registers =
        EmulatedRegisters.ofCapabilities(
            shown, CapabilityChain.walk(shown), Set.of(CapabilityId.ATS));

    assertThat(registers.patches()).containsExactly(ConfigPatch.register(0x104, 0x60, 0x801f0000));
    assertThat(registers)
        .isEqualTo(
            EmulatedRegisters.ofCapabilities(
                shown, CapabilityChain.walk(shown), Set.of(CapabilityId.ATS)))
        .isNotEqualTo(EmulatedRegisters.ofFunction(shown, List.of()));
  }

  @Test
  void registersOfCapabilitiesAreEqualWhereTheyBehaveTheSame() {
    EmulatedRegisters d1 = powerManagement(Capture.endpoint(), 0x0203);
    EmulatedRegisters d1Too = powerManagement(Capture.endpoint().u32(0xc0, 0x12345678), 0x0203);
    EmulatedRegisters d2 = powerManagement(Capture.endpoint(), 0x0403);

    assertThat(d1).isEqualTo(d1Too).hasSameHashCodeAs(d1Too);
    assertThat(d1.patches()).isEqualTo(d2.patches());
    assertThat(d1).isNotEqualTo(d2);
  }

  private static EmulatedRegisters powerManagement(Capture capture, int capabilities) {
    ConfigSpace config = capture.standard(0x80, 0x01).u16(0x82, capabilities).config();
    return EmulatedRegisters.ofCapabilities(
        config, CapabilityChain.walk(config), Set.of(CapabilityId.POWER_MANAGEMENT));
  }
}
