package io.vpasid.guest.config;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.emulation.Bar;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Puts the configuration space of a described function together: a type 0 header, and capabilities
/// that are linked in the order in which they come.
///
/// A capability without an offset goes behind the last one, standard ones from 0x40 on, extended
/// ones from 0x100 on, where the first always is.
final class FunctionBytes {
  private static final int FIRST_STANDARD = 0x40;
  private static final int FIRST_EXTENDED = ConfigSpace.STANDARD_SIZE;

  private final byte[] bytes = new byte[ConfigSpace.EXTENDED_SIZE];
  private final List<ByteRange> taken = new ArrayList<>();
  private int lastStandard = -1;
  private int lastExtended = -1;
  private int nextStandard = FIRST_STANDARD;
  private int nextExtended = FIRST_EXTENDED;

  /// Something cannot be where it is to be.
  static final class Misplaced extends Exception {
    private static final long serialVersionUID = 1L;

    Misplaced(String problem) {
      super(problem);
    }
  }

  void put8(int offset, int value) {
    bytes[offset] = (byte) value;
  }

  void put16(int offset, int value) {
    put8(offset, value);
    put8(offset + 1, value >>> 8);
  }

  void put32(int offset, int value) {
    put16(offset, value);
    put16(offset + 2, value >>> 16);
  }

  /// The bits of a BAR that say what it is.
  void putBar(Bar bar) {
    int bits =
        switch (bar.type()) {
          case IO -> 1;
          case MEMORY_32, EXPANSION_ROM -> 0;
          case MEMORY_64 -> 4;
        };
    put32(Header.BAR0 + 4 * bar.index(), bits | (bar.prefetchable() ? 8 : 0));
  }

  /// Adds a capability to the standard list.
  ///
  /// @param body what follows its id and next pointer
  void addStandard(int id, Optional<Integer> wanted, ByteBuffer body) throws Misplaced {
    int length = 2 + body.remaining();
    int at =
        place(wanted, nextStandard, length, new ByteRange(FIRST_STANDARD, 0x100 - FIRST_STANDARD));
    put8(at, id);
    put(at + 2, body);
    if (lastStandard < 0) {
      put16(Header.STATUS, Header.STATUS_CAPABILITIES_LIST);
      put8(Header.CAPABILITIES_POINTER, at);
    } else {
      put8(lastStandard + 1, at);
    }
    lastStandard = at;
    nextStandard = align(at + length);
  }

  /// Adds a capability to the extended list.
  ///
  /// @param body what follows its header
  void addExtended(int id, int version, Optional<Integer> wanted, ByteBuffer body)
      throws Misplaced {
    int length = 4 + body.remaining();
    if (lastExtended < 0 && wanted.orElse(FIRST_EXTENDED) != FIRST_EXTENDED) {
      throw new Misplaced("the first extended capability is always at 0x100");
    }
    int at =
        place(
            wanted,
            nextExtended,
            length,
            new ByteRange(FIRST_EXTENDED, ConfigSpace.EXTENDED_SIZE - FIRST_EXTENDED));
    put32(at, id | version << 16);
    put(at + 4, body);
    if (lastExtended >= 0) {
      put16(lastExtended + 2, (bytes[lastExtended + 2] & 0xf) | at << 4);
    }
    lastExtended = at;
    nextExtended = align(at + length);
  }

  /// Sets bytes that no capability describes.
  void putHidden(int offset, ByteBuffer values) throws Misplaced {
    claim(new ByteRange(offset, values.remaining()));
    put(offset, values);
  }

  private void put(int offset, ByteBuffer values) {
    values.duplicate().get(bytes, offset, values.remaining());
  }

  private int place(Optional<Integer> wanted, int next, int length, ByteRange space)
      throws Misplaced {
    int at = wanted.orElse(next);
    if ((at & 3) != 0) {
      throw new Misplaced("a capability starts at a multiple of 4, not at " + hex(at));
    }
    if (at < space.offset() || at + length > space.end()) {
      throw new Misplaced(
          String.format(
              Locale.ROOT,
              "%d bytes at %s do not lie within %s to %s",
              length,
              hex(at),
              hex(space.offset()),
              hex(space.end() - 1)));
    }
    claim(new ByteRange(at, length));
    return at;
  }

  private void claim(ByteRange range) throws Misplaced {
    for (ByteRange other : taken) {
      if (other.overlaps(range)) {
        throw new Misplaced(
            "the bytes from %s on are taken already, from %s to %s"
                .formatted(hex(range.offset()), hex(other.offset()), hex(other.end() - 1)));
      }
    }
    taken.add(range);
  }

  private static int align(int offset) {
    return (offset + 3) & ~3;
  }

  private static String hex(int offset) {
    return String.format(Locale.ROOT, "0x%03x", offset);
  }

  ConfigSpace build() {
    return ConfigSpace.of(bytes);
  }
}
