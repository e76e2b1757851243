package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.LspciText;
import io.vpasid.testing.Captures;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ScanCommandTest {
  private static final JsonMapper MAPPER = new JsonMapper();

  @TempDir private Path folder;
  private Path dumps;

  @BeforeEach
  void makeFolder() throws IOException {
    dumps = Files.createDirectory(folder.resolve("dumps"));
  }

  private Run scan(String... options) {
    List<String> arguments = new ArrayList<>(List.of("scan", dumps.toString()));
    arguments.addAll(List.of(options));
    return Run.of(arguments.toArray(String[]::new));
  }

  /// A PCI Express endpoint with one extended capability of 12 bytes, a serial number.
  private static ByteBuffer endpoint() {
    ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0x00, 0x0007f00d);
    bytes.putShort(0x06, (short) 0x0010);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x00020010);
    bytes.putInt(0x100, 0x00010003);
    return bytes;
  }

  private void dump(String name, ByteBuffer bytes) throws IOException {
    byte[] config = new byte[bytes.capacity()];
    bytes.get(0, config);
    StringBuilder text = new StringBuilder();
    LspciText.write(
        List.of(new HostFunction(new PciAddress(0, 3, 0, 0), "Made up", ConfigSpace.of(config))),
        text);
    Files.writeString(dumps.resolve(name), text);
  }

  /// The lines of the table that end so, as numbers.
  private static List<Integer> row(Run run, String what) {
    return run.out()
        .lines()
        .filter(line -> line.endsWith("  " + what))
        .flatMap(line -> line.strip().lines())
        .flatMap(line -> List.of(line.split(" +")).stream())
        .takeWhile(word -> word.chars().allMatch(Character::isDigit))
        .map(Integer::valueOf)
        .toList();
  }

  @Test
  void foldersBelowAreReadAndCounted() throws IOException {
    Inputs.demo(Files.createDirectory(dumps.resolve("rack1")));
    Inputs.demo(Files.createDirectory(dumps.resolve("rack2")));

    Run run = scan();

    assertThat(run.code()).isZero();
    assertThat(row(run, "files")).containsExactly(2);
    assertThat(row(run, "functions")).containsExactly(4);
    assertThat(row(run, "get a vPASID")).containsExactly(4);
    assertThat(row(run, "  the device's own hidden capability")).containsExactly(2);
  }

  /// The last 8 bytes: of one function live, of one part of a capability, of one a mirror, of one a
  /// register of a quirk, of one free.
  @Test
  void qemusPlaceIsCountedByWhatIsThere() throws IOException {
    ByteBuffer live = endpoint();
    live.putInt(0xffc, 0x21);
    dump("live.txt", live);
    ByteBuffer covered = endpoint();
    covered.putInt(0x100, 0xff010003);
    covered.putInt(0xff0, 0x00010003);
    dump("covered.txt", covered);
    ByteBuffer mirrored = endpoint();
    mirrored.putInt(0x180, 0x5a5a5a5a);
    for (int at = 0x400; at < 4096; at++) {
      mirrored.put(at, mirrored.get(at & 0x3ff));
    }
    dump("mirrored.txt", mirrored);
    ByteBuffer known = endpoint();
    known.putInt(0x00, 0x0008f00d);
    dump("quirk.txt", known);
    dump("free.txt", endpoint());
    Path quirks =
        Files.writeString(
            folder.resolve("quirks.json"),
            """
            {
              "format": 1,
              "quirks": [
                {
                  "id": "made-up",
                  "name": "Made up",
                  "match": { "vendor": "0xf00d", "device": "0x0008" },
                  "hidden": [
                    { "offset": "0xff8", "length": 4, "access": "rw", "evidence": "documented",
                      "what": "doorbell" }
                  ],
                  "source": "this test"
                }
              ]
            }
            """);

    Run run = scan("--quirks", quirks.toString());

    assertThat(run.err()).doesNotContain("bug");
    assertThat(row(run, "placed")).containsExactly(5, 5);
    assertThat(row(run, "on bytes that are not 0")).containsExactly(0, 1);
    assertThat(row(run, "on a capability")).containsExactly(0, 1);
    assertThat(row(run, "on hidden bits that a quirk knows")).containsExactly(0, 1);
    assertThat(row(run, "in mirrored space")).containsExactly(0, 1);
    assertThat(row(run, "on any of these")).containsExactly(0, 4);
    assertThat(run.out()).contains("live.txt:1: 0000:03:00.0 f00d:0007: on bytes that are not 0");
  }

  /// QEMU asks for a header at 0x100; vpasid starts the list.
  @Test
  void qemuPlacesNothingInAnEmptyList() throws IOException {
    ByteBuffer empty = endpoint();
    empty.putInt(0x100, 0);
    dump("empty.txt", empty);

    assertThat(row(scan(), "placed")).containsExactly(1, 0);
  }

  @Test
  void jsonIsAnObjectInALineForEachFunction() throws IOException {
    Inputs.demo(dumps);

    Run run = scan("--json");

    List<JsonNode> lines = run.out().lines().map(MAPPER::readTree).toList();
    assertThat(lines)
        .extracting(n -> n.get("id").asString())
        .containsExactly("f00d:0001", "f00d:0002");
    assertThat(lines)
        .extracting(n -> n.get("line").asInt())
        .doesNotContain(0)
        .doesNotHaveDuplicates();
    assertThat(lines)
        .extracting(n -> n.at("/vpasid/offset").asString())
        .containsExactly("0x1a0", "0xd80");
    assertThat(lines).extracting(n -> n.at("/qemu/offset").asString()).containsOnly("0xff8");
  }

  @Test
  void listIsALineForEachFunctionAboveTheTable() throws IOException {
    Inputs.demo(dumps);

    assertThat(scan("--list").out().lines())
        .anyMatch(line -> line.endsWith("0000:17:00.1 f00d:0002: vPASID at 0xd80, all-zero hole"))
        .anyMatch(line -> line.endsWith("functions"));
  }

  @Test
  void functionsWithoutAPlaceAreTheAnswerNo() throws IOException {
    Inputs.demo(dumps);

    Run run = scan("--hw-info", "none");

    assertThat(run.code()).isEqualTo(1);
    assertThat(row(run, "  the host has no PASIDs")).containsExactly(2);
  }

  @Test
  void whatIsNoDumpIsNamedAndLeftOut() throws IOException {
    Inputs.demo(dumps);
    Files.writeString(dumps.resolve("notes.md"), "Notes\n");
    Files.createFile(dumps.resolve("nothing.txt"));
    try (RandomAccessFile huge = new RandomAccessFile(dumps.resolve("huge.txt").toFile(), "rw")) {
      huge.setLength(65L << 20);
    }

    Run run = scan("--hw-info", "width=20");

    assertThat(run.code()).isZero();
    assertThat(row(run, "files")).containsExactly(1);
    assertThat(run.err().lines())
        .hasSize(3)
        .allMatch(line -> line.startsWith("vpasid: note: left out: " + dumps))
        .anyMatch(line -> line.contains("huge.txt: is larger than 64 MiB"))
        .anyMatch(line -> line.contains("notes.md:1: is no dump"))
        .anyMatch(line -> line.contains("nothing.txt: is empty"));
  }

  @Test
  void ofManyFilesThatAreNoDumpsTheFirstAreNamed() throws IOException {
    Inputs.demo(dumps);
    for (int i = 0; i < 25; i++) {
      Files.writeString(dumps.resolve("note" + i + ".md"), "Notes\n");
    }

    assertThat(scan("--hw-info", "width=20").err().lines())
        .hasSize(21)
        .endsWith("vpasid: note: left out: 5 more");
  }

  @Test
  void linksToFoldersAndHiddenNamesAreNotFollowed() throws IOException {
    Inputs.demo(dumps);
    Files.createSymbolicLink(dumps.resolve("loop"), dumps);
    Files.createSymbolicLink(dumps.resolve("dangling.txt"), folder.resolve("gone"));
    Files.createSymbolicLink(dumps.resolve("self"), dumps.resolve("self"));
    Inputs.demo(Files.createDirectory(dumps.resolve(".git")));

    Run run = scan("--hw-info", "width=20");

    assertThat(row(run, "files")).containsExactly(1);
    assertThat(run.err()).isEmpty();
  }

  @Test
  void folderWithoutDumpsIsBadInput() {
    Run run = scan("--hw-info", "width=20");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).containsExactly("vpasid: there is no dump to read in " + dumps);
  }

  @Test
  void missingFolderIsNamed() {
    Run run = Run.of("scan", folder.resolve("gone").toString());

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err().lines())
        .containsExactly("vpasid: " + folder.resolve("gone") + ": there is no such file or folder");
  }

  @Needs(Need.ORDINARY_USER)
  @Test
  void nothingButForbiddenFilesIsALackOfPermissions() throws IOException {
    Path closed = Files.createDirectory(dumps.resolve("closed"));
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("---------"));

    Run run = scan("--hw-info", "width=20");

    assertThat(run.code()).isEqualTo(3);
    assertThat(run.err()).contains(closed + ": may not be listed: run this as root");
  }

  /// The bar is on the error stream of a person, and gone when the result is printed.
  @Test
  void terminalShowsProgress() throws IOException {
    for (int i = 0; i < 40; i++) {
      Inputs.demo(Files.createDirectory(dumps.resolve("rack" + i)));
    }

    Run run = Run.on(new Terminal(false, true, true, () -> 80), "scan", dumps.toString());

    assertThat(run.code()).isZero();
    assertThat(row(run, "files")).containsExactly(40);
    assertThat(run.out()).doesNotContain("\u001b");
  }

  /// Invariant I3 over captured functions.
  @Needs(Need.CAPTURES)
  @Test
  void capturedFunctionsGetNoPlaceInUse() {
    Path captured = Captures.file("");

    Run run = Run.of("scan", captured.toString());

    assertThat(run.code()).isZero();
    assertThat(row(run, "functions").getFirst()).isGreaterThan(900);
    assertThat(row(run, "on any of these")).startsWith(0).doesNotHaveDuplicates();
  }

  /// The second function of the program's dump, and once more with a live byte where its vPASID
  /// goes.
  private void captureTwice(String place) throws IOException {
    Path file = Inputs.demo(dumps);
    List<String> lines = Files.readAllLines(file);
    List<String> second = new ArrayList<>(lines.subList(258, lines.size()));
    Files.write(dumps.resolve("first.txt"), second);
    second.replaceAll(line -> line.startsWith(place) ? line.replace("00 00", "00 07") : line);
    Files.write(dumps.resolve("second.txt"), second);
    Files.delete(file);
  }

  @Test
  void crossFindsThePlaceOfOneCaptureInUseInAnother() throws IOException {
    captureTwice("d80:");

    Run run = scan("--cross", "--hw-info", "width=20");

    assertThat(run.code()).isEqualTo(1);
    assertThat(row(run, "devices that were captured more than once")).containsExactly(1);
    assertThat(row(run, "captures of them with different bytes")).containsExactly(2);
    assertThat(row(run, "in use")).containsExactly(1);
    assertThat(run.out())
        .contains("first.txt:1: 0000:17:00.1 f00d:0002 at 0xd80: bytes that are not 0 in ");
    assertThat(scan("--cross", "--json", "--hw-info", "width=20").out())
        .contains("\"crossCheck\":\"bytes that are not 0\"");
  }

  @Test
  void crossIsContentWhereOtherBytesDiffer() throws IOException {
    captureTwice("e00:");

    Run run = scan("--cross", "--hw-info", "width=20");

    assertThat(run.code()).isZero();
    assertThat(row(run, "places looked up")).containsExactly(2);
    assertThat(row(run, "in use")).containsExactly(0);
  }
}
