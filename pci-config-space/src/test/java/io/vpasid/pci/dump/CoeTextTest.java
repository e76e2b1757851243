package io.vpasid.pci.dump;

import static io.vpasid.pci.dump.DumpTexts.LARGE;
import static io.vpasid.pci.dump.DumpTexts.config;
import static io.vpasid.pci.dump.DumpTexts.hex;
import static io.vpasid.pci.dump.DumpTexts.problem;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CoeTextTest {

  @Test
  void coeHasWordsInTheOrderOfTheSpace() {
    String words =
        IntStream.iterate(0, at -> at < 4096, at -> at + 4)
            .mapToObj(at -> hex(LARGE, at, 4, ""))
            .collect(Collectors.joining(",\n"));
    String text =
        "; made for a test\nmemory_initialization_radix=16;\nmemory_initialization_vector=\n; 0000\n"
            + words
            + ";\n";

    assertThat(config(text)).isEqualTo(LARGE);
    assertThat(config(text.replace(",\n", ", ").toUpperCase(Locale.ROOT))).isEqualTo(LARGE);
    assertThat(problem(text.replace("=16", "=2")))
        .hasMessage("text:2: memory_initialization_radix is 2: only 16 is read");
    assertThat(problem(text.replaceFirst("[0-9a-f]{8},", "86,")))
        .hasMessage("text:5: \"86\" is no word of 32 bits in 8 hex digits");
    assertThat(problem(text.replace(words, "")))
        .hasMessageEndingWith("memory_initialization_vector has no words");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "memory_initialization_vector=",
        "Memory_Initialization_VECTOR \t\n=",
        "memory_initialization_vectors memory_initialization_vector=",
        "memory_initialization_memory_initialization_vector="
      })
  void coeIsKnownByItsKeyWhereverThatStands(String key) {
    String words = "\n86 80 00 00;\n";

    for (int before = 0; before < 60; before++) {
      assertThat(problem("m".repeat(before) + key + words))
          .as("%d characters before the key", before)
          .hasMessageContaining("is no word of 32 bits in 8 hex digits");
    }
    int last = (64 << 10) - key.length();
    assertThat(problem("-".repeat(last) + key + words)).hasMessageContaining("is no word");
    assertThat(problem("-".repeat(last + 1) + key + words)).hasMessageContaining("is no dump");
    assertThat(problem(key.replaceAll("(?i)r\\s*=", "r:") + words))
        .hasMessageContaining("is no dump");
  }
}
