package io.vpasid.pci.dump;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.vpasid.testing.Seeds;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Damaged input of every form: the outcome is functions, or a DumpException that names the place.
class DumpMutationTest {
  private static final int ROUNDS = 2000;

  static Stream<Arguments> forms() {
    return Stream.concat(
        FormFiles.all().stream().map(file -> Arguments.of(file.name(), file.content())),
        Stream.of(
            Arguments.of("bytes", "86 80 00 00 ".repeat(64).getBytes(ISO_8859_1)),
            Arguments.of(
                "star",
                "00000000  86 80 00 00  |....|\n00000004  00 00 00 00  |....|\n*\n00000100\n"
                    .getBytes(ISO_8859_1)),
            Arguments.of("nothing", new byte[0])));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("forms")
  void damageIsNamedOrHarmless(String form, byte[] intact) {
    Seeds.forAll(
        ROUNDS,
        seed -> {
          byte[] damaged = damaged(intact, new Random(seed));
          try {
            DumpTarget.fuzzerTestOneInput(damaged);
          } catch (RuntimeException | AssertionError e) {
            fail(new String(damaged, ISO_8859_1), e);
          }
        });
  }

  /// With 256 bytes each: behind row 0xf0 of a longer one nothing tells that there was more.
  @Test
  void textThatIsCutAnywhereGivesWholeFunctionsOrAnError() {
    List<HostFunction> functions =
        new RandomSpaces(3)
            .functions(20).stream()
                .filter(function -> !function.config().isExtended())
                .limit(4)
                .toList();
    StringBuilder text = new StringBuilder();
    LspciText.write(functions, text);
    for (int length = 1; length < text.length(); length++) {
      byte[] cut = text.substring(0, length).getBytes(ISO_8859_1);
      try {
        List<HostFunction> found = Bare.functions(Dumps.parse("input", cut));
        assertThat(found).isEqualTo(functions.subList(0, found.size()));
      } catch (DumpException e) {
        DumpTarget.checkNamesThePlace(e, cut);
      }
    }
  }

  private static byte[] damaged(byte[] intact, Random random) {
    byte[] bytes = intact.clone();
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      int at = random.nextInt(bytes.length + 1);
      int length = Math.min(bytes.length - at, random.nextInt(60));
      bytes =
          switch (random.nextInt(6)) {
            case 0 -> Arrays.copyOf(bytes, at);
            case 1 -> joined(Arrays.copyOf(bytes, at), tail(bytes, at + length));
            case 2 -> joined(Arrays.copyOf(bytes, at + length), tail(bytes, at));
            case 3 -> overwritten(bytes, at, (byte) random.nextInt(256));
            case 4 -> overwritten(bytes, at, (byte) " \t\r\n:-.*#|0f".charAt(random.nextInt(12)));
            default ->
                joined(
                    Arrays.copyOf(bytes, at),
                    joined(new byte[] {(byte) random.nextInt(256)}, tail(bytes, at)));
          };
    }
    return bytes;
  }

  private static byte[] tail(byte[] bytes, int from) {
    return Arrays.copyOfRange(bytes, from, bytes.length);
  }

  private static byte[] joined(byte[] first, byte[] second) {
    byte[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }

  private static byte[] overwritten(byte[] bytes, int at, byte value) {
    byte[] changed = bytes.clone();
    if (at < changed.length) {
      changed[at] = value;
    }
    return changed;
  }
}
