package io.vpasid.guest.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.guest.config.FunctionDescription.Doorbell;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.synth.json.JsonFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FunctionFileTest {
  private static final String IDS =
      "\"format\": 1, \"vendor\": \"0xf00d\", \"device\": \"0x0001\", \"class\": \"0x088000\"";

  private static ConfigSpace config(String keys) {
    return Descriptions.of("{ " + IDS + keys + " }").captured().config();
  }

  private static Capability find(ConfigSpace config, CapabilityId id) {
    return CapabilityChain.walk(config).find(id).orElseThrow();
  }

  @Test
  void theShortestFileIsAnIntegratedEndpointThatAGuestCanUsePasidsOf() {
    FunctionDescription function = Descriptions.of("{ " + IDS + " }");
    ConfigSpace config = function.captured().config();
    int express = find(config, CapabilityId.PCI_EXPRESS).offset();

    assertThat(function.address()).isEqualTo(new PciAddress(0, 0, 1, 0));
    assertThat(config.id().toString()).isEqualTo("f00d:0001");
    assertThat(config.classCode()).isEqualTo(0x088000);
    assertThat(config.u16(express + 2)).as("version 2, integrated endpoint").isEqualTo(0x0092);
    assertThat(config.u32(express + 4) >>> 28 & 1).as("function-level reset").isEqualTo(1);
    assertThat(config.u32(express + 0x24) >>> 21 & 1).as("End-End TLP prefix").isEqualTo(1);
    assertThat(CapabilityChain.walk(config).anomalies()).isEmpty();
    assertThat(function.bars()).isEmpty();
  }

  @Test
  void everythingThatCanBeSaidIsInTheBytes() {
    FunctionDescription function = Descriptions.withMsix();
    ConfigSpace config = function.captured().config();
    int msix = find(config, CapabilityId.MSI_X).offset();
    int pasid = find(config, CapabilityId.PASID).offset();

    assertThat(function.address().toString()).isEqualTo("0000:6a:01.0");
    assertThat(function.bars()).containsExactly(Bar.memory64(0, 64 << 10));
    assertThat(function.doorbell()).contains(new Doorbell(0, 0x10));
    assertThat(config.u32(0x10)).as("64-bit memory").isEqualTo(4);
    assertThat(config.u16(msix + 2)).isEqualTo(7);
    assertThat(config.u32(msix + 4)).isEqualTo(0x8000);
    assertThat(config.u32(msix + 8)).isEqualTo(0x9000);
    assertThat(config.u32(pasid + 4)).isEqualTo(20 << 8 | 4);
    assertThat(CapabilityChain.walk(config).extended())
        .extracting(Capability::id)
        .containsExactly(CapabilityId.ATS, CapabilityId.PASID, CapabilityId.PRI);
  }

  @Test
  void capabilitiesAndHiddenRegistersAreWhereTheFileSays() {
    ConfigSpace config =
        config(
            """
            , "capabilities": [
                { "extended": "0x0003", "body": "01 02 03 04 05 06 07 08" },
                { "extended": "0x000b", "version": 2, "offset": "0x400", "body": "aa bb 00 01" },
                { "standard": "0x09", "offset": "0xc0", "body": "04 ff" } ],
              "hidden": [ { "offset": "0xff8", "bytes": "de ad" } ]
            """);

    assertThat(config.u32(0x100)).isEqualTo(0x40010003);
    assertThat(config.u32(0x104)).isEqualTo(0x04030201);
    assertThat(config.u32(0x400)).isEqualTo(0x0002000b);
    assertThat(config.u32(0xc0)).isEqualTo(0xff040009);
    assertThat(config.u16(0xff8)).isEqualTo(0xadde);
    assertThat(CapabilityChain.walk(config).anomalies()).isEmpty();
  }

  @Test
  void aSubsystemARevisionAndAPortAreTaken() {
    ConfigSpace config =
        config(
            ", \"subsystem\": \"0x1234:0x0005\", \"revision\": \"0x03\", \"port\": \"endpoint\"");

    assertThat(config.subsystem().toString()).isEqualTo("1234:0005");
    assertThat(config.revision()).isEqualTo(3);
    assertThat(config.u16(find(config, CapabilityId.PCI_EXPRESS).offset() + 2)).isEqualTo(0x0002);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          , "vectros": 8                                            | 1:77: unknown key "vectros"
          , "bars": [ { "index": 6, "size": "4K" } ]                | whole number from 0 to 5
          , "bars": [ { "index": 0, "size": "3K" } ]                | power of two
          , "bars": [ { "index": 0 } ]                              | the BAR has no "size"
          , "bars": [ { "index": 5, "size": "4K", "type": "memory64" } ] | BAR 5 cannot have 64 bits
          , "bars": [ { "index": 0, "size": "4K", "type": "memory64" }, { "index": 1, "size": "4K" } ] | share a register
          , "bars": [ { "index": 0, "size": "1024T" } ]             | power of two
          , "msix": { "vectors": 1, "bar": 0, "table": "0x0", "pba": "0x800" } | BAR 0 is no memory
          , "bars": [ { "index": 0, "size": "4K" } ], "msix": { "vectors": 2048, "bar": 0, "table": "0x0", "pba": "0x800" } | make it larger
          , "bars": [ { "index": 0, "size": "4K" } ], "msix": { "vectors": 8, "bar": 0, "table": "0x0", "pba": "0x40" } | overlap
          , "bars": [ { "index": 0, "size": "4K" } ], "msix": { "vectors": 8, "bar": 0, "table": "0x4", "pba": "0x800" } | multiple of 8
          , "bars": [ { "index": 0, "size": "4K" } ], "doorbell": { "bar": 0, "offset": "0x0" } | add "msix"
          , "bars": [ { "index": 0, "size": "1K" } ], "dmaEngine": { "bar": 0 } | make it larger
          , "dmaEngine": { "bar": 0 }                               | BAR 0 is no memory
          , "pasid": { "width": 21 }                                | whole number from 1 to 20
          , "pasid": { "exec": true }                               | has no "width"
          , "capabilities": [ { "version": 1 } ]                    | neither "standard" nor "extended"
          , "capabilities": [ { "standard": "0x09", "extended": "0x0b" } ] | either "standard" or "extended"
          , "capabilities": [ { "extended": "0x0003", "offset": "0x140" } ] | always at 0x100
          , "capabilities": [ { "standard": "0x09", "offset": "0x41" } ] | multiple of 4
          , "capabilities": [ { "standard": "0x09", "offset": "0x44" } ] | are taken already
          , "capabilities": [ { "standard": "0x09", "offset": "0xfc", "body": "00 01 02" } ] | do not lie within
          , "capabilities": [ { "standard": "0x09", "body": "0x12" } ] | must be bytes such as
          , "hidden": [ { "offset": "0x10", "bytes": "00" } ]       | lie from 0x40 to 0xfff
          , "hidden": [ { "offset": "0xfff", "bytes": "00 01" } ]   | lie from 0x40 to 0xfff
          , "hidden": [ { "offset": "0x44", "bytes": "00" } ]       | are taken already
          , "vendor": "0x1234"                                      | is here twice
          , "address": "x"                                          | must be an address such as
          , "port": "root"                                          | must be one of endpoint, integrated
          , "ats": 1                                                | true or false
          """)
  void whatIsWrongIsSaidWithItsPlace(String keys, String expected) {
    assertThatThrownBy(() -> config(keys))
        .isInstanceOf(JsonFileException.class)
        .hasMessageStartingWith("f.json:1:")
        .hasMessageContaining(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          { "vendor": "0x1", "device": "0x1", "class": "0x1" } | has no "format"
          { "format": 2 } | format 2 is not known here
          { "format": 1, "device": "0x1", "class": "0x1" } | has no "vendor"
          { "format": 1, "vendor": "0x1", "class": "0x1" } | has no "device"
          { "format": 1, "vendor": "0x1", "device": "0x1" } | has no "class"
          { "format": 1, "vendor": "0xffff" } | too large
          [] | must be an object
          { "format": 1 | ends too early
          """)
  void aFileThatLacksSomethingIsRefused(String text, String expected) {
    assertThatThrownBy(() -> Descriptions.of(text))
        .isInstanceOf(JsonFileException.class)
        .hasMessageContaining(expected);
  }

  @Test
  void anEmptyFileIsRefused() {
    assertThatThrownBy(() -> Descriptions.of(" "))
        .hasMessageContaining("the file is empty; describe a function");
  }

  @Test
  void aFileThatIsNotThereIsRefused() {
    assertThatThrownBy(() -> FunctionFile.read(Path.of("not-there.json")))
        .isInstanceOf(JsonFileException.class)
        .hasMessageContaining("not-there.json: no such file");
  }
}
