package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciId;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.testing.Captures;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class BuiltInQuirksTest {
  /// For editors, from the folder in which the built-in files are.
  private static final String SCHEMA = "../../../../../../../../../docs/quirks.schema.json";

  /// Entries of the facts that are not built in, because nothing that a function shows tells
  /// whether they hold for it.
  private static final List<String> LEFT_OUT =
      List.of(
          // Depends on the design that the FPGA is loaded with.
          "Xilinx / AMD FPGA endpoints, user extended config registers",
          // The register lies in the PCI Express capability of the chips that are known.
          "AMD / ATI GPUs, ASIC reset",
          // No list of the devices is published.
          "Mellanox PCI_CONF CR-space gateway");

  private static FunctionIdentity function(int vendor, int device, int classCode) {
    return new FunctionIdentity(
        new PciId(vendor, device),
        FunctionIdentity.NO_SUBSYSTEM,
        classCode,
        0,
        FunctionKind.PHYSICAL);
  }

  private static List<String> matching(int vendor, int device, int classCode) {
    return QuirkTable.builtIn().matching(function(vendor, device, classCode)).stream()
        .map(Quirk::id)
        .toList();
  }

  /// The bytes that the built-in quirks hide of `function`.
  private static BitSet hiddenBytes(FunctionIdentity function) {
    BitSet bytes = new BitSet();
    QuirkTable.builtIn()
        .match(function)
        .hiddenBits()
        .forEach(h -> bytes.set(h.range().offset(), h.range().end()));
    return bytes;
  }

  @Test
  void everyFileIsListed() throws IOException, URISyntaxException {
    Path folder =
        Path.of(Objects.requireNonNull(BuiltInFiles.class.getResource("built-in")).toURI());

    try (Stream<Path> files = Files.list(folder)) {
      assertThat(BuiltInFiles.NAMES)
          .containsExactlyElementsOf(files.map(f -> f.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void theTableIsReadOnce() {
    assertThat(QuirkTable.builtIn()).isSameAs(QuirkTable.builtIn());
    assertThat(QuirkTable.builtIn().entries()).hasSizeGreaterThanOrEqualTo(150);
  }

  @Test
  void everyQuirkSaysWhereItComesFromAndPrintsSo() {
    assertThat(QuirkTable.builtIn().entries())
        .allSatisfy(quirk ->
            assertThat(quirk.source())
                .hasToString(quirk.id() + " (built in)")
                .extracting(QuirkSource::file)
                .isIn(BuiltInFiles.NAMES));
    assertThat(QuirkTable.builtIn().entries())
        .allSatisfy(quirk -> assertThat(quirk.citation()).hasSizeGreaterThan(20));
    assertThat(QuirkTable.builtIn().entries())
        .flatExtracting(quirk -> quirk.effects().hiddenBits())
        .extracting(HiddenBits::evidence)
        .containsOnly(Evidence.DOCUMENTED, Evidence.DRIVER);
  }

  @TestFactory
  Stream<DynamicTest> everyFileIsWrittenAsTheWriterWritesIt() {
    return BuiltInFiles.NAMES.stream()
        .map(name ->
            DynamicTest.dynamicTest(
                name,
                () -> {
                  String text = resource("built-in/" + name);
                  List<Quirk> quirks = QuirkFiles.read(text);
                  assertThat(QuirkFileText.of(SCHEMA, quirks)).isEqualTo(text);
                }));
  }

  private static String resource(String name) {
    try (InputStream in = BuiltInFiles.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void theNvidiaGpusHaveRegistersAtTheEndOfTheSpace() {
    MatchedQuirks ga102 = QuirkTable.builtIn().match(function(0x10de, 0x2204, 0x030000));

    assertThat(matching(0x10de, 0x2204, 0x030000))
        .containsExactly("nvidia-hda-enable", "nvidia-ga10x");
    assertThat(ga102.hiddenBits()).extracting(HiddenBits::range).contains(new ByteRange(0xfe4, 28));
    assertThat(ga102.available())
        .extracting(Decision::value)
        .containsExactly(new ByteRange(0x180, 0xd0), new ByteRange(0x268, 0x198));
  }

  @Test
  void aVirtualFunctionDoesNotHaveThePhysicalFunctionsRegisters() {
    FunctionIdentity a100 =
        new FunctionIdentity(
            new PciId(0x10de, 0x20b0),
            FunctionIdentity.NO_SUBSYSTEM,
            0x030200,
            0xa1,
            FunctionKind.VIRTUAL);

    assertThat(QuirkTable.builtIn().matching(a100))
        .extracting(Quirk::id)
        .containsExactly("nvidia-hda-enable");
  }

  @Test
  void otherGpusAndTheirAudioFunctionsHaveOtherRegisters() {
    assertThat(matching(0x10de, 0x2330, 0x030200)).as("GH100").containsExactly("nvidia-hda-enable");
    assertThat(matching(0x10de, 0x1b80, 0x030000))
        .as("GP104")
        .containsExactly("nvidia-hda-enable", "nvidia-kepler-pascal");
    assertThat(matching(0x10de, 0x0191, 0x030000)).as("G80").isEmpty();
    assertThat(matching(0x10de, 0x1aef, 0x040300))
        .as("GA102 audio")
        .containsExactly("nvidia-hda", "nvidia-hda-turing-to-ada");
    assertThat(matching(0x10de, 0x0e0a, 0x040300)).as("GK104 audio").containsExactly("nvidia-hda");
  }

  @Test
  void acceleratorsAreKnownInWhateverClassTheyShow() {
    assertThat(matching(0x1002, 0x740c, 0x038000))
        .as("MI250")
        .containsExactly("amd-instinct-mi200");
    assertThat(matching(0x1002, 0x740c, 0x120000))
        .as("MI250")
        .containsExactly("amd-instinct-mi200");
    assertThat(matching(0x1da3, 0x1021, 0x120000))
        .as("Gaudi 2, HL-288")
        .containsExactly("habana-goya-gaudi");
    assertThat(matching(0x1da3, 0x1060, 0x120000))
        .as("Gaudi 3, of which nothing is public")
        .isEmpty();
  }

  @Test
  void integratedGpusMatchByGeneration() {
    assertThat(matching(0x8086, 0x9a49, 0x030000))
        .as("Tiger Lake")
        .containsExactly("intel-igd-opregion", "intel-igd-gmch", "intel-igd-bdsm64");
    assertThat(matching(0x8086, 0x5912, 0x030000))
        .as("Kaby Lake")
        .containsExactly("intel-igd-opregion", "intel-igd-gmch", "intel-igd-bdsm");
    assertThat(matching(0x8086, 0x2a42, 0x030000))
        .as("GM45")
        .containsExactly("intel-igd-opregion", "intel-igd-bdsm", "intel-igd-gen3-gen4");
    assertThat(matching(0x8086, 0x56a0, 0x030000)).as("DG2, a discrete GPU").isEmpty();
  }

  @Test
  void classesMatchWhereAStandardDefinesTheRegister() {
    assertThat(matching(0xabcd, 0x0001, 0x0c0330)).containsExactly("class-xhci");
    assertThat(matching(0xabcd, 0x0001, 0x0c0320)).containsExactly("class-ehci");
    assertThat(matching(0xabcd, 0x0001, 0x0c0310)).as("OHCI").isEmpty();
    assertThat(matching(0xabcd, 0x0001, 0x080501)).containsExactly("class-sd-host");
    assertThat(matching(0xabcd, 0x0001, 0x0c0010)).containsExactly("class-ohci-1394");
  }

  @Test
  void noVendorIsSuspectedAsAWhole() {
    assertThat(matching(0x10ee, 0x9038, 0x058000)).as("an FPGA design").isEmpty();
    assertThat(matching(0x15b3, 0x1017, 0x020000)).as("ConnectX-5").isEmpty();
    assertThat(matching(0x1002, 0x73ff, 0x030000)).as("Navi 23").isEmpty();
    assertThat(matching(0x14e4, 0x16d7, 0x020000)).as("bnxt").isEmpty();
    assertThat(matching(0x8086, 0x0b25, 0x088000)).as("DSA").isEmpty();
    assertThat(matching(0x144d, 0xa808, 0x010802)).as("an NVMe drive").isEmpty();
  }

  @Test
  void theFactsAreComplete() {
    List<JsonNode> facts = facts();

    assertThat(facts).hasSize(98);
    assertThat(facts.stream().mapToInt(f -> f.get("ranges").size()).sum()).isEqualTo(499);
    assertThat(facts)
        .extracting(f -> f.get("name").asString())
        .as("what is left out is among the facts")
        .containsAll(LEFT_OUT);
  }

  /// One test for each entry that lists its devices: every range of it is hidden for every device.
  @TestFactory
  Stream<DynamicTest> everyEntryOfTheFactsThatListsItsDevicesIsBuiltIn() {
    return facts().stream()
        .filter(fact -> fact.get("device").isArray())
        // These are split by device, as their texts say which register is whose.
        .filter(fact -> !fact.get("name").asString().startsWith("Intel IIO"))
        .map(fact ->
            DynamicTest.dynamicTest(
                fact.get("name").asString(),
                () ->
                    assertThat(functions(fact))
                        .allSatisfy(function ->
                            assertThat(missing(fact, hiddenBytes(function)))
                                .as("of %s", function)
                                .isEmpty())));
  }

  private static List<JsonNode> facts() {
    List<JsonNode> facts = new ArrayList<>();
    JsonMapper.shared().readTree(Captures.registerFacts().toFile()).forEach(facts::add);
    return facts;
  }

  /// The functions that an entry lists; virtual where its name says so.
  private static List<FunctionIdentity> functions(JsonNode fact) {
    String name = fact.get("name").asString();
    FunctionKind kind =
        name.contains(" VF") || name.contains(" VFs")
            ? FunctionKind.VIRTUAL
            : FunctionKind.PHYSICAL;
    String anyClass = fact.has("class") ? fact.get("class").asString() : "0x000000";
    int classCode =
        Integer.parseInt(anyClass.substring(2).toLowerCase(Locale.ROOT).replace('x', '0'), 16);
    List<FunctionIdentity> functions = new ArrayList<>();
    for (JsonNode device : fact.get("device")) {
      functions.add(
          new FunctionIdentity(
              new PciId(number(fact.get("vendor")), number(device)),
              FunctionIdentity.NO_SUBSYSTEM,
              classCode,
              0,
              kind));
    }
    return functions;
  }

  private static int number(JsonNode hex) {
    return Integer.parseInt(hex.asString().substring(2), 16);
  }

  /// Offsets of an entry's bytes that are not in `hidden`.
  private static List<Integer> missing(JsonNode fact, BitSet hidden) {
    List<Integer> missing = new ArrayList<>();
    for (JsonNode range : fact.get("ranges")) {
      int offset = number(range.get("offset"));
      IntStream.range(offset, offset + range.get("length").asInt())
          .filter(at -> !hidden.get(at))
          .forEach(missing::add);
    }
    return missing;
  }

  /// NVIDIA's published headers and a captured GPU agree: what is not 0 outside the capabilities is
  /// nearly all hidden, and nothing hidden lies in a capability.
  @Needs(Need.CAPTURES)
  @Test
  void theNvidiaQuirkExplainsACapturedGpu() {
    ConfigSpace config =
        Dumps.read(Captures.file("nvbug-laniusc.txt")).stream()
            .map(f -> f.config())
            .filter(c -> c.id().equals(new PciId(0x10de, 0x2204)))
            .findFirst()
            .orElseThrow();
    BitSet hidden = hiddenBytes(FunctionIdentity.of(config, FunctionKind.PHYSICAL));
    BitSet capabilities = capabilitiesOfTheCapturedGpu(config);

    int notZero = 0;
    int explained = 0;
    for (int at = 0x40; at < config.size(); at++) {
      if (config.u8(at) != 0 && !capabilities.get(at)) {
        notZero++;
        explained += hidden.get(at) ? 1 : 0;
      }
    }

    assertThat(hidden.intersects(capabilities)).isFalse();
    assertThat(notZero).isGreaterThan(350);
    assertThat((double) explained / notZero).isBetween(0.91, 0.96);
    assertThat(config.isZero(ByteRange.between(0x180, 0x250))).as("available").isTrue();
    assertThat(config.isZero(ByteRange.between(0x268, 0x400))).as("available").isTrue();
  }

  /// The bytes of the capabilities in both lists, by a walk of its own and the lengths of those
  /// that this GPU has.
  private static BitSet capabilitiesOfTheCapturedGpu(ConfigSpace config) {
    BitSet bytes = new BitSet();
    for (int at = config.u8(0x34); at != 0; at = config.u8(at + 1)) {
      int length =
          switch (config.u8(at)) {
            case 0x01 -> 8;
            case 0x05 -> 14;
            case 0x09 -> config.u8(at + 2);
            case 0x10 -> 60;
            case 0x11 -> 12;
            default -> throw new AssertionError("capability " + config.u8(at));
          };
      bytes.set(at, at + length);
    }
    for (int at = 0x100; at != 0; at = config.u16(at + 2) >>> 4) {
      int length =
          switch (config.u16(at)) {
            case 0x0001 -> 0x48;
            case 0x0002 -> 0x1c;
            case 0x0004, 0x001e -> 0x10;
            case 0x000b -> config.u16(at + 6) >>> 4;
            case 0x0015 -> 4 + 8 * (config.u8(at + 8) >>> 5);
            case 0x0018 -> 8;
            case 0x0019 -> 12 + 2 * 16;
            case 0x0025 -> 12;
            case 0x0026 -> 0x20 + 16;
            case 0x0027 -> 8 + 4 * 16;
            default -> throw new AssertionError("capability " + config.u16(at));
          };
      bytes.set(at, at + length);
    }
    return bytes;
  }
}
