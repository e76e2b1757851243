package io.vpasid.pci.emulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.testing.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GuestConfigSpaceTest {
  private final RecordingDevice device = new RecordingDevice();

  private GuestConfigSpace view(ConfigPatch... patches) {
    return GuestConfigSpace.over(device).patch(List.of(patches)).build();
  }

  /// The bytes of a capture, those behind its end as ones.
  private static int expected(byte[] bytes, int offset, int width) {
    int value = 0;
    for (int i = 0; i < width; i++) {
      int at = offset + i;
      value |= (at >= 0 && at < bytes.length ? bytes[at] & 0xff : 0xff) << (8 * i);
    }
    return value;
  }

  private static void assertReads(GuestConfigSpace view, byte[] bytes) {
    for (int offset = -4; offset < bytes.length + 4; offset++) {
      for (int width = 1; width <= 4; width <<= 1) {
        assertThat(view.read(offset, width))
            .as("%d bytes at %d", width, offset)
            .isEqualTo(expected(bytes, offset, width));
      }
    }
  }

  @Test
  void everyAccessToACaptureReadsItsBytes() {
    byte[] bytes = new byte[256];
    new Random(7).nextBytes(bytes);

    assertReads(GuestConfigSpace.over(DeviceConfig.readOnly(ConfigSpace.of(bytes))).build(), bytes);
  }

  @Test
  void everyAccessToASpaceThatIsAllOursReadsOurBits() {
    byte[] bytes = new byte[4096];
    new Random(8).nextBytes(bytes);
    GuestConfigSpace view =
        view(
            IntStream.range(0, 1024)
                .mapToObj(i -> ConfigPatch.readOnly(4 * i, expected(bytes, 4 * i, 4)))
                .toArray(ConfigPatch[]::new));

    assertReads(view, bytes);
    assertThat(device.accesses).isEmpty();
  }

  @Test
  void spaceWhoseDwordsAreAllOursInPartIsReadFromTheDeviceToo() {
    GuestConfigSpace view =
        view(
            IntStream.range(0, 1024)
                .mapToObj(i -> new ConfigPatch(4 * i, 0x00ff0f00, 0x005a0300, 0, 0))
                .toArray(ConfigPatch[]::new));
    byte[] bytes = device.bytes.clone();
    for (int at = 0; at < bytes.length; at += 4) {
      bytes[at + 1] = (byte) ((bytes[at + 1] & 0xf0) | 0x03);
      bytes[at + 2] = 0x5a;
    }

    assertReads(view, bytes);
  }

  @Test
  void patchesOutsideTheSpaceAreRefused() {
    GuestConfigSpace.Builder small =
        GuestConfigSpace.over(DeviceConfig.readOnly(ConfigSpace.of(new byte[256])));

    assertThatIllegalArgumentException()
        .isThrownBy(() -> small.patch(List.of(ConfigPatch.readOnly(0x100, 0))))
        .withMessage("No dword of this configuration space starts at 256");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> small.observe(0x42, (before, proposed, after) -> {}));
    assertThatIllegalArgumentException().isThrownBy(() -> small.rule(-4, (before, _) -> before));
  }

  @Test
  void firstDwordIsWrittenLikeOthers() {
    GuestConfigSpace view = view(new ConfigPatch(0, 0x000000ff, 0x11, 0xff, 0));

    view.write(0, 4, 0x44332211);

    assertThat(view.read(0, 4)).isEqualTo(0x44332211);
    assertThat(device.bytes).startsWith(expectedFirst());
  }

  private byte[] expectedFirst() {
    byte untouched = new RecordingDevice().bytes[0];
    return new byte[] {untouched, 0x22, 0x33, 0x44};
  }

  @Test
  void theVmmSetsEmulatedBitsWhateverTheGuestMayWrite() {
    List<Integer> observed = new ArrayList<>();
    GuestConfigSpace view =
        GuestConfigSpace.over(device)
            .patch(List.of(new ConfigPatch(0x200, 0x00ffffff, 0x11, 0x0000ff00, 0)))
            .rule(0x200, (before, _) -> before)
            .observe(0x200, (_, _, after) -> observed.add(after))
            .build();
    int devices = device.bytes[0x203] & 0xff;

    view.set(0x200, 0xffff00f0, 0xabcd12e7);

    assertThat(view.read(0x200, 4)).isEqualTo(devices << 24 | 0x00cd00e1);
    assertThat(observed).isEmpty();
    assertThat(device.accesses).noneMatch(access -> access.startsWith("w"));
  }

  @ParameterizedTest
  @ValueSource(ints = {-4, 1, 2, 0x1000})
  void theVmmSetsWholeDwordsOfTheSpaceOnly(int offset) {
    assertThatIllegalArgumentException().isThrownBy(() -> view().set(offset, -1, 0));
  }

  @Test
  void unpatchedAccessGoesToTheDeviceAsItIs() {
    GuestConfigSpace view = view();

    int value = view.read(0x10, 4);
    view.write(0x14, 2, 0xbeef);
    view.write(0x1c, 4, 0x11223344);
    view.write(0x1a, 2, 0xbeef);

    assertThat(value).isEqualTo(ConfigSpace.of(device.bytes).u32(0x10));
    assertThat(device.accesses).containsExactly("r4@10", "w2@14", "w4@1c", "w2@1a");
  }

  @Test
  void patchedDwordNeverReachesTheDevice() {
    GuestConfigSpace view = view(ConfigPatch.register(0x230, 0x2401001b, 0));

    assertThat(view.read(0x230, 4)).isEqualTo(0x2401001b);
    assertThat(view.read(0x232, 2)).isEqualTo(0x2401);
    assertThat(view.read(0x231, 1)).isEqualTo(0x00);
    view.write(0x230, 4, -1);
    view.write(0x233, 1, 0xff);

    assertThat(view.read(0x230, 4)).isEqualTo(0x2401001b);
    assertThat(device.accesses).isEmpty();
  }

  @Test
  void writableBitsTakeTheWriteAndTheOthersKeepTheirValue() {
    GuestConfigSpace view = view(ConfigPatch.register(0x234, 0x00001404, 0x00070000));

    view.write(0x236, 2, 0xffff);

    assertThat(view.read(0x234, 4)).isEqualTo(0x00071404);
  }

  @Test
  void byteWriteTouchesOnlyItsByte() {
    GuestConfigSpace view = view(ConfigPatch.register(0x100, 0, 0xffffffff));

    view.write(0x102, 1, 0x5a);

    assertThat(view.read(0x100, 4)).isEqualTo(0x005a0000);
  }

  @Test
  void writeOneToClearBitsClearOnOneAndKeepOnZero() {
    GuestConfigSpace view = view(new ConfigPatch(0x244, 0xffffffff, 0x00030000, 0, 0x00030000));

    view.write(0x244, 4, 0x00010000);

    assertThat(view.read(0x244, 4)).isEqualTo(0x00020000);
  }

  @Test
  void partlyPatchedByteIsMergedOnReadAndNeverWritten() {
    device.bytes[0x41] = 0x3c;
    GuestConfigSpace view = view(new ConfigPatch(0x40, 0x0000f000, 0x00005000, 0x0000f000, 0));

    assertThat(view.read(0x41, 1)).isEqualTo(0x5c);
    view.write(0x41, 1, 0xa1);

    assertThat(view.read(0x41, 1)).isEqualTo(0xac);
    assertThat(device.bytes[0x41]).isEqualTo((byte) 0x3c);
  }

  @Test
  void writeAcrossAPatchReachesTheDeviceOnlyInTheOtherBytes() {
    GuestConfigSpace view = view(new ConfigPatch(0x40, 0x0000ff00, 0, 0, 0));

    view.write(0x40, 4, 0x44332211);

    assertThat(device.accesses).containsExactly("w1@40", "w1@42", "w1@43");
  }

  @Test
  void accessAcrossADwordBorderIsSplitThere() {
    GuestConfigSpace view = view(ConfigPatch.register(0x204, 0x11223344, 0xffffffff));
    device.bytes[0x202] = 0x0a;
    device.bytes[0x203] = 0x0b;

    assertThat(view.read(0x202, 4)).isEqualTo(0x33440b0a);
    view.write(0x202, 4, 0xaabbccdd);

    assertThat(view.read(0x204, 4)).isEqualTo(0x1122aabb);
    assertThat(device.bytes[0x202]).isEqualTo((byte) 0xdd);
    assertThat(device.bytes[0x203]).isEqualTo((byte) 0xcc);
  }

  @Test
  void readOutsideGivesAllOnesAndWriteOutsideIsDropped() {
    GuestConfigSpace view = view();
    device.bytes[0xffe] = 0x12;
    device.bytes[0xfff] = 0x34;

    assertThat(view.read(0x1000, 4)).isEqualTo(-1);
    assertThat(view.read(-4, 2)).isEqualTo(0xffff);
    assertThat(view.read(Integer.MAX_VALUE, 4)).isEqualTo(-1);
    assertThat(view.read(0xffe, 4)).isEqualTo(0xffff3412);
    view.write(0x1000, 4, 0);
    view.write(Integer.MIN_VALUE, 4, 0);
    view.write(Integer.MAX_VALUE - 1, 4, 0);
  }

  @Test
  void otherWidthsAreRefused() {
    GuestConfigSpace view = view();

    assertThatThrownBy(() -> view.read(0, 3)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> view.write(0, 8, 0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> view.read(0, 0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> view.read(0, -1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void laterPatchReplacesTheBitsOfAnEarlierOne() {
    GuestConfigSpace view =
        view(
            ConfigPatch.register(0x100, 0xaaaaaaaa, 0xffffffff),
            new ConfigPatch(0x100, 0x0000ffff, 0x00001234, 0, 0));

    view.write(0x100, 4, 0);

    assertThat(view.read(0x100, 4)).isEqualTo(0x00001234);
  }

  @Test
  void resetBringsBackTheFirstValues() {
    GuestConfigSpace view = view(ConfigPatch.register(0x200, 0x77, 0xff));
    view.write(0x200, 1, 0x11);

    view.reset();

    assertThat(view.read(0x200, 1)).isEqualTo(0x77);
  }

  @Test
  void stickyBitsSurviveReset() {
    GuestConfigSpace view = view(new ConfigPatch(0x200, -1, 0x00ff, 0xffff, 0, 0xf00f));
    view.write(0x200, 4, 0xaaaa);

    view.reset();

    assertThat(view.read(0x200, 4)).isEqualTo(0xa0fa);
  }

  @Test
  void viewsStack() {
    GuestConfigSpace below = view(ConfigPatch.register(0x200, 0x11, 0xff));
    GuestConfigSpace above =
        GuestConfigSpace.over(below).patch(List.of(ConfigPatch.readOnly(0x204, 0x22))).build();

    above.write(0x202, 4, 0x44332255);
    above.write(0x200, 1, 0x66);

    assertThat(above.read(0x200, 4)).isEqualTo(0x66);
    assertThat(above.read(0x204, 4)).isEqualTo(0x22);
    assertThat(below.read(0x200, 1)).isEqualTo(0x66);
  }

  /// Random patches and accesses against a model that works bit by bit.
  @Test
  void readBackAfterWriteObeysTheMasks() {
    Seeds.forAll(
        200,
        seed -> {
          Random random = new Random(seed);
          RecordingDevice below = new RecordingDevice();
          List<ConfigPatch> patches = new ArrayList<>();
          boolean[] ours = new boolean[4096 * 8];
          boolean[] writable = new boolean[4096 * 8];
          boolean[] clearing = new boolean[4096 * 8];
          boolean[] state = new boolean[4096 * 8];
          boolean[] sticky = new boolean[4096 * 8];
          boolean[] initial = new boolean[4096 * 8];
          for (int i = 0; i < 12; i++) {
            int offset = 0x100 + 4 * random.nextInt(4);
            int mask = random.nextBoolean() ? -1 : random.nextInt();
            int bits = random.nextInt() & mask;
            int settable = random.nextInt() & mask;
            int clearable = random.nextInt() & mask & ~settable;
            int kept = random.nextInt() & mask;
            patches.add(new ConfigPatch(offset, mask, bits, settable, clearable, kept));
            for (int b = 0; b < 32; b++) {
              if ((mask >>> b & 1) != 0) {
                int bit = offset * 8 + b;
                ours[bit] = true;
                state[bit] = (bits >>> b & 1) != 0;
                writable[bit] = (settable >>> b & 1) != 0;
                clearing[bit] = (clearable >>> b & 1) != 0;
                sticky[bit] = (kept >>> b & 1) != 0;
                initial[bit] = state[bit];
              }
            }
          }
          GuestConfigSpace view = GuestConfigSpace.over(below).patch(patches).build();
          byte[] devices = below.bytes.clone();
          for (int i = 0; i < 300; i++) {
            int offset = 0xfc + random.nextInt(24);
            int width = 1 << random.nextInt(3);
            int value = random.nextInt();
            view.write(offset, width, value);
            for (int b = 0; b < width; b++) {
              int at = offset + b;
              boolean anyOurs = false;
              for (int k = 0; k < 8; k++) {
                anyOurs |= ours[at * 8 + k];
              }
              for (int k = 0; k < 8; k++) {
                int bit = at * 8 + k;
                boolean one = (value >>> (b * 8 + k) & 1) != 0;
                if (writable[bit]) {
                  state[bit] = one;
                } else if (clearing[bit] && one) {
                  state[bit] = false;
                }
              }
              if (!anyOurs) {
                devices[at] = (byte) (value >>> (b * 8));
              }
            }
            if (i == 150) {
              view.reset();
              for (int bit = 0; bit < state.length; bit++) {
                state[bit] = sticky[bit] ? state[bit] : initial[bit];
              }
            }
            int probe = 0xfc + random.nextInt(24);
            int expected = 0;
            for (int k = 0; k < 8; k++) {
              int bit = probe * 8 + k;
              boolean one = ours[bit] ? state[bit] : (devices[probe] >>> k & 1) != 0;
              expected |= one ? 1 << k : 0;
            }
            assertThat(view.read(probe, 1)).as("seed %d, step %d", seed, i).isEqualTo(expected);
          }
          assertThat(below.bytes).as("seed %d", seed).isEqualTo(devices);
        });
  }
}
