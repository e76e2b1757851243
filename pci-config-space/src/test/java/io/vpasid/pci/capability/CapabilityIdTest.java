package io.vpasid.pci.capability;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.pci.capability.CapabilityId.Kind;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CapabilityIdTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          01   | PM    | Power Management (PM)
          05   | MSI   | Message Signaled Interrupts (MSI)
          07   | PCI-X | PCI-X
          10   | PCIe  | PCI Express (PCIe)
          11   | MSI-X | Extended Message Signaled Interrupts (MSI-X)
          15   | FPB   | Flattening Portal Bridge (FPB)
          16   | cap 0x16 | Unknown capability 0x16
          ff   | cap 0xff | Unknown capability 0xff
          """)
  void namesStandardCapabilities(String id, String mnemonic, String title) {
    CapabilityId standard = CapabilityId.standard(Integer.parseInt(id, 16));

    assertThat(standard.mnemonic()).isEqualTo(mnemonic);
    assertThat(standard.title()).isEqualTo(title);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          0001 | AER    | Advanced Error Reporting (AER)
          000f | ATS    | Address Translation Services (ATS)
          0010 | SR-IOV | Single Root I/O Virtualization (SR-IOV)
          0015 | ReBAR  | Resizable BAR
          001b | PASID  | Process Address Space ID (PASID)
          0036 | MRBL   | MMIO Register Block Locator (MRBL)
          003a | Captured    | Captured Data
          003b | ecap 0x3b   | Unknown extended capability 0x003b
          00ff | ecap 0xff   | Unknown extended capability 0x00ff
          0100 | ecap 0x0100 | Unknown extended capability 0x0100
          0123 | ecap 0x0123 | Unknown extended capability 0x0123
          ffff | ecap 0xffff | Unknown extended capability 0xffff
          """)
  void namesExtendedCapabilities(String id, String mnemonic, String title) {
    CapabilityId extended = CapabilityId.extended(Integer.parseInt(id, 16));

    assertThat(extended.mnemonic()).isEqualTo(mnemonic);
    assertThat(extended.title()).isEqualTo(title);
  }

  @Test
  void givesEveryIdANameOfItsOwn() {
    assertThat(IntStream.rangeClosed(0, 0xff).mapToObj(i -> CapabilityId.standard(i).mnemonic()))
        .doesNotHaveDuplicates()
        .noneMatch(String::isBlank);
    assertThat(IntStream.rangeClosed(0, 0xffff).mapToObj(i -> CapabilityId.extended(i).mnemonic()))
        .doesNotHaveDuplicates()
        .noneMatch(String::isBlank);
    assertThat(IntStream.rangeClosed(0, 0xffff).mapToObj(i -> CapabilityId.extended(i).title()))
        .doesNotHaveDuplicates()
        .noneMatch(String::isBlank);
  }

  @Test
  void equalsByKindAndValue() {
    assertThat(new CapabilityId(Kind.EXTENDED, 0x1b)).isEqualTo(CapabilityId.PASID);
    assertThat(CapabilityId.extended(0x1234)).isEqualTo(new CapabilityId(Kind.EXTENDED, 0x1234));
    assertThat(CapabilityId.standard(0x10))
        .isEqualTo(CapabilityId.PCI_EXPRESS)
        .isNotEqualTo(CapabilityId.SR_IOV);
  }

  @Test
  void hasTheSmallestAndTheLargestIdOfEachKind() {
    assertThat(new CapabilityId(Kind.STANDARD, 0)).isEqualTo(CapabilityId.standard(0));
    assertThat(new CapabilityId(Kind.STANDARD, 0xff)).isEqualTo(CapabilityId.standard(0xff));
    assertThat(new CapabilityId(Kind.EXTENDED, 0)).isEqualTo(CapabilityId.extended(0));
    assertThat(new CapabilityId(Kind.EXTENDED, 0xffff)).isEqualTo(CapabilityId.extended(0xffff));
  }

  @Test
  void knowsTheAssignedIds() {
    assertThat(CapabilityId.FLATTENING_PORTAL_BRIDGE.isKnown()).isTrue();
    assertThat(CapabilityId.standard(0x16).isKnown()).isFalse();
    assertThat(CapabilityId.CAPTURED_DATA.isKnown()).isTrue();
    assertThat(CapabilityId.extended(0x3b).isKnown()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0x100, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void refusesAStandardIdOfMoreThan8Bits(int value) {
    assertThatThrownBy(() -> CapabilityId.standard(value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Standard capability ids lie in 0 to 255, not " + value);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0x10000, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void refusesAnExtendedIdOfMoreThan16Bits(int value) {
    assertThatThrownBy(() -> CapabilityId.extended(value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Extended capability ids lie in 0 to 65535, not " + value);
  }
}
