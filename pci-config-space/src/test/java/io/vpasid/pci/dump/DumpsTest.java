package io.vpasid.pci.dump;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class DumpsTest {
  private static final List<HostFunction> FUNCTIONS = new RandomSpaces(1).functions(3);

  @TempDir private Path folder;

  private static String text() {
    StringBuilder text = new StringBuilder();
    LspciText.write(FUNCTIONS, text);
    return text.toString();
  }

  private Path file(byte[] content) throws IOException {
    return Files.write(folder.resolve("machine.bin"), content);
  }

  private static DumpException problem(Path path) {
    return assertThatExceptionOfType(DumpException.class)
        .isThrownBy(() -> Dumps.read(path))
        .actual();
  }

  @Test
  void lspciTextIsKnownByItsContent() throws Exception {
    assertThat(Dumps.read(file(text().getBytes(UTF_8))))
        .extracting(HostFunction::config)
        .containsExactlyElementsOf(FUNCTIONS.stream().map(HostFunction::config).toList());
  }

  static Stream<Charset> encodings() {
    return Stream.of(UTF_8, UTF_16LE, UTF_16BE);
  }

  @ParameterizedTest
  @MethodSource("encodings")
  void textWithAByteOrderMarkIsDecoded(Charset encoding) throws Exception {
    assertThat(Dumps.read(file(("\ufeff" + text()).getBytes(encoding)))).hasSize(3);
  }

  @Test
  void bytesThatAreNoUtf8AreHarmless() throws Exception {
    byte[] content = ("\u00ff\u0080\n00:00.0 Sch\u00fcler\u0001\n\n" + text()).getBytes(ISO_8859_1);

    assertThat(Dumps.read(file(content))).hasSize(3);
  }

  @ParameterizedTest
  @ValueSource(ints = {256, 4096})
  void rawBytesAreKnownByTheirNumber(int size) throws Exception {
    ConfigSpace config = new RandomSpaces(2).config(size);
    Path file = file(config.toByteArray());

    HostFunction function = Dumps.read(file).getFirst();

    assertThat(function.config()).isEqualTo(config);
    assertThat(function.address()).isEqualTo(new PciAddress(0, 0, 0, 0));
    assertThat(function.description()).contains(config.id().toString());
    assertThat(function.location()).isEqualTo(file.toString());
  }

  @ParameterizedTest
  @ValueSource(bytes = {0, -1, 0x20})
  void rawBytesMayAllBeEqual(byte value) throws Exception {
    byte[] bytes = new byte[256];
    Arrays.fill(bytes, value);
    bytes[0] = 0;

    assertThat(Dumps.read(file(bytes)).getFirst().config()).isEqualTo(ConfigSpace.of(bytes));
  }

  @Test
  void deviceThatDoesNotAnswerIsRaw() throws Exception {
    byte[] bytes = new byte[4096];
    Arrays.fill(bytes, (byte) 0xff);

    assertThat(Dumps.read(file(bytes)).getFirst().config()).isEqualTo(ConfigSpace.of(bytes));
  }

  @Test
  void folderOfACapturedSysfsGivesTheAddress() throws Exception {
    Path device = Files.createDirectory(folder.resolve("0001:03:00.1"));
    Path file = Files.write(device.resolve("config"), new byte[256]);

    assertThat(Dumps.read(file).getFirst().address()).isEqualTo(new PciAddress(1, 3, 0, 1));
  }

  @Test
  void textOf4096BytesIsText() throws Exception {
    String text = text() + "é\n";
    byte[] content = (text + "#".repeat(4096 - text.getBytes(UTF_8).length)).getBytes(UTF_8);

    assertThat(content).hasSize(4096);
    assertThat(Dumps.read(file(content))).hasSize(3);
  }

  @Test
  void hexTextIsKnownByItsContent() throws Exception {
    ConfigSpace config = new RandomSpaces(3).config(4096);
    String text = HexFormat.ofDelimiter(" ").formatHex(config.toByteArray());

    assertThat(Dumps.read(file(text.getBytes(UTF_8))))
        .singleElement()
        .extracting(HostFunction::config)
        .isEqualTo(config);
  }

  @Test
  void contentMayComeFromMemory() {
    assertThat(Dumps.parse("input", text().getBytes(UTF_8)))
        .extracting(HostFunction::location)
        .first()
        .isEqualTo("input:1");
  }

  @Test
  void missingFileIsNamed() {
    assertThat(problem(Path.of("no/such.txt"))).hasMessage("no/such.txt: there is no such file");
  }

  @Test
  void fileBelowAFileIsNamed() throws Exception {
    Path below = file(new byte[1]).resolve("x");

    assertThat(problem(below)).hasMessageStartingWith(below + ": ");
  }

  @Test
  void directoryIsNamed() throws Exception {
    assertThat(problem(folder)).hasMessage(folder + ": is a directory, a dump is a file");

    Files.write(folder.resolve("config"), new byte[256]);
    assertThat(problem(folder)).hasMessageEndingWith(": name " + folder.resolve("config"));
  }

  @Test
  void emptyFileIsNamed() throws Exception {
    Path file = file(new byte[0]);

    assertThat(problem(file))
        .hasMessage(file + ": is empty: capture it with `lspci -xxxx` as root");
  }

  @Test
  void otherNumbersOfRawBytesAreNamed() throws Exception {
    Path file = file(new byte[300]);

    assertThat(problem(file))
        .hasMessage(
            file
                + ": has 300 bytes, a raw configuration space has 256 or 4096: copy sysfs's config"
                + " file as root, or capture it with `lspci -xxxx` as root");
  }

  @ParameterizedTest
  @ValueSource(ints = {64, 128})
  void rawHeaderAloneIsNamed(int size) throws Exception {
    Path file = file(new byte[size]);

    assertThat(problem(file))
        .hasMessageStartingWith(
            file + ": has only " + size + " bytes, which is what Linux shows without privileges");
  }

  @Test
  void compressedFileIsNamed() throws Exception {
    assertThat(problem(file(new byte[] {0x1f, (byte) 0x8b, 8, 0})))
        .hasMessageEndingWith("is compressed: unpack it with gunzip first");
  }

  @Test
  void textThatIsNoDumpIsNamed() throws Exception {
    Path file = file("\nDear all,\n".getBytes(UTF_8));

    assertThat(problem(file)).hasMessageStartingWith(file + ":2: is no dump: neither ");
  }

  @Test
  void largeFileIsRefusedBeforeItIsRead() throws Exception {
    Path file = folder.resolve("large");
    try (RandomAccessFile large = new RandomAccessFile(file.toFile(), "rw")) {
      large.setLength(Dumps.MAX_FILE_BYTES + 1L);
    }

    assertThat(problem(file)).hasMessageStartingWith(file + ": is larger than 64 MiB");
  }

  @Test
  void endlessFileIsRefused() {
    assertThat(problem(Path.of("/dev/zero")))
        .hasMessageStartingWith("/dev/zero: is larger than 64 MiB");
  }
}
