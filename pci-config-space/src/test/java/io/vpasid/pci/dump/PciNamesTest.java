package io.vpasid.pci.dump;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.PciId;
import io.vpasid.testing.InstalledTool;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import io.vpasid.testing.Seeds;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class PciNamesTest {
  private static final String FILE =
      """
      # comment
      1234  First Vendor
      \t0001  A device
      # comment in between
      \t\tabcd 0002  A board
      \t\tabcd 0003  Another board

      \t0004  Another device
      abcd  Second Vendor with ²
      \t0001  A device of the second

      C 02  Network controller
      \t00  Ethernet controller
      \t80  Network controller
      C 01  Mass storage controller
      \t08  Non-Volatile memory controller
      \t\t02  NVM Express
      """;

  @TempDir private Path folder;

  private PciNames names(String text) {
    try {
      return PciNames.of(Files.writeString(folder.resolve("pci.ids"), text));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void namesAreFound() throws Exception {
    PciNames names = names(FILE);

    assertThat(names.vendor(0x1234)).contains("First Vendor");
    assertThat(names.vendor(0xabcd)).contains("Second Vendor with ²");
    assertThat(names.device(new PciId(0x1234, 1))).contains("A device");
    assertThat(names.device(new PciId(0x1234, 4))).contains("Another device");
    assertThat(names.device(new PciId(0xabcd, 1))).contains("A device of the second");
    assertThat(names.baseClass(0x020000)).contains("Network controller");
    assertThat(names.subClass(0x020000)).contains("Ethernet controller");
  }

  @Test
  void whatIsNotThereIsEmpty() throws Exception {
    PciNames names = names(FILE);

    assertThat(names.vendor(0x1235)).isEmpty();
    assertThat(names.vendor(-1)).isEmpty();
    assertThat(names.vendor(0x10000)).isEmpty();
    assertThat(names.device(new PciId(0x1234, 5))).isEmpty();
    assertThat(names.device(new PciId(0xabcd, 4))).isEmpty();
    assertThat(names.baseClass(0x030000)).isEmpty();
    assertThat(names.subClass(0x020100)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "1234:0001,020000,0,'Ethernet controller: First Vendor A device'",
    "1234:0009,020000,1,'Ethernet controller: First Vendor Device 0009 (rev 01)'",
    "1235:0009,020100,255,'Network controller [0201]: Device 1235:0009 (rev ff)'",
    "1235:0009,ff0100,0,'Class [ff01]: Device 1235:0009'",
  })
  void functionIsDescribed(String id, String classCode, int revision, String description)
      throws Exception {
    assertThat(
            names(FILE)
                .describe(PciId.parse(id).orElseThrow(), Integer.parseInt(classCode, 16), revision))
        .isEqualTo(description);
  }

  @Test
  void linesMayEndInCrLf() throws Exception {
    PciNames names = names(FILE.replace("\n", "\r\n"));

    assertThat(names.device(new PciId(0x1234, 4))).contains("Another device");
  }

  @Test
  void packedFileIsUnpacked() throws Exception {
    Path file = folder.resolve("pci.ids.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(FILE.getBytes(UTF_8));
    }

    assertThat(PciNames.of(file).vendor(0x1234)).contains("First Vendor");
  }

  @Test
  void packedFileThatGrowsWithoutBoundHasNoNames() throws Exception {
    Path file = folder.resolve("pci.ids.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(FILE.getBytes(UTF_8));
      out.write(new byte[PciNames.MAX_BYTES]);
    }

    assertThat(PciNames.of(file).vendor(0x1234)).isEmpty();
  }

  @Test
  void devicesMayBeInAnyOrder() {
    PciNames names =
        names("0001  A\n\t0003  three\n\t0000  zero\n\tffff  last\n\t0001  one\n\t00zz  junk\n");

    assertThat(names.device(new PciId(1, 0))).contains("zero");
    assertThat(names.device(new PciId(1, 1))).contains("one");
    assertThat(names.device(new PciId(1, 2))).isEmpty();
    assertThat(names.device(new PciId(1, 3))).contains("three");
    assertThat(names.device(new PciId(1, 0xffff))).contains("last");
    assertThat(names.device(new PciId(2, 0))).isEmpty();
    assertThat(names.isEmpty()).isFalse();
  }

  @Test
  void firstAndLastClassHaveNames() {
    PciNames names = names("C 00  Unclassified\n\t00  Non-VGA\n\t\t00  none\nC ff  Unassigned\n");

    assertThat(names.baseClass(0x000000)).contains("Unclassified");
    assertThat(names.subClass(0x000000)).contains("Non-VGA");
    assertThat(names.baseClass(0xff0000)).contains("Unassigned");
    assertThat(names.baseClass(0x1000000)).isEmpty();
    assertThat(names.vendor(0)).isEmpty();
  }

  @Test
  void nameIsWhatFollowsTwoBlanks() {
    PciNames names = names("0001  A\n0002 no name\n0003  \n0004  two  parts\n0005   B\n0006  C");

    assertThat(names.vendor(1)).contains("A");
    assertThat(names.vendor(2)).isEmpty();
    assertThat(names.vendor(3)).isEmpty();
    assertThat(names.vendor(4)).contains("two  parts");
    assertThat(names.vendor(5)).contains("B");
    assertThat(names.vendor(6)).contains("C");
  }

  @Test
  void missingFileHasNoNames() {
    assertThat(PciNames.of(folder.resolve("none")).vendor(0x1234)).isEmpty();
    assertThat(PciNames.of(folder).vendor(0x1234)).isEmpty();
    assertThat(PciNames.none().vendor(0x1234)).isEmpty();
    assertThat(PciNames.none().describe(new PciId(1, 2), 0x030000, 0))
        .isEqualTo("Class [0300]: Device 0001:0002");
    assertThat(PciNames.none().isEmpty()).isTrue();
  }

  @Test
  void namesCannotDriveATerminal() throws Exception {
    assertThat(names("1234  \u001b[2JVendor\n").vendor(0x1234)).contains("[2JVendor");
  }

  @Test
  void damagedFilesAreHarmless() throws Exception {
    Seeds.forAll(
        1000,
        seed -> {
          Random random = new Random(seed);
          StringBuilder text = new StringBuilder(FILE);
          for (int change = 0; change < 5; change++) {
            int at = random.nextInt(text.length());
            text.setCharAt(at, "\n\t C0#\u00ff  1234".charAt(random.nextInt(13)));
          }
          text.setLength(random.nextInt(text.length() + 1));
          PciNames names = names(text.toString());
          PciId id = new PciId(0x1234, 1);
          assertThat(names.describe(id, 0x010802, 1)).isNotBlank();
        });
  }

  @Needs({Need.CAPTURES, Need.LSPCI, Need.PCI_IDS})
  @ParameterizedTest
  @MethodSource("io.vpasid.pci.dump.Corpus#entries")
  void capturedFunctionsAreDescribedAsLspciDoes(Corpus.Entry entry) throws Exception {
    PciNames names = PciNames.of(Path.of("/usr/share/misc/pci.ids"));
    // Where udev is installed lspci knows names from its database too; only pci.ids is compared.
    List<HostFunction> printed =
        LspciText.parse(
            "lspci",
            InstalledTool.run(
                "lspci", "-O", "hwdb.disable=1", "-F", entry.file().toString(), "-D", "-xxxx"));

    assertThat(printed)
        .allSatisfy(function ->
            assertThat(
                    names.describe(
                        function.config().id(),
                        function.config().classCode(),
                        function.config().revision()))
                .isEqualTo(function.description()));
  }
}
