package io.vpasid.pci.dump;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vpasid.pci.ConfigSpace;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Two configuration spaces, as tools print them.
final class DumpTexts {
  static final ConfigSpace SMALL = new RandomSpaces(21).config(256);
  static final ConfigSpace LARGE = new RandomSpaces(22).config(4096);

  private DumpTexts() {}

  static String hex(ConfigSpace config, int at, int count, String between) {
    return HexFormat.ofDelimiter(between).formatHex(config.toByteArray(), at, at + count);
  }

  /// A line for each 16 bytes.
  static String rows(ConfigSpace config, IntFunction<String> line) {
    return IntStream.iterate(0, at -> at < config.size(), at -> at + 16)
        .mapToObj(line)
        .collect(Collectors.joining("\n", "", "\n"));
  }

  @SuppressWarnings("AnnotateFormatMethod") // its annotations are no library of the tests
  static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  static String hexdump(ConfigSpace config) {
    return rows(
        config,
        at ->
            format(
                "%08x  %s  %s  |................|",
                at, hex(config, at, 8, " "), hex(config, at + 8, 8, " ")));
  }

  static String xxd(ConfigSpace config) {
    return rows(config, at -> format("%08x: %s  ................", at, hex(config, at, 16, " ")));
  }

  static String numbers(ConfigSpace config, int at) {
    return IntStream.range(0, 4)
        .mapToObj(i -> format("%08x", config.u32(at + 4 * i)))
        .collect(Collectors.joining(" "));
  }

  static List<HostFunction> read(String text) {
    return Dumps.parse("text", text.getBytes(UTF_8));
  }

  static ConfigSpace config(String text) {
    assertThat(read(text)).hasSize(1);
    return read(text).getFirst().config();
  }

  static ConfigSpace config(String text, DumpForm form) {
    return Dumps.open("text", text.getBytes(UTF_8), Optional.of(form)).whole().getFirst().config();
  }

  static DumpException problem(String text) {
    return assertThatExceptionOfType(DumpException.class).isThrownBy(() -> read(text)).actual();
  }

  @SuppressWarnings("ImmutableEnumChecker") // a configuration space never changes
  enum Sized {
    SMALL_SPACE(SMALL),
    LARGE_SPACE(LARGE);

    final ConfigSpace config;

    Sized(ConfigSpace config) {
      this.config = config;
    }
  }
}
