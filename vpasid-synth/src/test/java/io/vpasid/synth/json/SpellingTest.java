package io.vpasid.synth.json;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SpellingTest {
  private static final List<String> WORDS = List.of("offset", "length", "mask", "what");

  @Test
  void aSlipOfTheFingerIsRecognized() {
    assertThat(Spelling.nearest("ofset", WORDS)).contains("offset");
    assertThat(Spelling.nearest("offest", WORDS)).contains("offset");
    assertThat(Spelling.nearest("LENGTH", WORDS)).contains("length");
    assertThat(Spelling.nearest("masks", WORDS)).contains("mask");
  }

  @Test
  void anotherWordIsNot() {
    assertThat(Spelling.nearest("vendor", WORDS)).isEmpty();
    assertThat(Spelling.nearest("", WORDS)).isEmpty();
  }

  @Test
  void aVeryLongWordIsNotCompared() {
    assertThat(Spelling.nearest("offset".repeat(1_000_000), WORDS)).isEmpty();
  }

  @Test
  void swappingTwoNeighboursIsOneEdit() {
    assertThat(Spelling.edits("offest", "offset")).isEqualTo(1);
    assertThat(Spelling.edits("mask", "task")).isEqualTo(1);
    assertThat(Spelling.edits("mask", "")).isEqualTo(4);
    assertThat(Spelling.edits("kitten", "sitting")).isEqualTo(3);
  }
}
