package io.vpasid.guest.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FunctionTitleTest {
  private static HostFunction function(int classCode, String description) {
    byte[] bytes = new byte[256];
    bytes[0] = (byte) 0xde;
    bytes[1] = 0x10;
    bytes[8] = (byte) 0xa1;
    bytes[9] = (byte) classCode;
    bytes[10] = (byte) (classCode >> 8);
    bytes[11] = (byte) (classCode >> 16);
    return new HostFunction(new PciAddress(0, 1, 0, 0), description, ConfigSpace.of(bytes));
  }

  @ParameterizedTest
  @CsvSource({
    "030200, 3D controller (rev a1)",
    "010802, Non-volatile memory controller (rev a1)",
    "038000, Display controller (rev a1)",
    "ff0000, Class ff00 (rev a1)"
  })
  void withoutNamesTheClassIsSaidAndNotTheIds(String classCode, String title) {
    HostFunction function = function(Integer.parseInt(classCode, 16), "Class 0302: 10de:0000");

    assertThat(FunctionTitle.of(function, PciNames.none())).isEqualTo(title);
  }

  @Test
  void aSourcesOwnWordsAreKept() {
    HostFunction named = function(0x030200, "3D controller: NVIDIA Corporation GP108M");

    assertThat(FunctionTitle.of(named, PciNames.none())).isEqualTo(named.description());
    assertThat(FunctionTitle.hint(Stream.of(named), PciNames.none())).isEmpty();
  }

  @Test
  void aHintSaysWhereNamesComeFromIfOneIsMissing() {
    assertThat(FunctionTitle.hint(Stream.of(function(0x030200, "")), PciNames.none()))
        .hasValueSatisfying(hint -> assertThat(hint).contains("pci.ids"));
  }
}
