package io.vpasid.pci.dump;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PartialSpace;
import io.vpasid.pci.PciAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/// The rows of one function after another, and the functions that they come to.
///
/// Rows come in ascending order. Those that a dump does not have leave a gap, and what damages a
/// function is remembered: it becomes an [IncompleteFunction], and the others are not spoiled.
final class CapturedRows {
  /// Most runs of missing bytes that a message names.
  private static final int MAX_NAMED = 4;

  private final String source;
  private final boolean describes;
  private final List<HostFunction> whole = new ArrayList<>();
  private final List<Closed> closed = new ArrayList<>();

  /// The function's bytes, complete up to [#next()] but for the missing ones. The parser of lspci
  /// text writes rows here itself.
  final byte[] config = new byte[ConfigSpace.EXTENDED_SIZE];

  private final BitSet missing = new BitSet(ConfigSpace.EXTENDED_SIZE);
  private int next;

  /// The last row, and whether it comes again.
  private byte[] repeated = {};

  private boolean repeating;
  private PciAddress address;
  private String description = "";
  private int line;
  private int lastRowLine;
  private int gapLine;
  private Optional<Damage> damage = Optional.empty();

  private record Damage(int line, String problem) {}

  /// A function that is not there as a whole. What to say of it depends on the others.
  private record Closed(
      PciAddress address,
      String description,
      int line,
      PartialSpace space,
      int next,
      int gapLine,
      int lastRowLine,
      Optional<Damage> damage) {

    boolean isHeaderOnly() {
      return damage.isEmpty() && gapLine == 0 && DumpFile.isHeaderOnly(next);
    }
  }

  /// @param address of the function whose rows come before any [#begin]
  /// @param describes whether a function without a description gets one from its ids
  CapturedRows(String source, PciAddress address, boolean describes) {
    this.source = source;
    this.address = address;
    this.describes = describes;
  }

  /// Begins a function; its rows follow.
  void begin(PciAddress at, String text, int where) {
    end();
    address = at;
    description = text;
    line = where;
  }

  /// Ends the function whose rows were read, if there were any.
  void end() {
    if (repeating) {
      damaged(lastRowLine, "the dump ends with \"*\", behind which an offset is needed");
    }
    if (next > 0 || damage.isPresent()) {
      int size =
          next > ConfigSpace.STANDARD_SIZE ? ConfigSpace.EXTENDED_SIZE : ConfigSpace.STANDARD_SIZE;
      if (next == size && missing.isEmpty() && damage.isEmpty()) {
        add(ConfigSpace.of(Arrays.copyOf(config, size)));
      } else {
        missing.set(Math.min(next, size), size);
        PartialSpace space = new PartialSpace(Arrays.copyOf(config, size), missing);
        closed.add(
            new Closed(address, description, line, space, next, gapLine, lastRowLine, damage));
      }
    }
    missing.clear();
    repeating = false;
    repeated = new byte[0];
    next = 0;
    gapLine = 0;
    lastRowLine = 0;
    damage = Optional.empty();
  }

  private void add(ConfigSpace space) {
    String text =
        describes && description.isEmpty()
            ? HostFunction.numericDescription(space.id(), space.classCode(), space.revision())
            : description;
    whole.add(new HostFunction(address, text, space, source, line));
  }

  /// Where the next row is due: behind the last one.
  int next() {
    return next;
  }

  PciAddress address() {
    return address;
  }

  /// True if rows are missing that a whole function has.
  boolean isWithin() {
    return next != 0 && next != ConfigSpace.STANDARD_SIZE && next != ConfigSpace.EXTENDED_SIZE;
  }

  /// Takes `count` bytes that stand in [#config] from `offset` on, which is not below [#next()].
  void took(int offset, int count, int where) {
    if (offset > next) {
      missing.set(next, offset);
      if (gapLine == 0) {
        gapLine = where;
      }
    }
    next = offset + count;
    lastRowLine = where;
  }

  /// Takes a row that may come in any order, and again as long as it says the same.
  ///
  /// @param offset 0 to 4095; the row does not reach beyond the space
  void row(int offset, byte[] bytes, int count, int where) {
    repeatTo(offset);
    for (int i = 0; i < count; i++) {
      int at = offset + i;
      if (at < next && !missing.get(at) && config[at] != bytes[i]) {
        damaged(
            where,
            String.format(
                Locale.ROOT,
                "offset 0x%x comes again with another byte; if another function begins here, the"
                    + " line that names it is missing or damaged; %s",
                at,
                again()));
        return;
      }
    }
    System.arraycopy(bytes, 0, config, offset, count);
    if (offset >= next) {
      took(offset, count, where);
    } else {
      missing.clear(offset, offset + count);
      next = Math.max(next, offset + count);
    }
    repeated = Arrays.copyOf(bytes, count);
  }

  /// The last row comes again up to the next one, or to where the dump says that it ends.
  void repeat() {
    repeating = repeated.length > 0;
  }

  /// Ends a repetition before `offset`.
  void repeatTo(int offset) {
    if (repeating) {
      repeating = false;
      while (next < offset) {
        int count = Math.min(repeated.length, offset - next);
        System.arraycopy(repeated, 0, config, next, count);
        next += count;
      }
    }
  }

  /// Remembers what is wrong with the function; the first counts.
  void damaged(int where, String problem) {
    if (damage.isEmpty()) {
      damage = Optional.of(new Damage(where, problem));
    }
  }

  /// True if any function had rows.
  boolean isEmpty() {
    return whole.isEmpty() && closed.isEmpty() && next == 0 && damage.isEmpty();
  }

  /// The functions that all rows make. There has been one row at least.
  Dump dump() {
    end();
    boolean onlyHeaders = whole.isEmpty() && closed.stream().allMatch(Closed::isHeaderOnly);
    List<IncompleteFunction> incomplete = new ArrayList<>();
    for (Closed c : closed) {
      Damage found = c.damage.orElseGet(() -> missing(c, onlyHeaders));
      incomplete.add(
          new IncompleteFunction(
              c.address, c.description, c.space, source, found.line, found.problem));
    }
    return new Dump(whole, incomplete);
  }

  private Damage missing(Closed c, boolean onlyHeaders) {
    String name = describes && c.line == 0 ? "the dump" : c.address.toString();
    if (c.isHeaderOnly()) {
      String why =
          onlyHeaders
              ? "which is what `lspci -x` shows, and -xxx and -xxxx without privileges: run"
                  + " `lspci -xxxx` as root"
              : "though other functions of the dump have more: its other rows were left out, or the"
                  + " device did not answer; "
                  + again();
      return new Damage(
          c.line == 0 ? c.lastRowLine : c.line, name + " has only " + c.next + " bytes, " + why);
    }
    if (c.gapLine == 0) {
      return new Damage(
          c.lastRowLine,
          String.format(
              Locale.ROOT,
              "%s ends before 0x%02x with %d %s, it must have 256 or 4096: it is cut off; %s",
              name,
              c.next,
              c.next,
              c.next == 1 ? "byte" : "bytes",
              again()));
    }
    List<ByteRange> runs = c.space.missing();
    String named =
        runs.stream().limit(MAX_NAMED).map(ByteRange::toString).collect(Collectors.joining(", "));
    return new Damage(
        c.gapLine,
        "%s has only %s here, without %s%s: rows were left out, or are damaged or out of order; %s"
            .formatted(
                name,
                c.space,
                named,
                runs.size() > MAX_NAMED ? " and " + (runs.size() - MAX_NAMED) + " more runs" : "",
                again()));
  }

  static String again() {
    return "capture it again with `lspci -xxxx` as root";
  }
}
