package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class QuirkFileTextTest {

  @Test
  void whatIsWrittenCanBeRead() {
    String text =
        """
        {
          "$schema": "quirks.schema.json",
          "format": 1,
          "quirks": [
            {
              "id": "one",
              "name": "A \\"quoted\\" näme",
              "match": { "vendor": "0x10de", "device": "0x2080-0x20ff", "function": "physical" },
              "hidden": [
                { "offset": "0x40", "length": 5, "what": "w" },
                { "offset": "0x488", "mask": "0x02000000", "access": "rw", "evidence": "driver", "what": "w" }
              ],
              "place": "0x180",
              "available": ["0x180-0x24f", "0x268-0x268"],
              "shadow": ["0x700-0x707"],
              "maxWidth": 16,
              "exec": false,
              "priv": false,
              "refuse": "broken",
              "source": "s",
              "notes": "n"
            },
            {
              "id": "two",
              "name": "n",
              "match": [
                {
                  "vendor": "0x8086",
                  "device": [
                    "0x0001-0x0002", "0x0004", "0x0006", "0x0008", "0x000a", "0x000c", "0x000e", "0x0010",
                    "0x0012"
                  ]
                },
                {
                  "vendor": "0x8086",
                  "subsystem": ["0x1028:0x0015", "0x103c"],
                  "class": ["0x0300xx", "0x0302xx"],
                  "revision": ["0xa1", "0xb0-0xbf"]
                }
              ],
              "exec": false,
              "source": "s"
            }
          ]
        }
        """;

    assertThat(QuirkFileText.of("quirks.schema.json", QuirkFiles.read(text))).isEqualTo(text);
  }

  @Test
  void aFileMayBeWithoutSchemaAndQuirks() {
    assertThat(QuirkFileText.of("", List.of()))
        .isEqualTo(
            """
            {
              "format": 1,
              "quirks": []
            }
            """);
  }
}
