package io.vpasid.guest.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.occupancy.OccupancyMap;
import io.vpasid.pci.occupancy.Use;
import io.vpasid.testing.Seeds;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OccupancyPictureTest {
  private static final ByteRange HOLE = new ByteRange(0xd80, 8);

  /// A made-up function with one of everything.
  ///
  /// ```text
  /// 040 PCIe   0b0 MSI-X   100 AER   148 ARI   150 unknown, at least to 19f
  /// 1a0 L1SS, hidden   708 and 710 hidden bits   a80 live bytes   e00-fff mirrored
  /// ```
  private static OccupancyMap map() {
    ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0x00, 0x0001f00d);
    bytes.putShort(0x06, (short) 0x0010);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x0002b010);
    bytes.putInt(0xb0, 0x00000011);
    bytes.putInt(0x100, 0x14820001);
    bytes.putInt(0x148, 0x1501000e);
    bytes.putInt(0x150, 0x1a010333);
    bytes.putInt(0x1a0, 0x1c01001e);
    bytes.putInt(0x1c0, 0x00010003);
    bytes.putLong(0xa80, 0xc0de_0000_0021L);
    ConfigSpace config = ConfigSpace.of(bytes.array());
    CapabilityChain chain = CapabilityChain.walk(config);
    List<Capability> shown =
        chain.extended().stream()
            .filter(c -> !c.id().equals(CapabilityId.L1_PM_SUBSTATES))
            .toList();
    List<Capability> hidden =
        chain.extended().stream().filter(c -> c.id().equals(CapabilityId.L1_PM_SUBSTATES)).toList();
    return OccupancyMap.builder(4096)
        .listed(new CapabilityChain(chain.standard(), shown, List.of()))
        .capabilities(hidden, Use.HIDDEN_CAPABILITY)
        .claim(new ByteRange(0x708, 4), Use.QUIRK, "port force link (acme.json)", "port force link")
        .claim(new ByteRange(0x710, 1), Use.QUIRK, "link control of the port")
        .claim(ByteRange.between(0xe00, 0x1000), Use.MIRRORED, "mirror")
        .nonZero(config)
        .build();
  }

  private static OccupancyPicture picture() {
    return OccupancyPicture.of(map())
        .titled("Made-up co-processor", "0000:17:00.0 \u00b7 f00d:0001", "one of everything")
        .marking(HOLE, "vPASID");
  }

  private static String golden(String name) {
    try (InputStream in =
        Objects.requireNonNull(OccupancyPictureTest.class.getResourceAsStream(name), name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void textIsTheOneThatWasLookedAt() {
    assertThat(picture().text(16, false, 80)).isEqualTo(golden("picture.txt"));
  }

  @Test
  void wideTextNamesBelowTheMap() {
    assertThat(picture().text(64, false, 80)).isEqualTo(golden("picture-64.txt"));
  }

  @Test
  void svgIsTheOneThatWasLookedAt() {
    assertThat(picture().svg()).isEqualTo(golden("picture.svg"));
  }

  @Test
  void colouredTextIsTheSameTextBetweenEscapeSequences() {
    String coloured = picture().text(16, true, 80);

    assertThat(coloured).contains("\u001b[1;48;5;40;38;5;16m@@@@ @@@@\u001b[0m");
    assertThat(coloured.replaceAll("\u001b\\[[0-9;]*m", ""))
        .isEqualTo(picture().text(16, false, 80));
    assertThat(coloured.lines())
        .allMatch(line -> line.lastIndexOf('\u001b') <= line.lastIndexOf("\u001b[0m"));
  }

  @Test
  void everyOwnerHasItsSymbol() {
    OccupancyPicture picture = picture();

    assertThat(picture.symbolAt(0x3f)).isEqualTo('#');
    assertThat(picture.symbolAt(0x40)).isEqualTo('A');
    assertThat(picture.symbolAt(0x148)).isEqualTo('D');
    assertThat(picture.symbolAt(0x1a0)).isEqualTo('a');
    assertThat(picture.symbolAt(0x710)).isEqualTo('!');
    assertThat(picture.symbolAt(0x711)).isEqualTo('·');
    assertThat(picture.symbolAt(0xa80)).isEqualTo('*');
    assertThat(picture.symbolAt(0xd87)).isEqualTo('@');
    assertThat(picture.symbolAt(0xfff)).isEqualTo('=');
  }

  @Test
  void markCoversWhateverIsBelowIt() {
    OccupancyPicture picture =
        OccupancyPicture.of(map()).marking(new ByteRange(0x1a0, 8), "vPASID");

    assertThat(picture.symbolAt(0x1a7)).isEqualTo('@');
    assertThat(picture.symbolAt(0x1a8)).isEqualTo('a');
    assertThat(picture.text(16, false, 80)).contains("[1a0] vPASID", "[1a0] L1SS, hidden");
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 32, 64, 128, 256})
  void rowsShowEveryByteOnce(int bytesPerRow) {
    assertThat(shownSymbols(picture().text(bytesPerRow, false, 80), bytesPerRow))
        .isEqualTo(symbols(picture(), 4096));
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 32})
  void anyMapFitsATerminalOf80Columns(int bytesPerRow) {
    Seeds.forAll(
        200,
        seed -> {
          OccupancyPicture picture = OccupancyPicture.of(randomMap(new Random(seed)));

          String text = picture.text(bytesPerRow, false, 80);

          assertThat(text.lines()).allMatch(line -> line.length() <= 80);
          assertThat(shownSymbols(text, bytesPerRow)).isEqualTo(symbols(picture, picture.size()));
        });
  }

  @Test
  void svgOfAnyMapStaysInsideItsFrame() {
    Seeds.forAll(
        50,
        seed -> {
          String svg = OccupancyPicture.of(randomMap(new Random(seed))).svg();

          int height = Integer.parseInt(svg.replaceAll("(?s).*? height=\"(\\d+)\" role.*", "$1"));
          assertThat(Pattern.compile("<text[^>]* y=\"(\\d+)\"").matcher(svg).results())
              .allMatch(y -> Integer.parseInt(y.group(1)) <= height - 10);
          assertThat(svg)
              .startsWith("<svg ")
              .endsWith("</svg>\n")
              .doesNotContain("<script", "href");
        });
  }

  @Test
  void namesFromOutsideCannotBreakOut() {
    OccupancyMap map =
        OccupancyMap.builder(256)
            .claim(new ByteRange(0x40, 32), Use.QUIRK, "</text><script>\u001b[31m\u202e&\"\n")
            .build();
    OccupancyPicture picture = OccupancyPicture.of(map).titled("<b>\u0000\u009b", "\u2028]]>");

    assertThat(picture.svg())
        .contains("&lt;/text&gt;&lt;script&gt; [31m &amp;&quot;")
        .doesNotContain("<script", "<b>", "\u001b", "\u202e", "\u0000", "\u009b", "\u2028");
    assertThat(picture.text(16, false, 80)).doesNotContain("\u001b", "\u202e");
  }

  @Test
  void longNamesAreCutWithAnEllipsis() {
    OccupancyMap map =
        OccupancyMap.builder(256)
            .claim(
                new ByteRange(0x40, 32),
                Use.QUIRK,
                "a register that has a long, long name ".repeat(9))
            .build();
    OccupancyPicture picture = OccupancyPicture.of(map).titled("title ".repeat(99), "");

    assertThat(picture.text(16, false, 80))
        .contains("! [40] a register that has a long, long name a…");
    assertThat(Pattern.compile(">([^<]*)</text>").matcher(picture.svg()).results())
        .allMatch(text -> text.group(1).length() < 120);
  }

  @Test
  void otherRowWidthsAndMarksOutsideAreRefused() {
    OccupancyPicture picture = OccupancyPicture.of(map());

    assertThatIllegalArgumentException().isThrownBy(() -> picture.text(48, false, 80));
    assertThatIllegalArgumentException().isThrownBy(() -> picture.text(8, false, 80));
    assertThatIllegalArgumentException().isThrownBy(() -> picture.text(512, false, 80));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> picture.marking(new ByteRange(0xffc, 8), "x"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> picture.marking(new ByteRange(0x100, 0), "x"));
  }

  private static String symbols(OccupancyPicture picture, int size) {
    StringBuilder symbols = new StringBuilder();
    IntStream.range(0, size).forEach(at -> symbols.append(picture.symbolAt(at)));
    return symbols.toString();
  }

  /// The symbols that the rows of a text show, folded rows unfolded.
  private static String shownSymbols(String text, int bytesPerRow) {
    StringBuilder symbols = new StringBuilder();
    int groups = bytesPerRow <= 32 ? bytesPerRow / 4 : bytesPerRow / 16;
    int width = bytesPerRow + groups - 1;
    Pattern row = Pattern.compile("[0-9a-f]{3}  (.{" + width + "})(?:  ×([0-9]+).*|.*)");
    text.lines()
        .map(row::matcher)
        .filter(m -> m.matches())
        .forEach(m ->
            symbols.repeat(
                m.group(1).replace(" ", ""),
                m.group(2) == null ? 1 : Integer.parseInt(m.group(2))));
    return symbols.toString();
  }

  private static OccupancyMap randomMap(Random random) {
    OccupancyMap.Builder map = OccupancyMap.builder(random.nextBoolean() ? 4096 : 256);
    Use[] uses = Use.values();
    int claims = random.nextInt(300);
    for (int i = 0; i < claims; i++) {
      map.claim(
          new ByteRange(random.nextInt(4096), 1 + random.nextInt(40)),
          uses[1 + random.nextInt(uses.length - 1)],
          "owner number " + i,
          "name" + "x".repeat(random.nextInt(30)));
    }
    return map.build();
  }
}
