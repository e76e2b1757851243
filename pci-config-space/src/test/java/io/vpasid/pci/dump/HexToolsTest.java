package io.vpasid.pci.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.testing.InstalledTool;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Against the programs that make hex dumps.
class HexToolsTest {
  @TempDir private Path folder;

  private String dump(String command, ConfigSpace config) throws Exception {
    Path file = Files.write(folder.resolve("config"), config.toByteArray());
    return InstalledTool.run(
        Stream.concat(Arrays.stream(command.split(" ")), Stream.of(file.toString()))
            .toArray(String[]::new));
  }

  private static ConfigSpace hex(String text) {
    return Dumps.parse("text", text.getBytes(StandardCharsets.UTF_8)).getFirst().config();
  }

  /// Mostly zeros, which some programs fold, and one row that is repeated.
  private static ConfigSpace sparse() {
    byte[] bytes = new byte[4096];
    bytes[0] = 0x11;
    Arrays.fill(bytes, 0x800, 0x900, (byte) 0x7c);
    return ConfigSpace.of(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "xxd",
        "xxd -g 1",
        "xxd -u -c 8",
        "xxd -c 32",
        "xxd -a",
        "xxd -p",
        "xxd -p -c 0",
        "hexdump -C",
        "hexdump -v -C",
        "od -A x -t x1",
        "od -A x -t x1z",
        "od -v -A x -t x1 -w8",
        "od -v -A n -t x1",
      })
  void dumpsAreRead(String command) throws Exception {
    ConfigSpace random = new RandomSpaces(1).config(4096);
    ConfigSpace small = new RandomSpaces(2).config(256);

    assertThat(hex(dump(command, random))).isEqualTo(random);
    assertThat(hex(dump(command, small))).isEqualTo(small);
    assertThat(hex(dump(command, sparse()))).isEqualTo(sparse());
  }

  @ParameterizedTest
  @ValueSource(strings = {"hexdump", "hexdump -v", "od -A x -x", "xxd -e", "xxd -g 4"})
  void dumpsOfAnUnknownByteOrderAreRefused(String command) throws Exception {
    String text = dump(command, new RandomSpaces(1).config(4096));

    assertThatExceptionOfType(DumpException.class)
        .isThrownBy(() -> hex(text))
        .withMessageContaining("in an order that depends on the tool: dump it with `hexdump -C`");
  }

  @ParameterizedTest
  @ValueSource(strings = {"od -t x1", "od -A d -t x1"})
  void offsetsThatAreNotHexAreRefused(String command) throws Exception {
    String text = dump(command, new RandomSpaces(1).config(4096));

    assertThatExceptionOfType(DumpException.class)
        .isThrownBy(() -> hex(text))
        .withMessageStartingWith("text:2: offset 0x")
        .withMessageContaining("od needs -A x");
  }
}
