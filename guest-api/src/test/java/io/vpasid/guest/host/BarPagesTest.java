package io.vpasid.guest.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.vmm.linux.Errno;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/// What the BARs of several functions take of the memory that they share.
class BarPagesTest {
  private final BarPages pages = BarPages.ofBytes(3 * BarPages.SIZE, 2 * BarPages.SIZE);
  private final BarMemory one = new BarMemory(pages);
  private final BarMemory other = new BarMemory(pages);

  private static Outcome write(BarMemory memory, long page) {
    return memory.write(0, page * BarPages.SIZE, ByteBuffer.wrap(new byte[] {7}));
  }

  private static byte read(BarMemory memory, long page) {
    ByteBuffer bytes = ByteBuffer.allocate(1);
    memory.read(0, page * BarPages.SIZE, bytes);
    return bytes.get(0);
  }

  @Test
  void theLastPageIsTheLast() {
    assertThat(write(one, 0)).isInstanceOf(Outcome.Done.class);
    assertThat(write(one, 1)).isInstanceOf(Outcome.Done.class);
    assertThat(write(other, 0)).isInstanceOf(Outcome.Done.class);
    assertThat(write(other, 1))
        .isInstanceOfSatisfying(
            Outcome.Failed.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.ENOSPC));
    assertThat(write(other, 0)).as("what is there can be written").isInstanceOf(Outcome.Done.class);
    assertThat(pages.bytesInUse()).isEqualTo(3 * BarPages.SIZE);
  }

  @Test
  void whatOneGivesBackIsZerosForTheOther() {
    for (long page = 0; page < 3; page++) {
      write(one, page);
    }
    one.clear();
    assertThat(pages.bytesInUse()).isZero();

    write(other, 5);

    ByteBuffer all = ByteBuffer.allocate(BarPages.SIZE);
    other.read(0, 5 * BarPages.SIZE, all);
    assertThat(all.array()[0]).isEqualTo((byte) 7);
    assertThat(java.util.Arrays.copyOfRange(all.array(), 1, BarPages.SIZE)).containsOnly(0);
    assertThat(read(one, 0)).isZero();
  }
}
