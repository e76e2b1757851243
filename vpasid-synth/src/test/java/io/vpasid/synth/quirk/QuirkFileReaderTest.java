package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ByteRange;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class QuirkFileReaderTest {

  @Test
  void everyKeyIsRead() {
    List<Quirk> quirks =
        QuirkFiles.read(
            """
            {
              "$schema": "../quirks.schema.json",
              "format": 1,
              "quirks": [
                {
                  "id": "acme-rocket.7",
                  "name": "ACME Rocket",
                  "source": "ACME data sheet 7, table 12",
                  "notes": "seen on two machines",
                  "match": {
                    "vendor": "0x10DE",
                    "device": ["0x0001", "0x0010-0x001f"],
                    "subsystem": ["0x1028:0x0015", "0x103c"],
                    "class": ["0x0302xx", "0x030000"],
                    "revision": ["0xa1", "0xb0-0xbf"],
                    "function": "virtual"
                  },
                  "hidden": [
                    { "offset": "0xff8", "length": 8, "access": "rw", "evidence": "documented", "what": "doorbell" }
                  ],
                  "place": "0x180",
                  "available": ["0x180-0x24f", "0x268-0x3ff"],
                  "shadow": ["0x700-0x707"],
                  "maxWidth": 16,
                  "exec": false,
                  "priv": false,
                  "refuse": "broken in hardware"
                }
              ]
            }
            """);

    QuirkSource source = new QuirkSource("test", "test.json", "acme-rocket.7");
    assertThat(quirks)
        .containsExactly(
            new Quirk(
                source,
                5,
                5,
                "ACME Rocket",
                "ACME data sheet 7, table 12",
                "seen on two machines",
                List.of(
                    new QuirkMatch(
                        0x10de,
                        List.of(new IdRange(0x0001, 0x0001), new IdRange(0x0010, 0x001f)),
                        List.of(
                            new SubsystemMatch(0x1028, 0x0015),
                            new SubsystemMatch(0x103c, QuirkMatch.ANY)),
                        List.of(
                            new ClassPattern(0x030200, 0xffff00),
                            new ClassPattern(0x030000, 0xffffff)),
                        List.of(new IdRange(0xa1, 0xa1), new IdRange(0xb0, 0xbf)),
                        Optional.of(FunctionKind.VIRTUAL))),
                new MatchedQuirks(
                    List.of(
                        new HiddenBits(
                            new ByteRange(0xff8, 8),
                            0xffffffff,
                            Access.READ_WRITE,
                            Evidence.DOCUMENTED,
                            "doorbell",
                            source)),
                    Optional.of(new Decision<>(0x180, source)),
                    List.of(
                        new Decision<>(new ByteRange(0x180, 0xd0), source),
                        new Decision<>(new ByteRange(0x268, 0x198), source)),
                    List.of(new Decision<>(new ByteRange(0x700, 8), source)),
                    Optional.of(new Decision<>(16, source)),
                    Optional.of(new Decision<>(false, source)),
                    Optional.of(new Decision<>(false, source)),
                    Optional.of(new Decision<>("broken in hardware", source)))));
  }

  @Test
  void aFileMayBeEmptyOfQuirks() {
    assertThat(QuirkFiles.read("{ \"format\": 1, \"quirks\": [] }")).isEmpty();
  }

  @Test
  void keysComeInAnyOrder() {
    assertThat(
            QuirkFiles.read(
                """
                { "quirks": [ { "priv": false, "match": { "device": "0x2", "vendor": "0x1" },
                  "source": "s", "name": "n", "id": "a" } ], "format": 1 }
                """))
        .extracting(Quirk::id)
        .containsExactly("a");
  }

  @Test
  void oneMatchOrSeveral() {
    Quirk quirk =
        QuirkFiles.read(
                """
                { "format": 1, "quirks": [ { "id": "a", "name": "n", "source": "s", "exec": false,
                  "match": [ { "vendor": "0x1" }, { "class": "0x01xxxx" } ] } ] }
                """)
            .getFirst();

    assertThat(quirk.matches()).extracting(QuirkMatch::vendor).containsExactly(1, QuirkMatch.ANY);
  }

  @Test
  void aMaskNamesBitsOfItsDword() {
    HiddenBits bits =
        hidden("{ \"offset\": \"0x488\", \"mask\": \"0x02000000\", \"what\": \"w\" }");

    assertThat(bits.range()).isEqualTo(new ByteRange(0x48b, 1));
    assertThat(bits.mask()).isEqualTo(0x02000000);
  }

  @Test
  void aMaskOfSeveralBytesCoversThoseBetween() {
    HiddenBits bits = hidden("{ \"offset\": \"0x40\", \"mask\": \"0xf0000f00\", \"what\": \"w\" }");

    assertThat(bits.range()).isEqualTo(new ByteRange(0x41, 3));
    assertThat(bits.mask()).isEqualTo(0xf0000f00);
  }

  @Test
  void aLengthInsideADwordIsItsBytes() {
    HiddenBits bits = hidden("{ \"offset\": \"0x0d2\", \"length\": \"0x2\", \"what\": \"w\" }");

    assertThat(bits.range()).isEqualTo(new ByteRange(0xd2, 2));
    assertThat(bits.mask()).isEqualTo(0xffff0000);
  }

  @Test
  void aLengthOverADwordsEndIsAllBits() {
    HiddenBits bits = hidden("{ \"offset\": \"0xd3\", \"length\": 2, \"what\": \"w\" }");

    assertThat(bits.range()).isEqualTo(new ByteRange(0xd3, 2));
    assertThat(bits.mask()).isEqualTo(0xffffffff);
  }

  @Test
  void theWholeSpaceMayBeHidden() {
    HiddenBits bits = hidden("{ \"offset\": \"0x0\", \"length\": \"0x1000\", \"what\": \"w\" }");

    assertThat(bits.range()).isEqualTo(new ByteRange(0, 4096));
  }

  @Test
  void whatARegisterDoesNotSayIsUnknown() {
    HiddenBits bits = hidden("{ \"offset\": \"0x40\", \"length\": 4, \"what\": \"w\" }");

    assertThat(bits.access()).isEqualTo(Access.UNKNOWN);
    assertThat(bits.evidence()).isEqualTo(Evidence.UNSTATED);
  }

  @Test
  void hiddenRegistersAreSortedByOffset() {
    Quirk quirk =
        QuirkFiles.quirk(
            "a",
            "\"vendor\": \"0x1\"",
            """
            "hidden": [ { "offset": "0x800", "length": 4, "what": "high" },
                        { "offset": "0x400", "length": 4, "what": "low" } ]
            """);

    assertThat(quirk.effects().hiddenBits())
        .extracting(HiddenBits::what)
        .containsExactly("low", "high");
  }

  @Test
  void aRangeOfOneByteNeedsNoEnd() {
    Quirk quirk = QuirkFiles.quirk("a", "\"vendor\": \"0x1\"", "\"available\": \"0xfff\"");

    assertThat(quirk.effects().available())
        .extracting(Decision::value)
        .containsExactly(new ByteRange(0xfff, 1));
  }

  @Test
  void aByteOrderMarkIsSkipped() {
    byte[] bytes = "\ufeff{ \"format\": 1, \"quirks\": [] }".getBytes(StandardCharsets.UTF_8);

    assertThat(QuirkFileReader.read(bytes, "test.json", "test")).isEmpty();
  }

  @Test
  void textsMayBeOfAnyLanguage() {
    Quirk quirk =
        QuirkFiles.quirk("a", "\"vendor\": \"0x1\"", "\"refuse\": \"geht nicht – 不可 🚀\"");

    assertThat(quirk.effects().refusal()).map(Decision::value).contains("geht nicht – 不可 🚀");
  }

  private static HiddenBits hidden(String item) {
    return QuirkFiles.quirk("a", "\"vendor\": \"0x1\"", "\"hidden\": " + item)
        .effects()
        .hiddenBits()
        .getFirst();
  }
}
