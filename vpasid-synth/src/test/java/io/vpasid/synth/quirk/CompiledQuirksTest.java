package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class CompiledQuirksTest {
  @Test
  void theBuiltInQuirksAreTheSameAsInTheirFiles() {
    List<Quirk> parsed = BuiltInFiles.parse();
    assertThat(CompiledQuirks.read(CompiledQuirks.compile(parsed))).isEqualTo(parsed);
    assertThat(BuiltInFiles.read()).isEqualTo(parsed);
  }

  @Test
  void theSameQuirksGiveTheSameBytes() {
    assertThat(CompiledQuirks.compile(BuiltInFiles.parse()))
        .isEqualTo(CompiledQuirks.compile(BuiltInFiles.parse()));
  }

  @Test
  void everyKindOfStatementIsKept() {
    String file =
        """
        { "format": 1, "quirks": [
          { "id": "all", "name": "Größe", "source": "s", "notes": "n",
            "match": [
              { "vendor": "0x1234", "device": ["0x0001", "0x0010-0x001f"],
                "subsystem": ["0x1028:0x0015", "0x103c"], "class": "0x03xxxx",
                "revision": "0xa0-0xaf", "function": "virtual" },
              { "class": "0x0604xx" } ],
            "hidden": [
              { "offset": "0xff8", "length": 4, "access": "ro", "evidence": "driver", "what": "a" },
              { "offset": "0x488", "mask": "0x82000000", "what": "b" } ],
            "place": "0x180", "available": ["0x200-0x2ff"], "shadow": ["0x300-0x30f"],
            "maxWidth": 16, "exec": false, "priv": false },
          { "id": "refused", "name": "n", "source": "s",
            "match": { "vendor": "0x1234", "device": "0x0002" }, "refuse": "why" } ] }
        """;
    List<Quirk> quirks =
        QuirkFileReader.read(
            file.getBytes(StandardCharsets.UTF_8), "all.json", QuirkSource.BUILT_IN);
    assertThat(CompiledQuirks.read(CompiledQuirks.compile(quirks))).isEqualTo(quirks);
  }
}
