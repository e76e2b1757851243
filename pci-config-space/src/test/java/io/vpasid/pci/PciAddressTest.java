package io.vpasid.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PciAddressTest {

  private static PciAddress address(String text) {
    return PciAddress.parse(text).orElseThrow();
  }

  @ParameterizedTest
  @CsvSource({
    "6a:01.0, 0000:6a:01.0",
    "0:0.0, 0000:00:00.0",
    "0001:FF:1F.7, 0001:ff:1f.7",
    "ffff:00:1f.2, ffff:00:1f.2",
    "10000:e1:00.0, 10000:e1:00.0",
    "7fffffff:00:00.0, 7fffffff:00:00.0",
  })
  void addressIsShownAsSysfsDoes(String text, String shown) {
    assertThat(address(text)).hasToString(shown);
    assertThat(address(shown)).isEqualTo(address(text)).hasSameHashCodeAs(address(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "01:00", "01:00.8", "01:20.0", "100:00.0", "80000000:00:00.0", "g:00.0", "1"})
  void otherTextIsNoAddress(String text) {
    assertThat(PciAddress.parse(text)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"-1,0,0,0", "0,256,0,0", "0,-1,0,0", "0,0,32,0", "0,0,0,8"})
  void numberOutOfItsRangeIsRefused(int domain, int bus, int device, int function) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PciAddress(domain, bus, device, function))
        .withMessageStartingWith("No PCI address: domain " + domain);
  }

  @Test
  void addressesAreInTheOrderOfTheirNumbers() {
    List<PciAddress> ascending =
        List.of(
            address("0000:00:00.1"),
            address("0000:00:01.0"),
            address("0000:01:00.0"),
            address("0001:00:00.0"),
            address("10000:00:00.0"));

    assertThat(ascending.reversed().stream().sorted()).containsExactlyElementsOf(ascending);
    assertThat(ascending).doesNotHaveDuplicates();
    assertThat(ascending.stream().map(PciAddress::hashCode)).doesNotHaveDuplicates();
  }

  @Test
  void addressIsNoText() {
    assertThat(address("01:00.0")).isNotEqualTo("0000:01:00.0");
  }

  @Test
  void idsHaveFourDigitsEach() {
    assertThat(PciId.parse("8086:0B25")).contains(new PciId(0x8086, 0xb25));
    assertThat(PciId.parse("8086:b25")).isEmpty();
    assertThat(new PciId(0x8086, 0xb25)).hasToString("8086:0b25");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PciId(0x10000, 0))
        .withMessage("PCI ids have 16 bits, not 10000:0");
    assertThatIllegalArgumentException().isThrownBy(() -> new PciId(0, -1));
  }
}
