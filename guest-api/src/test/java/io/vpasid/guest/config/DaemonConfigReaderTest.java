package io.vpasid.guest.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.vpasid.guest.vfiouser.ClientLimits;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.testing.Seeds;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import io.vpasid.vmm.pasid.PasidLimits.WhenDisabled;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;

class DaemonConfigReaderTest {
  private static final Path FOLDER = Path.of("/etc/vpasid");
  private static final Schema SCHEMA =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
          .getSchema(DaemonConfigShape.file().schema());

  private static final String WHOLE =
      """
      { "$schema": "serve.schema.json", "format": 1,
        "control": { "socket": "/run/c.sock", "maxClients": 3, "users": [0], "readers": 7,
                     "mode": "0666" },
        "group": 36, "mode": "0660",
        "users": [0, 1000], "limits": { "clientFiles": 4, "bars": "3M" }, "metrics": { "socket": "/run/m.sock", "port": 9464 },
        "log": { "format": "json", "level": "debug" },
        "quirks": ["quirks.d", "/opt/q.json"], "hwInfo": "width=16,exec",
        "functions": [
          { "name": "dsa", "source": "m.txt", "address": "6a:01.0", "socket": "dsa.sock",
            "hwInfo": "none", "quota": 12, "virtual": true, "offset": "0x180",
            "available": ["0x200-0x2ff", "0x400"], "shadowing": true, "attachBeforeEnable": true,
            "mailbox": true, "bars": ["0=64K", "2=16M"] },
          { "name": "nic", "source": "0000:3b:00.0", "socket": "/run/nic.sock",
            "kernel": "6.14", "iommu": "arm", "quirks": ["q.json", "/opt/q"],
            "owner": 8, "mode": "0600" },
          { "name": "gpu", "source": "0000:17:00.0", "passthrough": true, "socket": "gpu.sock" } ],
        "addressSpaces": [ { "name": "a" }, { "name": "b", "functions": ["nic"], "guestMemory": true } ] }
      """;

  /// Configurations that are right.
  static final List<String> GOOD =
      List.of(
          "{ \"format\": 1 }",
          WHOLE,
          "{ \"format\": 1, \"users\": 7, \"quirks\": \"q\", \"functions\": [] }",
          """
          { "format": 1, "functions": [ { "name": "f", "source": "m.txt", "socket": "f.sock" } ],
            "iommu": { "kind": "vtd", "socket": "i.sock", "mode": "shadow",
                       "covers": [ { "function": "f", "place": "1f.7" } ] } }
          """,
          "{ \"format\": 1, \"hwInfo\": \"none\" }",
          "{ \"format\": 1, \"hwInfo\": \"exec,width=0,no-ats\" }",
          "{ \"format\": 1, \"control\": {}, \"metrics\": {}, \"log\": {} }",
          function(
              "\"name\": \"a\", \"source\": \"s\", \"socket\": \"s\", \"iommu\": \"none\","
                  + " \"quirks\": []"),
          function("\"name\": \"a\", \"source\": \"s\", \"socket\": \"s\", \"quirks\": \"q\""));

