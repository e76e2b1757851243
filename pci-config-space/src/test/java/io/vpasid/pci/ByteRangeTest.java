package io.vpasid.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ByteRangeTest {
  private static final ByteRange RANGE = ByteRange.between(0x10, 0x18);
  private static final ByteRange EMPTY = new ByteRange(0x14, 0);

  @ParameterizedTest
  @CsvSource({"-1, 8", "0, -1", "0x7fffffff, 1"})
  void rangeThatNoSpaceHasIsRefused(String offset, String length) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ByteRange(Integer.decode(offset), Integer.decode(length)))
        .withMessageStartingWith("A byte range needs offset and length of at least 0, not ");
  }

  @Test
  void rangeMayEndAtTheLastNumber() {
    assertThat(new ByteRange(0x7ffffff0, 0xf).end()).isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void endIsBehindTheLastByte() {
    assertThat(RANGE.end()).isEqualTo(0x18);
    assertThat(RANGE.isEmpty()).isFalse();
    assertThat(RANGE.contains(0x0f)).isFalse();
    assertThat(RANGE.contains(0x10)).isTrue();
    assertThat(RANGE.contains(0x17)).isTrue();
    assertThat(RANGE.contains(0x18)).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "0x10, 8, true",
    "0x11, 6, true",
    "0x0f, 8, false",
    "0x11, 8, false",
    "0x0f, 9, false",
    "0x10, 9, false",
    "0x18, 0, true",
    "0x19, 0, false",
  })
  void rangeContainsWhatEndsNoLater(String offset, int length, boolean contained) {
    assertThat(RANGE.contains(new ByteRange(Integer.decode(offset), length))).isEqualTo(contained);
  }

  @ParameterizedTest
  @CsvSource({
    "0x08, 8, false",
    "0x08, 9, true",
    "0x17, 1, true",
    "0x18, 8, false",
    "0x00, 64, true",
    "0x14, 0, false",
  })
  void rangesOverlapIfTheyShareAByte(String offset, int length, boolean overlapping) {
    ByteRange other = new ByteRange(Integer.decode(offset), length);

    assertThat(RANGE.overlaps(other)).isEqualTo(overlapping);
    assertThat(other.overlaps(RANGE)).isEqualTo(overlapping);
  }

  @Test
  void bothEndsAreShown() {
    assertThat(RANGE).hasToString("0x010-0x017");
    assertThat(EMPTY).hasToString("0x014 (empty)");
    assertThat(EMPTY.isEmpty()).isTrue();
    assertThat(new ByteRange(0xffe, 2)).hasToString("0xffe-0xfff");
    assertThat(new ByteRange(0x1000, 1)).hasToString("0x1000-0x1000");
  }
}
