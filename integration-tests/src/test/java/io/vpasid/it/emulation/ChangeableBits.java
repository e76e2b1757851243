package io.vpasid.it.emulation;

import io.vpasid.it.walker.Step;
import io.vpasid.it.walker.Walk;
import io.vpasid.it.walker.Walker;
import io.vpasid.pci.emulation.Bar;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.stream.Stream;

/// The most that guest writes may change in a function, and some that they always do, told by hand
/// from the register drawings of the PCI Express Base Specification 7.0: a mask per dword, of
/// read-write and write-1-to-clear bits and of those that follow them. A particular function has
/// fewer; none has more.
///
/// Capabilities are those that Linux, EDK2 or lspci finds. Where they lie on each other each has
/// its say: what only one of the three takes for a header ends no capability of the others.
final class ChangeableBits {
  private static final int ALL = -1;
  private static final int RESIZABLE_BAR = 0x15;
  private static final int BUS_MASTER_ENABLE = 0x4;
  private static final int CACHE_LINE_SIZE = 0xff;
  private static final int INTERRUPT_LINE = 0xff;
  private static final long SMALLEST_OF_RESIZABLE = 1 << 20;

  /// Dwords by offset in the header, of every header and of layouts 0 and 1.
  private static final Map<Integer, Integer> EVERY_HEADER =
      Map.of(0x04, 0xf900_0777, 0x0c, 0x0000_ffff, 0x3c, 0x0000_00ff);

  private static final Map<Integer, Integer> BRIDGE =
      Map.of(
          0x18,
          ALL,
          0x1c,
          0xf900_f0f0,
          0x20,
          0xfff0_fff0,
          0x24,
          0xfff0_fff0,
          0x28,
          ALL,
          0x2c,
          ALL,
          0x30,
          ALL,
          0x3c,
          0x0fff_00ff);

  /// Dwords by offset in the capability, by id.
  private static final Map<Integer, Map<Integer, Integer>> STANDARD =
      Map.of(
          0x01, Map.of(0x04, 0x0000_8103),
          0x02, Map.of(0x08, 0xff00_ff37),
          0x03, Map.of(0x00, 0xffff_0000, 0x04, ALL),
          0x07, Map.of(0x00, 0x007f_0000, 0x04, 0x203c_0000, 0x08, 0xffff_0000, 0x0c, 0xffff_0000),
          0x08, Map.of(0x00, 0x0001_0000),
          0x10,
              Map.of(
                  0x08,
                  0x004f_ffff,
                  0x10,
                  0xc000_ffdb,
                  0x18,
                  0x011f_77ff,
                  0x1c,
                  0x0000_001f,
                  0x20,
                  0x0001_0000,
                  0x28,
                  0x0000_ffff,
                  0x30,
                  0x8020_ffbf),
          0x11, Map.of(0x00, 0xc000_0000));

  private static final Map<Integer, Map<Integer, Integer>> EXTENDED =
      Map.ofEntries(
          Map.entry(
              0x01,
              Map.of(
                  0x04,
                  0xffff_f030,
                  0x08,
                  0xffff_f030,
                  0x0c,
                  0xffff_f030,
                  0x10,
                  0x0000_f1c1,
                  0x14,
                  0x0000_f1c1,
                  0x18,
                  0x0000_0540,
                  0x2c,
                  0x0000_0007,
                  0x30,
                  0x0000_007f)),
          Map.entry(
              0x0d,
              Map.of(
                  0x04,
                  0x1fff_0000,
                  0x08,
                  ALL,
                  0x0c,
                  ALL,
                  0x10,
                  ALL,
                  0x14,
                  ALL,
                  0x18,
                  ALL,
                  0x1c,
                  ALL,
                  0x20,
                  ALL,
                  0x24,
                  ALL)),
          Map.entry(0x0e, Map.of(0x04, 0x0073_0000)),
          Map.entry(0x0f, Map.of(0x04, 0x801f_0000)),
          Map.entry(0x10, Map.of(0x08, 0x0001_007f, 0x10, 0x0000_ffff, 0x20, ALL)),
          Map.entry(0x13, Map.of(0x04, 0x0103_0001, 0x0c, ALL)),
          Map.entry(
              0x15,
              Map.of(
                  0x08, 0x3f00, 0x10, 0x3f00, 0x18, 0x3f00, 0x20, 0x3f00, 0x28, 0x3f00, 0x30,
                  0x3f00)),
          Map.entry(0x16, Map.of(0x0c, 0x001f_011f)),
          Map.entry(0x18, Map.of(0x04, 0x1fff_1fff)),
          Map.entry(0x19, Map.of(0x04, 0x0000_fe02, 0x08, ALL)),
          Map.entry(0x1b, Map.of(0x04, 0x000f_0000)),
          Map.entry(0x1e, Map.of(0x08, 0xe3ff_ff3f, 0x0c, 0x0000_00fb, 0x10, 0x0000_0001)),
          Map.entry(0x1f, Map.of(0x08, 0x0000_ff03)));

  /// Capabilities whose registers are too many for a table here: of them all dwords behind the
  /// first may change, up to the next header.
  private static final List<Integer> UNCHECKED_STANDARD = List.of(0x14);

