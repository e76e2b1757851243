package io.vpasid.guest.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.synth.json.JsonFileException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class TenantPartTest {
  private static final Path FILE = Path.of("/etc/vpasid/serve.json");
  private static final Path CONTROL = Path.of("/run/c.sock.tenants/acme/control.sock");
  private static final String OF_ACME = "[ { \"function\": \"a\", \"place\": \"01.0\" } ]";
  private static final String OF_BOTH =
      "[ { \"function\": \"a\", \"place\": \"01.0\" },"
          + " { \"function\": \"b\", \"place\": \"02.0\" } ]";

  private static Map<String, TenantPart> parts(String covers) {
    byte[] text =
        """
        { "$schema": "x", "format": 1, "control": { "socket": "c.sock" }, "users": [0, 7],
          "metrics": {}, "limits": { "clientFiles": 3 },
          "functions": [
            { "name": "a", "source": "m.txt", "socket": "a.sock", "tenant": "acme" },
            { "name": "b", "source": "m.txt", "socket": "b.sock" },
            { "name": "c", "source": "m.txt", "socket": "c.sock", "tenant": "acme" } ],
          "tenants": [ { "name": "acme", "heap": "64M" } ],
          "iommu": { "name": "i", "socket": "i.sock", "covers": %s } }
        """
            .formatted(covers)
            .getBytes(StandardCharsets.UTF_8);
    return TenantPart.of(text, DaemonConfig.of(text, FILE));
  }

  private static TenantPart part(String tenant) {
    return Objects.requireNonNull(parts(OF_ACME).get(tenant));
  }

  private static DaemonConfig read(TenantPart part) {
    return DaemonConfig.of(part.line(CONTROL, 0), FILE);
  }

  private static ObjectNode json(String text) {
    return (ObjectNode) new JsonMapper().readTree(text);
  }

  @Test
  void problemOfAPartNamesNoLineOfTheFile() {
    assertThatThrownBy(
            () -> DaemonConfig.ofPart("{ \"nonsense\": 1 }".getBytes(StandardCharsets.UTF_8), FILE))
        .isInstanceOf(JsonFileException.class)
        .hasMessageStartingWith("a tenant's part of " + FILE + ":1:3: ");
  }

  @Test
  void functionsOfATenantAreInOnePartAndOthersInOneEach() {
    Map<String, TenantPart> parts = parts(OF_ACME);

    assertThat(parts.keySet()).containsExactly("acme", "b");
    assertThat(part("acme").functions()).containsExactly("a", "c");
    assertThat(part("b").functions()).containsExactly("b");
  }

  @Test
  void aPartIsAConfigurationWithAControlSocketOfItsOwn() {
    DaemonConfig config = read(part("acme"));

    assertThat(config.control()).isEqualTo(CONTROL);
    assertThat(config.controlAccess().users()).containsExactly(0);
    assertThat(config.access().users()).containsExactlyInAnyOrder(0, 7);
    assertThat(config.metricsSocket()).isEmpty();
    assertThat(config.limits().get(Limits.CLIENT_FILES)).isEqualTo(3);
    assertThat(config.iommus()).hasSize(1);
    assertThat(config.folder()).isEqualTo(Path.of("/etc/vpasid"));
  }

  @Test
  void whatBelongsToOneTenantIsInNoOtherPart() {
    assertThat(read(part("b")).iommus()).isEmpty();
  }

  @Test
  void anIommuOfTwoTenantsIsRefused() {
    assertThatExceptionOfType(InputException.class)
        .isThrownBy(() -> parts(OF_BOTH))
        .withMessageContaining("tenants 'acme' and 'b'");
  }

  @Test
  void anAddressSpaceNamesOnlyFunctionsThatThePartHas() {
    ObjectNode space = json("{ \"name\": \"s\", \"functions\": [\"a\", \"b\"] }");

    TenantPart acme = part("acme");
    acme.add(TenantPart.Kind.ADDRESS_SPACE, acme.reduced(space, 9).orElseThrow());

    AddressSpaceConfig reduced = read(acme).addressSpaces().getFirst();
    assertThat(reduced.handle()).contains(9);
    assertThat(reduced.functions().orElseThrow()).containsExactly("a");
    assertThat(part("b").reduced(json("{ \"name\": \"s\", \"functions\": \"a\" }"), 9)).isEmpty();
  }

  @Test
  void nothingNamesAFunctionThatIsTakenAway() {
    TenantPart part = part("acme");
    ObjectNode space = json("{ \"name\": \"s\", \"functions\": [\"a\", \"c\"] }");
    part.add(TenantPart.Kind.ADDRESS_SPACE, part.reduced(space, 9).orElseThrow());

    part.remove(TenantPart.Kind.FUNCTION, "a");

    DaemonConfig config = read(part);
    assertThat(config.addressSpaces().getFirst().functions().orElseThrow()).containsExactly("c");
    assertThat(config.iommus()).isEmpty();
  }

  @Test
  void whatCommandsAddAndTakeAwayIsInTheNextStart() {
    TenantPart part = part("acme");

    part.add(
        TenantPart.Kind.FUNCTION,
        json("{ \"name\": \"d\", \"source\": \"m.txt\", \"socket\": \"d.sock\" }"));
    part.remove(TenantPart.Kind.IOMMU, "i");
    part.remove(TenantPart.Kind.FUNCTION, "a");

    DaemonConfig config = read(part);
    assertThat(config.functions()).extracting(FunctionConfig::name).containsExactly("c", "d");
    assertThat(config.iommus()).isEmpty();
  }
}
