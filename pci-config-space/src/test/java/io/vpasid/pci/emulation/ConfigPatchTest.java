package io.vpasid.pci.emulation;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigPatchTest {

  @ParameterizedTest
  @CsvSource({
    "2, 0000ffff, 0, 0, 0, 0",
    "-4, 0000ffff, 0, 0, 0, 0",
    "0, 0000ffff, 00010000, 0, 0, 0",
    "0, 0000ffff, 0, 00010000, 0, 0",
    "0, 0000ffff, 0, 0, 00010000, 0",
    "0, 0000ffff, 0, 0, 0, 00010000",
    "0, 0000ffff, 0, 1, 1, 0",
  })
  void patchThatContradictsItselfIsRefused(
      int offset, String mask, String bits, String writable, String clearing, String sticky) {
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            new ConfigPatch(
                offset,
                Integer.parseInt(mask, 16),
                Integer.parseInt(bits, 16),
                Integer.parseInt(writable, 16),
                Integer.parseInt(clearing, 16),
                Integer.parseInt(sticky, 16)));
  }
}
