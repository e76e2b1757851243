package io.vpasid.synth;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LayoutTest {
  private static Layout layout(String... namesAndValues) {
    Map<String, String> facts = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      facts.put(namesAndValues[i], namesAndValues[i + 1]);
    }
    return new Layout(facts);
  }

  /// As `printf 'device=f00d:0001\nvpasid=none\n' | sha256sum` has it.
  @Test
  void fingerprintIsTheSha256OfTheLines() {
    assertThat(layout("device", "f00d:0001", "vpasid", "none").fingerprint())
        .isEqualTo("sha256:90199b546341465ba00fe26bda48a7eac7a59a40aeb677989d3a2c6e55023fa0");
  }

  @Test
  void equalLayoutsDoNotDiffer() {
    Layout one = layout("a", "1", "b", "2");

    assertThat(one.differencesFrom(layout("a", "1", "b", "2"))).isEmpty();
    assertThat(one).isEqualTo(layout("a", "1", "b", "2"));
  }

  @Test
  void differencesAreOtherMissingAndAdditionalFacts() {
    assertThat(layout("a", "1", "c", "3").differencesFrom(layout("a", "0", "b", "2")))
        .extracting(Layout.Difference::toString)
        .containsExactly(
            "a: expected 0, found 1",
            "b: expected 2, found nothing",
            "c: expected nothing, found 3");
  }
}
