package io.vpasid.vmm.linux.calls;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BudgetTest {
  private final Budget whole = Budget.of(10);
  private final Budget one = whole.share(6);
  private final Budget other = whole.share(6);

  @Test
  void aPeerGetsItsShareAndNoMore() {
    assertThat(one.take(6)).isTrue();
    assertThat(one.take(1)).isFalse();
    assertThat(whole.taken()).isEqualTo(6);
  }

  @Test
  void peersGetTheWholeAndNoMore() {
    assertThat(one.take(6)).isTrue();
    assertThat(other.take(5)).isFalse();
    assertThat(other.taken()).as("what was refused").isZero();
    assertThat(other.take(4)).isTrue();
    one.giveBack(6);
    assertThat(other.take(2)).isTrue();
    assertThat(whole.taken()).isEqualTo(6);
  }

  @Test
  void amountsDoNotOverflow() {
    assertThat(one.take(6)).isTrue();
    assertThat(one.take(Long.MAX_VALUE)).isFalse();
  }

  @Test
  void aProcessHasRoomForAnOrdinaryVmm() {
    MemoryBudget process = MemoryBudget.ofProcess();

    assertThat(process.files().most()).isBetween(1000L, 1L << 31);
    assertThat(process.descriptors().most()).isBetween(256L, 1L << 31);
    assertThat(process.bytes().most()).isEqualTo(64L << 40);
  }
}