  /// Configurations that are wrong in a way that a schema can say.
  static final List<String> BAD =
      List.of(
          "[]",
          "{ }",
          "{ \"format\": 2 }",
          "{ \"format\": 1, \"users\": [] }",
          "{ \"format\": 1, \"users\": -1 }",
          "{ \"format\": 1, \"users\": 1, \"mode\": \"0777\" }",
          "{ \"format\": 1, \"owner\": \"root\" }",
          "{ \"format\": 1, \"metrics\": { \"port\": 65536 } }",
          "{ \"format\": 1, \"limits\": { \"clientFiles\": 65536 } }",
          "{ \"format\": 1, \"limits\": { \"bars\": \"1 G\" } }",
          "{ \"format\": 1, \"limits\": { \"logLinesPerSecond\": 0 } }",
          "{ \"format\": 1, \"log\": { \"level\": \"all\" } }",
          "{ \"format\": 1, \"control\": { \"maxClients\": 0 } }",
          "{ \"format\": 1, \"quirks\": \"\" }",
          "{ \"format\": 1, \"hwInfo\": \"width=21\" }",
          "{ \"format\": 1, \"hwInfo\": \"exec\" }",
          "{ \"format\": 1, \"hwInfo\": \"width=20,\" }",
          function("\"name\": \"a\", \"source\": \"s\""),
          function("\"name\": \"a\", \"socket\": \"s\""),
          function("\"source\": \"a\", \"socket\": \"s\""),
          function("\"name\": \"a b\", \"source\": \"s\", \"socket\": \"s\""),
          function("\"name\": \"a\", \"source\": \"s\", \"socket\": \"s\", \"quota\": -1"),
          function("\"name\": \"a\", \"source\": \"s\", \"socket\": \"s\", \"offset\": \"0x102\""),
          function("\"name\": \"a\", \"source\": \"s\", \"socket\": \"s\", \"address\": \"1\""),
          function("\"name\": \"a\", \"source\": \"s\", \"socket\": \"s\", \"virtual\": 1"),
          function(
              "\"name\": \"a\", \"source\": \"s\", \"socket\": \"s\", \"available\": \"0x10\""),
          function("\"name\": \"a\", \"source\": \"s\", \"socket\": \"s\", \"iommu\": \"via\""),
          function("\"name\": \"a\", \"source\": \"s\", \"socket\": \"s\", \"kernel\": \"new\""),
          function("\"name\": \"a\", \"source\": \"s\", \"socket\": \"s\", \"quirks\": [\"\"]"),
          passedThrough("m.txt", ""),
          passedThrough("00:04.0", ", \"iommu\": \"intel\""),
          passedThrough("00:04.0", ", \"kernel\": \"7.3\""),
          passedThrough("00:04.0", ", \"hwInfo\": \"none\""),
          passedThrough("00:04.0", ", \"address\": \"00:04.0\""),
          passedThrough("00:04.0", ", \"virtual\": false"),
          "{ \"format\": 1, \"addressSpaces\": [ {} ] }",
          "{ \"format\": 1, \"iommu\": { \"socket\": \"i.sock\" } }",
          "{ \"format\": 1, \"iommu\": { \"socket\": \"i.sock\", \"covers\": [] } }",
          iommu("f", "20.0", ""),
          iommu("f", "04.0", ", \"mode\": \"emulated\""),
          iommu("f", "04.0", ", \"kind\": \"smmuv3\""),
          "{ \"format\": 1, \"addressSpaces\": [ { \"name\": \"a\", \"guestMemory\": 1 } ] }");

  private static String passedThrough(String source, String more) {
    return function(
        "\"name\": \"a\", \"source\": \""
            + source
            + "\", \"socket\": \"s\", \"passthrough\": true"
            + more);
  }

  private static String iommu(String function, String place, String more) {
    return """
    { "format": 1, "functions": [ { "name": "f", "source": "m.txt", "socket": "f.sock" } ],
      "iommu": { "socket": "i.sock", "covers": [ { "function": "%s", "place": "%s" } ]%s } }
    """
        .formatted(function, place, more);
  }

  @Test
  void theIommuCoversFunctionsInTheirPlaces() {
    IommuConfig iommu = read(iommu("f", "1f.7", ", \"mode\": \"nested\"")).iommus().getFirst();

    assertThat(iommu.socket()).isEqualTo(FOLDER.resolve("i.sock"));
    assertThat(iommu.covers()).containsExactly(Map.entry("f", new PciAddress(0, 0, 0x1f, 7)));
    assertThat(iommu.mode()).contains(TranslationMode.Kind.NESTED);
  }

  @Test
  void theIommuCoversOnlyFunctionsThatAreThereAndEachOnce() {
    assertThatThrownBy(() -> read(iommu("g", "04.0", "")))
        .isInstanceOf(JsonFileException.class)
        .hasMessageContaining("there is no function \"g\"; there are f");
    assertThatThrownBy(
            () -> read(iommu("f\", \"place\": \"05.0\" }, { \"function\": \"f", "04.0", "")))
        .hasMessageContaining("it is covered already; leave one out");
    assertThatThrownBy(() -> read(iommu("f", "04.0", "").replace("i.sock", "f.sock")))
        .hasMessageContaining("the socket is already that of \"f\"; choose another");
  }

  private static String function(String members) {
    return "{ \"format\": 1, \"functions\": [ { " + members + " } ] }";
  }

  private static DaemonConfig read(String text) {
    return DaemonConfigReader.read(text.getBytes(StandardCharsets.UTF_8), "serve.json", FOLDER);
  }

  private static List<?> schemaFindings(String text) {
    return SCHEMA.validate(text, InputFormat.JSON);
  }

