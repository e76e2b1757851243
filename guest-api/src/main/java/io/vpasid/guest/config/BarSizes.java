package io.vpasid.guest.config;

import io.vpasid.synth.json.Form;
import java.util.Collections;
import java.util.Map;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Sizes of a captured function's BARs, as far as somebody knows them; a capture does not have
/// them.
///
/// @param bytes sizes in bytes by the BAR's index, 0 to 5
public record BarSizes(Map<Integer, Long> bytes) {
  /// Nothing is known.
  public static final BarSizes UNKNOWN = new BarSizes(Map.of());

  /// The form in which one is written, for messages.
  public static final String FORM = "\"0=64K\", a BAR from 0 to 5 and its size";

  private static final Pattern SIZE = Pattern.compile("([0-9]{1,6})([KMGT]?)");
  private static final Pattern ONE = Pattern.compile("([0-5])=" + SIZE);

  public BarSizes {
    bytes = Collections.unmodifiableSortedMap(new TreeMap<>(bytes));
  }

  /// These sizes and one more.
  ///
  /// @param text index and size, as in `0=64K`; K, M, G and T are powers of 1024
  /// @throws IllegalArgumentException with a sentence, if it is none, or that BAR has one already
  public BarSizes with(String text) {
    Matcher m = ONE.matcher(text);
    if (!m.matches()) {
      throw new IllegalArgumentException("a BAR's size is written as " + FORM);
    }
    SortedMap<Integer, Long> more = new TreeMap<>(bytes);
    if (more.put(Integer.valueOf(m.group(1)), size(m.group(2), m.group(3))) != null) {
      throw new IllegalArgumentException("BAR " + m.group(1) + " has two sizes; leave one out");
    }
    return new BarSizes(more);
  }

  /// A number of bytes, with or without a unit, as in `64K`.
  ///
  /// @param form what it has to be, for messages
  static Form<Long> size(String form) {
    return Form.matching(SIZE, form).map(m -> size(m.group(1), m.group(2)));
  }

  private static long size(String digits, String unit) {
    return Long.parseLong(digits) << (unit.isEmpty() ? 0 : 10 * (1 + "KMGT".indexOf(unit)));
  }

  OptionalLong of(int index) {
    Long size = bytes.get(index);
    return size == null ? OptionalLong.empty() : OptionalLong.of(size);
  }
}
