package io.vpasid.pci.capability;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.testing.Captures;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Extents of functions that were captured from machines: a device knows best where its next
/// capability starts. Parses and walks by itself.
@Needs(Need.CAPTURES)
class CapturedExtentsTest {

  private static final Pattern FUNCTION =
      Pattern.compile("((?:[0-9a-f]{4,}:)?[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7])(?: .*)?");
  private static final Pattern ROW = Pattern.compile("([0-9a-f]{2,3}):((?: [0-9a-f]{2}){1,16})");

  private static final List<Measured> MEASURED = new ArrayList<>();

  /// A capability and how far it may reach.
  ///
  /// @param place file, function and offset
  /// @param limit offset of the next header by address, or the end of the space
  private record Measured(String place, int limit, Extent extent) {}

  @BeforeAll
  static void measureTheCorpus() throws IOException {
    for (Path file : Captures.files()) {
      read(file).forEach(CapturedExtentsTest::measure);
    }
  }

  @Test
  void noExtentCoversTheNextHeader() {
    assertThat(MEASURED)
        .hasSizeGreaterThan(1000)
        .noneMatch(capability -> capability.extent().range().end() > capability.limit());
  }

  @Test
  void onlyTheseExtentsDoNotFitTheSpace() {
    assertThat(MEASURED)
        .filteredOn(capability -> capability.extent().rule().contains("cut"))
        .extracting(Measured::place)
        .containsExactlyInAnyOrder(
            // Broadcom endpoints whose PCI Express capability ends with Link Status 2, at 0x100.
            "coreboot-acer.txt 0000:02:00.0 0cc",
            "pcitool-machine-02daadc-256.txt 0000:02:00.0 0cc",
            "pcitool-machine-02daadc.txt 0000:02:00.0 0cc",
            // An X58 whose vendor-specific capability declares 255 bytes at 0x50.
            "pciutils-tree-asus-p6t6-256.txt 0000:00:10.0 050");
  }

  @Test
  void onlyTheseLengthsAreNotKnown() {
    assertThat(MEASURED)
        .filteredOn(capability -> capability.extent().isLowerBound())
        .extracting(Measured::place)
        .containsExactlyInAnyOrder(
            // Space that repeats the header, so that the vendor id stands for an extended id.
            "nvbug-laniusc.txt 0000:00:00.0 100",
            "pciutils-broken-ecaps.txt 0000:00:00.0 100",
            "pciutils-broken-ecaps.txt 0000:00:00.0 d00",
            // HyperTransport link generation 3, and power management.
            "pcitool-machine-02daadc-256.txt 0000:00:00.0 09c",
            "pcitool-machine-02daadc-256.txt 0000:00:00.0 0f8",
            "pciutils-cap-ht-256.txt 0000:00:00.0 09c",
            // A virtual VGA controller whose vendor-specific capability declares no length.
            "pcitool-machine-caf6526-256.txt 0000:00:0f.0 040");
  }

  private static void measure(String function, ConfigSpace config) {
    FunctionTraits traits = FunctionTraits.of(config);
    for (int offset : standardHeaders(config)) {
      int limit = nextOr(0x100, standardHeaders(config).tailSet(offset + 1));
      CapabilityId id = CapabilityId.standard(config.u8(offset));
      MEASURED.add(
          new Measured(
              "%s %03x".formatted(function, offset),
              limit,
              ExtentRules.of(config, traits, id, 0, offset, limit)));
    }
    for (int offset : extendedHeaders(config)) {
      int limit = nextOr(0x1000, extendedHeaders(config).tailSet(offset + 1));
      CapabilityId id = CapabilityId.extended(config.u16(offset));
      int version = config.u8(offset + 2) & 0xf;
      MEASURED.add(
          new Measured(
              "%s %03x".formatted(function, offset),
              limit,
              ExtentRules.of(config, traits, id, version, offset, limit)));
    }
  }

  private static int nextOr(int end, SortedSet<Integer> behind) {
    return behind.isEmpty() ? end : behind.first();
  }

  private static SortedSet<Integer> standardHeaders(ConfigSpace config) {
    SortedSet<Integer> offsets = new TreeSet<>();
    int pointer = config.headerLayout() == 2 ? 0x14 : 0x34;
    int offset = (config.u16(0x06) & 0x10) == 0 ? 0 : config.u8(pointer) & 0xfc;
    while (offset >= 0x40 && config.u8(offset) != 0xff && offsets.add(offset)) {
      offset = config.u8(offset + 1) & 0xfc;
    }
    return offsets;
  }

  private static SortedSet<Integer> extendedHeaders(ConfigSpace config) {
    SortedSet<Integer> offsets = new TreeSet<>();
    int offset = config.isExtended() ? 0x100 : 0;
    while (offset >= 0x100
        && config.u32(offset) != 0
        && config.u32(offset) != -1
        && offsets.add(offset)) {
      offset = config.u32(offset) >>> 20 & 0xffc;
    }
    return offsets;
  }

  private static Map<String, ConfigSpace> read(Path file) throws IOException {
    Map<String, StringBuilder> rows = new LinkedHashMap<>();
    StringBuilder current = new StringBuilder();
    for (String line : Files.readAllLines(file)) {
      Matcher function = FUNCTION.matcher(line);
      Matcher row = ROW.matcher(line);
      if (function.matches()) {
        current = new StringBuilder();
        rows.put(file.getFileName() + " " + function.group(1), current);
      } else if (row.matches()) {
        current.append(row.group(2).replace(" ", ""));
      }
    }
    Map<String, ConfigSpace> functions = new LinkedHashMap<>();
    rows.forEach((name, hex) -> functions.put(name, ConfigSpace.of(HexFormat.of().parseHex(hex))));
    return functions;
  }
}