  private static final List<Integer> UNCHECKED_EXTENDED =
      List.of(
          0x02, 0x06, 0x08, 0x09, 0x12, 0x17, 0x1c, 0x1d, 0x21, 0x26, 0x27, 0x29, 0x2e, 0x2f, 0x30);

  private final ByteBuffer bytes;
  private final int[] masks;
  private final int[] certain;

  /// The headers of the walk at hand.
  private final NavigableSet<Integer> headers = new TreeSet<>();

  private ChangeableBits(byte[] config) {
    bytes = ByteBuffer.wrap(config).order(ByteOrder.LITTLE_ENDIAN);
    masks = new int[config.length / 4];
    certain = new int[config.length / 4];
  }

  /// Those of a function with these bytes and BARs.
  static ChangeableBits of(byte[] config, List<Bar> bars) {
    ChangeableBits all = new ChangeableBits(config);
    boolean isBridge = (config[0x0e] & 0x7f) == 1;
    all.allow(0, EVERY_HEADER);
    all.allow(0, isBridge ? BRIDGE : Map.of());
    List<Walk> walks = Walker.ALL.stream().map(walker -> walker.walk(config)).toList();
    boolean isResizable = walks.stream().anyMatch(walk -> walk.find(RESIZABLE_BAR).isPresent());
    for (Bar bar : bars) {
      long size = isResizable ? Math.min(bar.size(), SMALLEST_OF_RESIZABLE) : bar.size();
      all.allow(bar, size, isBridge ? 0x38 : 0x30);
    }
    all.certain[0x04 / 4] = BUS_MASTER_ENABLE;
    all.certain[0x0c / 4] = CACHE_LINE_SIZE;
    all.certain[0x3c / 4] = INTERRUPT_LINE;
    for (Bar bar : isResizable ? List.<Bar>of() : bars) {
      int register = bar.index() == Bar.ROM ? isBridge ? 0x38 : 0x30 : 0x10 + 4 * bar.index();
      all.certain[register / 4] = all.masks[register / 4];
    }
    for (Walk walk : walks) {
      all.headers.clear();
      standardCapabilities(walk).forEach(step -> all.headers.add(step.offset()));
      walk.capabilities().forEach(step -> all.headers.add(step.offset()));
      standardCapabilities(walk).forEach(all::allowStandard);
      walk.capabilities().forEach(all::allowExtended);
    }
    return all;
  }

  /// What comes before the walk leaves for the header, where some go on, without null capabilities.
  private static Stream<Step> standardCapabilities(Walk walk) {
    return walk.standard().stream()
        .takeWhile(step -> step.offset() >= 0x40)
        .filter(step -> step.standardId() != 0);
  }

  private void allowStandard(Step step) {
    int id = step.standardId();
    if (id == 0x05) {
      allowMsi(step.offset());
    } else if (UNCHECKED_STANDARD.contains(id)) {
      allowUpToNextHeader(step.offset());
    } else {
      allow(step.offset(), STANDARD.getOrDefault(id, Map.of()));
    }
  }

  private void allowExtended(Step step) {
    if (UNCHECKED_EXTENDED.contains(step.extendedId())) {
      allowUpToNextHeader(step.offset());
    } else {
      allow(step.offset(), EXTENDED.getOrDefault(step.extendedId(), Map.of()));
    }
  }

  /// Enable, number and address; then the data and the mask bits, behind the upper half of the
  /// address if it has 64 bits.
  private void allowMsi(int offset) {
    int control = bytes.getShort(offset + 2);
    boolean has64Bits = (control & 0x80) != 0;
    boolean hasMasks = (control & 0x100) != 0;
    allow(offset, Map.of(0x00, 0x0471_0000, 0x04, 0xffff_fffc, 0x08, ALL));
    allow(offset + 0x0c, has64Bits || hasMasks ? ALL : 0);
    allow(offset + 0x10, has64Bits && hasMasks ? ALL : 0);
  }

  private void allow(Bar bar, long size, int rom) {
    int register = bar.index() == Bar.ROM ? rom : 0x10 + 4 * bar.index();
    allow(register, (int) -size | (bar.index() == Bar.ROM ? 1 : 0));
    allow(register + 4, bar.type() == Bar.Type.MEMORY_64 ? (int) (-size >> 32) : 0);
  }

  private void allowUpToNextHeader(int offset) {
    Integer next = headers.higher(offset);
    int end = next == null ? bytes.capacity() : next;
    for (int at = offset + 4; at < end; at += 4) {
      allow(at, ALL);
    }
  }

  private void allow(int offset, Map<Integer, Integer> registers) {
    registers.forEach((register, mask) -> allow(offset + register, mask));
  }

  private void allow(int offset, int mask) {
    if (offset / 4 < masks.length) {
      masks[offset / 4] |= mask;
    }
  }

  /// What is wrong with what a write made of the dword at `offset`; empty if nothing is: bits
  /// changed that may not, or bits did not take what was written that every function takes.
  ///
  /// @param touched the bits that were written
  /// @param value what was written to them
  String wrong(int offset, int before, int after, int touched, int value) {
    int changed = (before ^ after) & ~masks[offset / 4];
    int missed = (after ^ value) & touched & certain[offset / 4];
    return changed == 0 && missed == 0
        ? ""
        : String.format(Locale.ROOT, "%03x: %08x changed, %08x not taken", offset, changed, missed);
  }
}
