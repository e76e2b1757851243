package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.vmm.vfio.PciIndex;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// Virtual IOMMUs of a daemon by its control socket: one of the configuration, and others.
class IommuCommandsTest extends WithDaemon {
  private static final int GCMD = 0x18;
  private static final int TRANSLATION_ENABLE = 1 << 31;

  IommuCommandsTest() {
    super(
        """
        "iommu": { "name": "first", "socket": "iommu.sock",
          "covers": { "function": "pf", "place": "04.0" } },
        """);
  }

  @Test
  void oneIommuNeedsNoName() throws IOException {
    JsonNode iommu = call("query-iommu");

    assertThat(iommu.path("iommu").asString("")).isEqualTo("first");
    assertThat(iommu.path("translating").asBoolean(true)).isFalse();
    assertThat(iommu.path("entries")).hasSize(1);
    JsonNode entry = iommu.path("entries").get(0);
    assertThat(entry.path("function").asString("")).isEqualTo("pf");
    assertThat(entry.path("place").asString("")).isEqualTo("00:04.0");
    assertThat(entry.path("entry").asString("")).isEqualTo("translation is off");
    assertThat(entry.path("attached").asString("")).startsWith("the guest's memory");
  }

  @Test
  void registersAreThoseThatTheClientReads() throws IOException {
    JsonNode registers = call("query-iommu").path("registers");

    try (VfioUserClient guest =
        VfioUserClient.connect(folder.resolve("iommu.sock"), VfioUserClient.Options.defaults())) {
      long cap = guest.read(PciIndex.BAR0_REGION, 8, 8).order(ByteOrder.LITTLE_ENDIAN).getLong();
      assertThat(Long.parseUnsignedLong(registers.path("CAP").asString("").substring(2), 16))
          .isEqualTo(cap);
    }
  }

  @Test
  void anotherIommuIsServedAndDeleted() throws IOException {
    JsonNode added = call("iommu-add name=second socket=2.sock covers=vf@05.0");

    assertThat(added.path("covers").get(0).asString("")).isEqualTo("vf@05.0");
    assertThat(event("IOMMU_ADDED").path("data").path("iommu").asString("")).isEqualTo("second");
    assertThat(Files.exists(folder.resolve("2.sock"))).isTrue();
    assertThat(call("query-iommus").findValuesAsString("iommu")).containsExactly("first", "second");
    assertRefused("there are several IOMMUs; name one of first, second", "query-iommu");
    assertThat(call("query-iommu iommu=second").path("entries").get(0).path("function"))
        .hasToString("\"vf\"");

    call("iommu-del iommu=second");

    assertThat(event("IOMMU_ENTRY_GONE").path("data").path("function").asString(""))
        .isEqualTo("vf");
    assertThat(event("IOMMU_DELETED").path("data").path("iommu").asString("")).isEqualTo("second");
    assertThat(Files.exists(folder.resolve("2.sock"))).isFalse();
    assertThat(call("query-iommus")).hasSize(1);
    call("iommu-add name=second socket=2.sock covers=vf@05.0");
  }

  @Test
  void entriesAreToldAsTheyComeAndGo() throws IOException {
    try (VfioUserClient guest =
        VfioUserClient.connect(folder.resolve("iommu.sock"), VfioUserClient.Options.defaults())) {
      guest.write(PciIndex.BAR0_REGION, GCMD, dword(TRANSLATION_ENABLE));
      JsonNode gone = event("IOMMU_ENTRY_GONE").path("data");
      assertThat(gone.path("iommu").asString("")).isEqualTo("first");
      assertThat(gone.path("function").asString("")).isEqualTo("pf");
      assertThat(gone.has("pasid")).isFalse();
      JsonNode blocked = call("query-iommu");
      assertThat(blocked.path("translating").asBoolean(false)).isTrue();
      assertThat(blocked.path("entries")).isEmpty();

      guest.write(PciIndex.BAR0_REGION, GCMD, dword(0));
      assertThat(event("IOMMU_ENTRY_APPLIED").path("data").path("entry").asString(""))
          .isEqualTo("translation is off");
      assertThat(call("query-iommu").path("entries")).hasSize(1);
    }
  }

  private static ByteBuffer dword(int value) {
    return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, value);
  }

  @Test
  void functionThatGoesIsLetGo() throws IOException {
    call("function-del function=pf");

    assertThat(event("FUNCTION_DETACHED").path("data").path("function").asString(""))
        .isEqualTo("pf");
    assertThat(call("query-iommu").path("entries")).isEmpty();
  }

  @Test
  void functionThatTakesItsHostWithItTakesTheIommuToo() throws IOException {
    call(
        "function-add name=alone source=machine.txt address=%s socket=a.sock iommu=intel"
            .formatted(DaemonFiles.PHYSICAL));
    call("iommu-add name=second socket=2.sock covers=alone@05.0");

    call("function-del function=alone");

    assertThat(event("IOMMU_DELETED").path("data").path("iommu").asString("")).isEqualTo("second");
    assertThat(event("FUNCTION_DELETED").path("data").path("function").asString(""))
        .isEqualTo("alone");
    assertThat(call("query-iommus")).hasSize(1);
    assertThat(Files.exists(folder.resolve("2.sock"))).isFalse();
  }

  @Test
  void whatATemporaryClientAddedGoesWithIt() throws IOException {
    try (ControlClient temporary =
        ControlClient.connectTemporarily(folder.resolve("control.sock"), PATIENCE)) {
      CtlLine.call(temporary, "iommu-add name=second socket=2.sock covers=vf@05.0");
    }

    assertThat(event("IOMMU_DELETED").path("data").path("iommu").asString("")).isEqualTo("second");
    assertThat(Files.exists(folder.resolve("2.sock"))).isFalse();
    assertThat(call("query-iommus")).hasSize(1);
  }

  @Test
  void whatIsWrongIsSaid() {
    assertRefused(
        "function 'pf' is behind IOMMU 'first' already",
        "iommu-add name=x socket=x.sock covers=pf@05.0");
    assertRefused(
        "there is an IOMMU 'first' already", "iommu-add name=first socket=x.sock covers=vf@05.0");
    assertRefused(
        "\"vf\" is no function with its place; write it as in dsa@04.0",
        "iommu-add name=x socket=x.sock covers=vf");
    assertRefused("there is no function 'gpu'", "iommu-add name=x socket=x.sock covers=gpu@05.0");
    assertRefused(
        "there is no mode \"nest\"; there are nested and shadow",
        "iommu-add name=x socket=x.sock covers=vf@05.0 mode=nest");
    assertRefused("there is no IOMMU 'fist'; did you mean 'first'?", "iommu-del iommu=fist");
    assertRefused("must be from 1 to 4096, not 0", "query-iommu limit=0");
    assertThat(Files.exists(folder.resolve("x.sock"))).isFalse();
  }
}
