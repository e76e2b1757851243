package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.LogStyle;
import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.vmm.vfio.PciIndex;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The daemon by its control socket: what it tells of itself, quirks, a guest that comes and goes,
/// the end.
class DaemonCommandsTest extends WithDaemon {

  DaemonCommandsTest() {
    super("\"metrics\": { \"port\": 0 },");
  }

  @Test
  void everyCommandOfTheTableIsThereAndDescribed() throws IOException {
    JsonNode commands = call("query-commands");

    assertThat(commands.valueStream().map(c -> c.path("name").asString("")))
        .containsExactlyElementsOf(ControlCommand.titles());
    assertThat(commands.get(0).path("description").asString("")).isNotBlank();
  }

  @Test
  void daemonThatDidNotComeUpDoesNotSayThatItHasEnded() throws IOException {
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    DaemonConfig config =
        DaemonConfig.read(
            Files.writeString(
                folder.resolve("second.json"),
                "{ \"format\": 1, \"control\": { \"socket\": \"control.sock\" } }"));
    try (DaemonLog second = DaemonLog.to(said, LogStyle.DEFAULT, false)) {
      assertThatIOException()
          .isThrownBy(() -> Daemon.start(config, "0.1.0", second, new CountDownLatch(1)))
          .withMessageContaining("control.sock is in use");
    }

    assertThat(said.toString(StandardCharsets.UTF_8)).doesNotContain("ended", "serves");
    assertThat(call("query-functions")).hasSize(2);
  }

  @Test
  void versionHasThreeNumbersForQmpTools() throws IOException {
    JsonNode version = call("query-version");

    assertThat(version.path("vpasid").asString("")).isEqualTo("0.1.0");
    assertThat(version.path("qemu").path("minor").asInt()).isEqualTo(1);
  }

  @Test
  void limitsAreToldWithWhatIsTaken() throws IOException {
    JsonNode limits = call("query-limits");

    assertThat(limits.path("limits").path("clientMemory").asLong()).isEqualTo(16L << 40);
    assertThat(limits.path("limits").path("metricsConnections").asInt()).isEqualTo(16);
    assertThat(limits.path("process").path("bars").path("most").asLong()).isEqualTo(1L << 30);
    assertThat(limits.path("process").path("bars").path("taken").asLong()).isZero();
    assertThat(limits.path("process").path("files").path("most").asLong()).isPositive();
  }

  @Test
  void guestThatGoesLeavesNothingToTheNextOne() throws IOException {
    try (VfioUserClient guest =
        VfioUserClient.connect(folder.resolve("pf.sock"), VfioUserClient.Options.defaults())) {
      assertThat(guest.read(PciIndex.CONFIG_REGION, 0, 4).remaining()).isEqualTo(4);
      enable("pf");
      call("pasid-attach function=pf pasid=5 space=shell");
    }

    JsonNode detached = event("PASID_DETACHED").path("data");
    assertThat(detached.path("pasid").asInt()).isEqualTo(5);
    var _ = event("FUNCTION_RESET");
    JsonNode function = call("query-function function=pf");
    assertThat(function.path("attached").asInt()).isZero();
    assertThat(function.path("enabled").asBoolean(true)).isFalse();
  }

  @Test
  void whatATemporaryClientAddedGoesWithItUnlessOthersUseIt() throws IOException {
    try (ControlClient temporary =
        ControlClient.connectTemporarily(folder.resolve("control.sock"), PATIENCE)) {
      CtlLine.call(
          temporary,
          "function-add name=gone source=machine.txt address=%s socket=gone.sock iommu=arm"
              .formatted(DaemonFiles.PHYSICAL));
      CtlLine.call(temporary, "address-space-add name=unused");
      CtlLine.call(temporary, "address-space-add name=used");
      call("pasid-attach function=vf pasid=1 space=used");
    }
    ObjectNode deleted = event("FUNCTION_DELETED");

    assertThat(deleted.path("data").path("function").asString("")).isEqualTo("gone");
    assertThat(folder.resolve("gone.sock")).doesNotExist();
    assertThat(call("query-functions")).hasSize(2);
    assertThat(call("address-space-list").valueStream().map(s -> s.path("name").asString("")))
        .containsExactly("shell", "only-pf", "used");
  }