  @Test
  void everyKeyIsTakenOver() {
    DaemonConfig config = read(WHOLE);

    assertThat(config.control()).isEqualTo(Path.of("/run/c.sock"));
    assertThat(config.limits().get(Limits.CLIENT_FILES)).isEqualTo(4);
    assertThat(config.limits().get(Limits.BARS)).isEqualTo(3 << 20);
    assertThat(config.limits().get(Limits.CLIENT_MEMORY)).isEqualTo(ClientLimits.DEFAULTS.bytes());
    assertThat(config.maxClients()).isEqualTo(3);
    assertThat(config.access().users()).containsExactlyInAnyOrder(0, 1000);
    assertThat(config.controlAccess().users()).containsExactly(0);
    assertThat(config.controlReaders()).containsExactly(7);
    assertThat(config.functions().get(0).access()).isEqualTo(config.access());
    assertThat(config.access().mode()).isEqualTo(SocketAccess.Mode.GROUP);
    assertThat(config.controlAccess().mode()).isEqualTo(SocketAccess.Mode.EVERYBODY);
    assertThat(config.controlAccess().group()).isEmpty();
    assertThat(config.functions().get(1).access())
        .isEqualTo(
            new SocketAccess(
                Set.of(0, 8), Set.of(), Optional.of(8), Optional.of(36), SocketAccess.Mode.OWNER));
    assertThat(config.metricsPort()).contains(9464);
    assertThat(config.metricsSocket()).contains(Path.of("/run/m.sock"));
    assertThat(config.log()).isEqualTo(new LogStyle(LogStyle.Format.JSON, LogStyle.Level.DEBUG));
    assertThat(config.quirks()).containsExactly(FOLDER.resolve("quirks.d"), Path.of("/opt/q.json"));
    FunctionConfig dsa = config.functions().getFirst();
    assertThat(dsa.name()).isEqualTo("dsa");
    assertThat(dsa.source()).isEqualTo(FOLDER.resolve("m.txt"));
    assertThat(dsa.address()).contains(new PciAddress(0, 0x6a, 1, 0));
    assertThat(dsa.socket()).isEqualTo(FOLDER.resolve("dsa.sock"));
    assertThat(dsa.hardware()).isEqualTo(HardwareInfo.NONE);
    assertThat(dsa.quota()).isEqualTo(12);
    assertThat(dsa.virtual()).contains(true);
    assertThat(dsa.policy().offset()).contains(0x180);
    assertThat(dsa.policy().available())
        .containsExactly(ByteRange.between(0x200, 0x300), ByteRange.between(0x400, 0x401));
    assertThat(dsa.policy().shadowing()).isTrue();
    assertThat(dsa.whenDisabled()).isEqualTo(WhenDisabled.ALLOW);
    assertThat(dsa.mailbox()).isTrue();
    assertThat(dsa.passthrough()).isFalse();
    assertThat(config.functions().get(1).hardware())
        .isEqualTo(new HardwareInfo(16, true, false, true));
    assertThat(config.functions().get(1).ownHost())
        .contains(new OwnHost(IommuProfile.arm(), new KernelVersion(6, 14)));
    assertThat(config.functions().get(1).quirks())
        .contains(List.of(FOLDER.resolve("q.json"), Path.of("/opt/q")));
    assertThat(dsa.ownHost()).isEmpty();
    assertThat(dsa.quirks()).isEmpty();
    assertThat(config.functions().getLast().passthrough()).isTrue();
    assertThat(config.addressSpaces().getFirst().functions()).isEmpty();
    assertThat(config.addressSpaces().getFirst().guestMemory()).isFalse();
    assertThat(config.addressSpaces().getLast().functions()).contains(List.of("nic"));
    assertThat(config.addressSpaces().getLast().guestMemory()).isTrue();
  }

  @ParameterizedTest
  @FieldSource("GOOD")
  void whatIsRightIsRightForReaderAndSchema(String text) {
    assertThat(read(text)).isNotNull();
    assertThat(schemaFindings(text)).isEmpty();
  }

  @ParameterizedTest
  @FieldSource("BAD")
  void whatIsWrongIsWrongForReaderAndSchema(String text) {
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(JsonFileException.class)
        .hasMessageStartingWith("serve.json:");
    assertThat(schemaFindings(text)).isNotEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{ \"format\": 1, \"funktions\": [] }|serve.json:1:16: unknown key \"funktions\"; did you"
            + " mean \"functions\"?",
        "{ \"functions\": [] }|serve.json:1:1: the file has no \"format\"; add \"format\": 1",
        "{ \"format\": 1, \"hwInfo\": \"wide\" }|serve.json:1:26: \"hwInfo\" must be",
        "{ \"format\": 1, \"functions\": [ { \"name\": \"a\", \"socket\": \"s\", \"source\": \"m\","
            + " \"passthrough\": true } ] }|serve.json:1:71: function \"a\" is passed through, so"
            + " its \"source\" is its address, such as \"0000:6a:01.0\", not \"m\"",
        "{ \"format\": 1, \"functions\": [ { \"name\": \"a\", \"socket\": \"s\", \"hwInfo\":"
            + " \"none\", \"passthrough\": true, \"source\": \"00:4.0\" } ] }|serve.json:1:71:"
            + " function \"a\" is passed through, and its host tells what \"hwInfo\" would; leave"
            + " it out",
        "{ \"format\": 1, \"functions\": [ {} ] }|serve.json:1:31: the function has no \"name\"",
        "{ \"format\": 1, \"functions\": [ { \"available\": \"0x200-0x1ff\" } ] }|serve.json:1:46:"
            + " \"available\" has a range that ends before it starts; write the lower end first",
      })
  void messageNamesThePlaceAndWhatToDo(String text, String message) {
    assertThatThrownBy(() -> read(text)).hasMessageStartingWith(message);
  }

