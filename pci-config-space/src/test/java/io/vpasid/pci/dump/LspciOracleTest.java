package io.vpasid.pci.dump;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.testing.InstalledTool;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Against pciutils, which reads what is written here and writes what is read here.
class LspciOracleTest {
  @TempDir private Path folder;

  private Path write(List<HostFunction> functions) throws Exception {
    Path file = folder.resolve("machine.txt");
    try (Writer out = Files.newBufferedWriter(file)) {
      LspciText.write(functions, out);
    }
    return file;
  }

  /// lspci sorts its output by address.
  private static List<String> sortedRows(String text) {
    return text.lines()
        .filter(line -> line.matches("[0-9a-f]{2,3}:( [0-9a-f]{2})+"))
        .sorted()
        .toList();
  }

  @Needs(Need.LSPCI)
  @Test
  void lspciReadsTheSameBytes() throws Exception {
    List<HostFunction> functions = new RandomSpaces(5).functions(500);
    Path file = write(functions);

    String printed = InstalledTool.run("lspci", "-F", file.toString(), "-D", "-n", "-xxxx");

    assertThat(Bare.undescribed(LspciText.parse("lspci", printed)))
        .containsExactlyInAnyOrderElementsOf(Bare.undescribed(functions));
    assertThat(sortedRows(printed)).isEqualTo(sortedRows(Files.readString(file)));
  }

  @Needs(Need.LSPCI)
  @ParameterizedTest
  @ValueSource(strings = {"%04x: ", "%05x: ", "%06x: ", "%07x: ", "%08x: "})
  void lspciReadsRowsWithLongOffsetsToo(String offset) throws Exception {
    ConfigSpace config = new RandomSpaces(7).config(4096);
    StringBuilder text = new StringBuilder("01:00.0 NVMe\n");
    for (int at = 0; at < 4096; at += 16) {
      text.append(String.format(Locale.ROOT, offset, at))
          .append(HexFormat.ofDelimiter(" ").formatHex(config.toByteArray(), at, at + 16))
          .append('\n');
    }
    Path file = Files.writeString(folder.resolve("nvme.txt"), text);

    String printed = InstalledTool.run("lspci", "-F", file.toString(), "-D", "-n", "-xxxx");

    assertThat(Bare.undescribed(LspciText.parse("lspci", printed)))
        .isEqualTo(Bare.undescribed(Dumps.read(file)));
  }

  @Needs(Need.LSPCI)
  @Test
  void lspciReadsTheLongestDescription() throws Exception {
    HostFunction random = new RandomSpaces(6).functions(1).getFirst();
    HostFunction function = new HostFunction(random.address(), "é".repeat(1000), random.config());

    String printed =
        InstalledTool.run("lspci", "-F", write(List.of(function)).toString(), "-D", "-n", "-xxxx");

    assertThat(LspciText.parse("lspci", printed))
        .singleElement()
        .extracting(HostFunction::config)
        .isEqualTo(function.config());
  }

  @Needs({Need.CAPTURES, Need.LSPCI})
  @ParameterizedTest
  @MethodSource("io.vpasid.pci.dump.Corpus#entries")
  void capturedFunctionsAreTheSameBehindLspci(Corpus.Entry entry) throws Exception {
    List<HostFunction> functions = Dumps.read(entry.file());
    String file = entry.file().toString();

    String plain = InstalledTool.run("lspci", "-F", file, "-D", "-xxxx");
    String decoded = InstalledTool.run("lspci", "-F", file, "-vvv", "-nn", "-xxxx");

    assertThat(Bare.undescribed(LspciText.parse("plain", plain)))
        .containsExactlyInAnyOrderElementsOf(Bare.undescribed(functions));
    assertThat(Bare.undescribed(LspciText.parse("decoded", decoded)))
        .containsExactlyInAnyOrderElementsOf(Bare.undescribed(functions));
  }
}