  @Test
  void configIsReadAndWrittenAsTheGuestWould() throws IOException {
    assertThat(call("config-read function=pf offset=0").path("value").asString(""))
        .endsWith("f00d");
    assertThat(call("config-read function=pf offset=0 width=2").path("value").asString(""))
        .isEqualTo("0xf00d");
    assertRefused("from 0 to 4092", "config-read function=pf offset=0xffd");
    assertRefused("1, 2 or 4", "config-read function=pf offset=0 width=3");
    assertRefused("from 0 to 255", "config-write function=pf offset=0 width=1 value=256");
  }

  @Test
  void resetTurnsPasidsOffAndKeepsWhatIsAttached() throws IOException {
    enable("vf");
    call("pasid-attach function=vf pasid=1 space=1");
    call("function-reset function=vf");

    assertThat(event("FUNCTION_RESET").path("data").path("function").asString("")).isEqualTo("vf");
    assertThat(event("PASID_DISABLED").path("data").path("function").asString("")).isEqualTo("vf");
    JsonNode after = call("query-function function=vf");
    assertThat(after.path("enabled").asBoolean()).isFalse();
    assertThat(after.path("attached").asInt()).isEqualTo(1);
  }

  @Test
  void reloadedQuirksAreForFunctionsThatComeLater() throws IOException {
    String before = call("query-function function=vf").path("vpasid").asString("");
    Files.writeString(folder.resolve("quirks/move.json"), DaemonFiles.QUIRK);

    JsonNode reloaded = call("quirks-reload");
    assertThat(reloaded.path("moved").path("vf").path("wouldBe").asString("")).isEqualTo("0x400");
    assertThat(call("query-function function=vf").path("vpasid").asString("")).isEqualTo(before);
    call("function-del function=vf");
    JsonNode again =
        call(
            "function-add name=vf source=machine.txt address="
                + DaemonFiles.VIRTUAL
                + " socket=vf.sock");
    assertThat(again.path("vpasid").asString("")).isEqualTo("0x400");
  }

  @Test
  void badQuirksLeaveTheTableAsItWas() throws IOException {
    int before = call("quirks-reload").path("quirks").asInt();
    Files.writeString(folder.resolve("quirks/bad.json"), "{ \"format\": 1, \"qirks\": [] }");

    assertRefused("bad.json:1:16: unknown key \"qirks\"", "quirks-reload");
    assertThat(daemon.quirks().table().entries()).hasSize(before);
  }

  @Test
  void metricsCountWhatHappened() throws IOException {
    call("pasid-attach function=vf pasid=1 space=1");
    assertRefused("no function", "function-reset function=nobody");

    assertThat(call("query-metrics").path("text").asString(""))
        .contains("vpasid_pasids_attached{function=\"vf\"} 1\n")
        .contains("vpasid_pasid_requests_total{function=\"vf\",outcome=\"attached\"} 1\n")
        .contains(
            "vpasid_control_commands_total{command=\"function-reset\",outcome=\"refused\"} 1\n");
    assertThat(daemon.metricsPort()).isPresent();
  }

  @Test
  void vfioUserClientIsAnnouncedAndTold() throws IOException {
    try (VfioUserClient guest =
        VfioUserClient.connect(folder.resolve("pf.sock"), VfioUserClient.Options.defaults())) {
      ObjectNode came = event("CLIENT_CONNECTED");
      assertThat(came.path("data").path("pid").asLong()).isEqualTo(ProcessHandle.current().pid());
      assertThat(call("query-function function=pf").path("peer").path("uid").asInt())
          .isNotNegative();
      ByteBuffer id = guest.read(PciIndex.CONFIG_REGION, 0, 4);
      assertThat(id.getShort(0)).isEqualTo((short) 0xf00d);
      assertThat(call("query-metrics").path("text").asString(""))
          .contains("vpasid_function_has_client{function=\"pf\"} 1\n");
    }
    assertThat(event("CLIENT_DISCONNECTED").path("data").path("function").asString(""))
        .isEqualTo("pf");
    assertThat(call("query-metrics").path("text").asString(""))
        .contains("vpasid_function_has_client{function=\"pf\"} 0\n")
        .contains("vpasid_function_clients_total{function=\"pf\"} 1\n");
  }

  /// Invariant I7: closing leaves nothing attached.
  @Test
  void quitIsAnsweredAndEndsTheDaemon() throws Exception {
    call("pasid-attach function=vf pasid=1 space=1");
    call("quit");
    ending.await();
    daemon.close();

    assertThat(event("SHUTDOWN").has("timestamp")).isTrue();
    assertThat(folder.resolve("control.sock")).doesNotExist();
    assertThat(folder.resolve("pf.sock")).doesNotExist();
    assertThat(daemon.functions().all()).isEmpty();
  }
}