  @Test
  void namesAndSocketsAreUnique() {
    String one = "{ \"name\": \"a\", \"source\": \"s\", \"socket\": \"x\" }";
    String sameName = one.replace("\"x\"", "\"y\"");
    String sameSocket = one.replace("\"a\"", "\"b\"");

    assertThatThrownBy(
            () -> read("{ \"format\": 1, \"functions\": [" + one + "," + sameName + "] }"))
        .hasMessageContaining("the name \"a\" is already used in line 1");
    assertThatThrownBy(
            () -> read("{ \"format\": 1, \"functions\": [" + one + "," + sameSocket + "] }"))
        .hasMessageContaining("the socket is already that of \"a\"");
    assertThatThrownBy(() ->
            read(
                "{ \"format\": 1, \"addressSpaces\": [{ \"name\": \"a\" }, { \"name\": \"a\" }]"
                    + " }"))
        .hasMessageContaining("already used");
  }

  @Test
  void addressSpaceNamesFunctionsThatAreThere() {
    assertThatThrownBy(() ->
            read(
                "{ \"format\": 1, \"addressSpaces\": [ { \"name\": \"a\", \"functions\":"
                    + " [\"nic\"] } ] }"))
        .hasMessageContaining("there is no function \"nic\"");
  }

  @Test
  void missingFileIsNamed(@TempDir Path folder) {
    assertThatThrownBy(() -> DaemonConfig.read(folder.resolve("none.json")))
        .isInstanceOf(JsonFileException.class)
        .hasMessageContaining("none.json: no such file");
  }

  /// Invariant I8: no configuration makes the reader throw anything but its own exception.
  @Test
  void damagedConfigurationIsReadOrRefused() {
    byte[] whole = WHOLE.getBytes(StandardCharsets.UTF_8);
    AtomicInteger read = new AtomicInteger();
    Seeds.forAll(
        20_000,
        seed -> {
          Random random = new Random(seed);
          byte[] damaged = whole.clone();
          for (int flips = random.nextInt(3); flips >= 0; flips--) {
            damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(128);
          }
          try {
            DaemonConfigReader.read(damaged, "serve.json", FOLDER);
            read.incrementAndGet();
          } catch (JsonFileException e) {
            assertThat(e.getMessage()).startsWith("serve.json").hasLineCount(1);
          }
        });
    assertThat(read.get()).as("some damage does no harm").isPositive();
  }

  @Test
  void groupsOfAFunctionTakeThePlaceOfTheDaemonsUsersAndGroups() {
    DaemonConfig config =
        read(
            """
            { "format": 1, "users": [8], "groups": [100, 101], "mode": "0660", "functions": [
              { "name": "a", "source": "a.txt", "socket": "a" },
              { "name": "b", "source": "a.txt", "socket": "b", "groups": 36 } ] }
            """);

    SocketAccess first = config.functions().get(0).access();
    SocketAccess second = config.functions().get(1).access();
    assertThat(first).isEqualTo(config.access());
    assertThat(first.users()).containsExactly(8);
    assertThat(first.groups()).containsExactlyInAnyOrder(100, 101);
    assertThat(second.users()).isEmpty();
    assertThat(second.groups()).containsExactly(36);
    assertThat(config.controlAccess().groups()).containsExactlyInAnyOrder(100, 101);
    assertThat(config.controlAccess().mode()).isEqualTo(SocketAccess.Mode.OWNER);
  }

  @Test
  void modeForOthersNeedsUsersWhoMay() {
    assertThatThrownBy(() -> read("{ \"format\": 1, \"control\": { \"mode\": \"0660\" } }"))
        .hasMessageContaining("mode 0660 lets others connect, and nothing says who may");
    assertThatThrownBy(() -> read("{ \"format\": 1, \"mode\": \"0666\" }"))
        .hasMessageContaining("add \"users\"");
    assertThat(read("{ \"format\": 1, \"control\": { \"readers\": 7, \"mode\": \"0666\" } }"))
        .isNotNull();
  }
}
