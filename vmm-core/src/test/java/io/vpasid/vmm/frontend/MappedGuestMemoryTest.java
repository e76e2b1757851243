package io.vpasid.vmm.frontend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.vmm.frontend.MappedGuestMemory.Range;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class MappedGuestMemoryTest {
  private final MemorySegment low = Arena.ofAuto().allocate(0x2000, 4096);
  private final MemorySegment high = Arena.ofAuto().allocate(0x1000, 4096);

  private final GuestMemory memory =
      MappedGuestMemory.of(
          new Range(0xffff_ffff_ffff_f000L, high),
          new Range(0x1000, low),
          new Range(0x8000, Arena.ofAuto().allocate(0x1000, 4096).asReadOnly()));

  @Test
  void valuesAreLittleEndian() throws GuestMemoryException {
    memory.storeLong(0x1008, 0x1122334455667788L);
    memory.storeInt(0x1010, 0x99aabbcc);
    assertThat(low.get(ValueLayout.JAVA_BYTE, 8)).isEqualTo((byte) 0x88);
    assertThat(memory.loadInt(0x1008)).isEqualTo(0x55667788);
    assertThat(memory.loadInt(0x1010)).isEqualTo(0x99aabbcc);
    assertThat(memory.loadLong(0x1008)).isEqualTo(0x1122334455667788L);
  }

  @Test
  void theLastAddressOfAllIsMemory() throws GuestMemoryException {
    memory.storeLong(-8, 5);
    assertThat(high.get(ValueLayout.JAVA_LONG, 0xff8)).isEqualTo(5);
  }

  @Test
  void wordsAreLoadedInAscendingOrder() throws GuestMemoryException {
    memory.storeLong(0x2000, 1);
    memory.storeLong(0x2008, 2);
    long[] words = new long[3];
    memory.loadLongs(0x2000, words, 2);
    assertThat(words).containsExactly(1, 2, 0);
  }

  @Test
  void wordsAreLoadedAcrossTwoRangesAndNotBeyondMemory() throws GuestMemoryException {
    MappedGuestMemory adjoining =
        MappedGuestMemory.of(new Range(0x1000, low), new Range(0x3000, high));
    adjoining.storeLong(0x2ff8, 1);
    adjoining.storeLong(0x3000, 2);
    long[] words = new long[2];
    adjoining.loadLongs(0x2ff8, words, 2);
    assertThat(words).containsExactly(1, 2);
    assertThatThrownBy(() -> memory.loadLongs(0x2ff8, words, 2))
        .hasMessage("0x3000 is not memory.");
  }

  @Test
  void compareAndSetStoresOnlyWhatWasExpected() throws GuestMemoryException {
    memory.storeLong(0x1000, 7);
    assertThat(memory.compareAndSetLong(0x1000, 6, 1)).isFalse();
    assertThat(memory.loadLong(0x1000)).isEqualTo(7);
    assertThat(memory.compareAndSetLong(0x1000, 7, 1)).isTrue();
    assertThat(memory.loadLong(0x1000)).isEqualTo(1);
  }

  @Test
  void otherAddressesAreNotMemory() {
    for (long address : new long[] {0, 0xff8, 0x3000, 0x9000, Long.MIN_VALUE, -0x1008}) {
      assertThatThrownBy(() -> memory.loadLong(address))
          .isInstanceOfSatisfying(
              GuestMemoryException.class, e -> assertThat(e.address()).isEqualTo(address))
          .hasMessage("0x" + Long.toHexString(address) + " is not memory.");
      assertThatThrownBy(() -> memory.storeInt(address, 1))
          .isInstanceOf(GuestMemoryException.class);
    }
  }

  @Test
  void readOnlyMemoryIsReadButNotWritten() throws GuestMemoryException {
    assertThat(memory.loadLong(0x8000)).isZero();
    ByteBuffer one = ByteBuffer.allocate(1);
    assertThatThrownBy(() -> memory.storeLong(0x8000, 1)).hasMessage("0x8000 is read-only.");
    assertThatThrownBy(() -> memory.storeInt(0x8000, 1)).hasMessage("0x8000 is read-only.");
    assertThatThrownBy(() -> memory.compareAndSetLong(0x8000, 0, 1))
        .hasMessage("0x8000 is read-only.");
    assertThatThrownBy(() -> memory.write(0x8001, one)).hasMessage("0x8001 is read-only.");
  }

  @Test
  void bytesAreCopiedFromWhereverTheyBegin() throws GuestMemoryException {
    byte[] text = "across the border of a page".getBytes(StandardCharsets.US_ASCII);
    memory.write(0x1ff7, ByteBuffer.wrap(text));
    ByteBuffer read = ByteBuffer.allocate(text.length);
    memory.read(0x1ff7, read);
    assertThat(read.array()).isEqualTo(text);
    assertThat(read.hasRemaining()).isFalse();
  }

  @Test
  void bytesThatGoOnWhereNoMemoryIsAreRefused() {
    ByteBuffer bytes = ByteBuffer.allocate(16);
    assertThatThrownBy(() -> memory.read(0x2ff8, bytes)).hasMessage("0x3000 is not memory.");
    assertThatThrownBy(() -> memory.write(0x2ff8, ByteBuffer.allocate(16)))
        .hasMessage("0x3000 is not memory.");
  }

  @Test
  void anAddressThatIsNotAlignedIsABug() {
    assertThatIllegalArgumentException().isThrownBy(() -> memory.loadLong(0x1004));
    assertThatIllegalArgumentException().isThrownBy(() -> memory.loadInt(0x1002));
    assertThatIllegalArgumentException().isThrownBy(() -> memory.storeInt(0x1001, 0));
    assertThatIllegalArgumentException().isThrownBy(() -> memory.compareAndSetLong(0x1004, 0, 0));
  }

  @Test
  void rangesAreWholePagesOfNativeMemoryThatDoNotOverlap() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Range(0, MemorySegment.ofArray(new byte[4096])));
    assertThatIllegalArgumentException().isThrownBy(() -> new Range(0x800, low));
    assertThatIllegalArgumentException().isThrownBy(() -> new Range(0, low.asSlice(0, 0x800)));
    assertThatIllegalArgumentException().isThrownBy(() -> new Range(-0x1000, low));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MappedGuestMemory.of(new Range(0x1000, low), new Range(0x2000, high)))
        .withMessageContaining("overlap at 0x2000");
  }
}
