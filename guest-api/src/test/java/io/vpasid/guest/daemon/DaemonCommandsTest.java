package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.LogStyle;
import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.emulator.ConfigPort;
import io.vpasid.guest.emulator.MailboxDriver;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.PciIndex;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Every control command, good and bad, on a daemon with two functions.
class DaemonCommandsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir private Path folder;
  private final CountDownLatch ending = new CountDownLatch(1);
  private DaemonLog log;
  private Daemon daemon;
  private ControlClient client;

  @BeforeEach
  void start() throws IOException {
    log = DaemonLog.to(OutputStream.nullOutputStream(), LogStyle.DEFAULT, false);
    daemon =
        Daemon.start(
            DaemonConfig.read(DaemonFiles.write(folder, "\"metrics\": { \"port\": 0 },")),
            "0.1.0",
            log,
            ending);
    client = ControlClient.connect(folder.resolve("control.sock"), PATIENCE);
  }

  @AfterEach
  void end() {
    client.close();
    daemon.close();
    log.close();
  }

  private JsonNode call(String line) throws IOException {
    return CtlLine.call(client, line);
  }

  private void assertRefused(String desc, String line) {
    assertThatThrownBy(() -> call(line))
        .isInstanceOf(ControlException.class)
        .hasMessageContaining(desc);
  }

  private ObjectNode event(String name) throws IOException {
    ObjectNode event = client.nextEvent(PATIENCE).orElseThrow();
    while (!event.path("event").asString("").equals(name)) {
      event = client.nextEvent(PATIENCE).orElseThrow();
    }
    return event;
  }

  /// The guest's enable, written where its driver would write it.
  private void enable(String function) throws IOException {
    String placed = call("query-function function=" + function).path("vpasid").asString("");
    int control = Integer.decode(placed) + 6;
    call("config-write function=" + function + " offset=" + control + " value=1 width=2");
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
  void functionThatIsNotThereIsNotPassedThrough() {
    assertRefused(
        "function 'gpu': ",
        "function-add name=gpu source=7ffe:ff:1f.7 passthrough=true socket=gpu.sock");
    assertThat(folder.resolve("gpu.sock")).doesNotExist();
  }

  @Test
  void functionsAreListed() throws IOException {
    JsonNode functions = call("query-functions");

    assertThat(functions.valueStream().map(f -> f.path("name").asString("")))
        .containsExactly("pf", "vf");
    assertThat(functions.get(0).path("address").asString("")).isEqualTo(DaemonFiles.PHYSICAL);
    assertThat(functions.get(0).path("client").asBoolean()).isFalse();
  }

  @Test
  void functionTellsPlacementRegistersAndPreflight() throws IOException {
    JsonNode function = call("query-function function=pf");

    assertThat(function.path("placement").path("placed").asBoolean()).isTrue();
    assertThat(function.path("placement").path("reasons").isEmpty()).isFalse();
    assertThat(function.path("registers").path("header").asString("")).endsWith("001b");
    assertThat(function.path("preflight").path("checks").isEmpty()).isFalse();
    assertThat(function.path("hwInfo").asString("")).isEqualTo("width=20,priv");
    assertThat(call("query-function function=vf").path("quota").asInt()).isEqualTo(2);
    assertRefused("no function 'pv'; did you mean 'pf'?", "query-function function=pv");
  }

  @Test
  void functionIsAddedAndDeleted() throws IOException {
    assertThat(call("function-del function=vf").path("detached").asInt()).isZero();
    assertThat(folder.resolve("vf.sock")).doesNotExist();
    assertThat(event("FUNCTION_DELETED").path("data").path("function").asString(""))
        .isEqualTo("vf");

    JsonNode added =
        call(
            "function-add name=again source=machine.txt address="
                + DaemonFiles.VIRTUAL
                + " socket=again.sock quota=1");
    assertThat(added.path("vpasid").asString("")).startsWith("0x");
    assertThat(folder.resolve("again.sock")).exists();
    assertThat(event("FUNCTION_ADDED").path("data").path("function").asString(""))
        .isEqualTo("again");
    assertThat(call("address-space-list").get(0).path("functions").toString())
        .as("an address space for all functions is for later ones too")
        .isEqualTo("[\"again\",\"pf\"]");
  }

  @Test
  void functionIsAddedWithASocketForCertainUsers() throws IOException {
    int own = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    int group = (int) Files.getAttribute(Path.of("/proc/self"), "unix:gid");
    call("function-del function=pf");

    call(
        "function-add name=pf source=machine.txt address="
            + DaemonFiles.PHYSICAL
            + " socket=pf.sock users="
            + ("4711," + own)
            + " owner="
            + own
            + " group="
            + group
            + " mode=0660");

    Path socket = folder.resolve("pf.sock");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
        .isEqualTo("rw-rw----");
    assertThat(Files.getAttribute(socket, "unix:uid")).isEqualTo(own);
    assertThat(Files.getAttribute(socket, "unix:gid")).isEqualTo(group);
    try (VfioUserClient vmm = VfioUserClient.connect(socket, VfioUserClient.Options.defaults())) {
      assertThat(vmm.read(PciIndex.CONFIG_REGION, 0, 4).remaining()).isEqualTo(4);
    }
  }

  @Test
  void functionIsAddedWithBarsOfTheSizesThatAreSaid() throws IOException {
    call("function-del function=pf");
    String wanted =
        "function-add name=pf source=machine.txt address=%s socket=pf.sock bars=0="
            .formatted(DaemonFiles.PHYSICAL);
    call(wanted + "1M");

    assertThat(call("query-function function=pf").path("bars").path("0").asInt())
        .isEqualTo(1 << 20);
    try (VfioUserClient vmm =
        VfioUserClient.connect(folder.resolve("pf.sock"), VfioUserClient.Options.defaults())) {
      assertThat(vmm.regionInfo(PciIndex.BAR0_REGION).size()).isEqualTo(1 << 20);
    }

    call("function-del function=pf");
    assertRefused(
        "function 'pf': " + folder.resolve("machine.txt") + ": The size of BAR 0 (MEMORY_64) has",
        wanted + "1000");
    assertRefused("\"bars\": a BAR's size is written as \"0=64K\"", wanted + "64k");
    Files.writeString(
        folder.resolve("made.json"),
        "{ \"format\": 1, \"vendor\": \"0xf00d\", \"device\": \"0x1\", \"class\": \"0x088000\" }");
    assertRefused(
        "a description says the sizes of its BARs itself",
        "function-add name=made source=made.json socket=made.sock bars=0=4K");
  }

  @Test
  void functionThatCannotBeHadIsNotAdded() throws IOException {
    assertRefused(
        "pick one with \"address\"", "function-add name=x source=machine.txt socket=x.sock");
    assertRefused(
        "is served already, as 'pf'",
        "function-add name=x source=machine.txt address="
            + DaemonFiles.PHYSICAL
            + " socket=x.sock");
    assertRefused(
        "has no function 0000:99:00.0",
        "function-add name=x source=machine.txt address=0000:99:00.0 socket=x.sock");
    assertRefused("nothing.txt", "function-add name=x source=nothing.txt socket=x.sock");
    assertRefused(
        "there is a function 'pf' already",
        "function-add name=pf source=machine.txt socket=x.sock");
    assertRefused("\"hwInfo\"", "function-add name=x source=machine.txt socket=x.sock hwInfo=wide");
    assertThat(call("query-functions").size()).isEqualTo(2);
  }

  @Test
  void functionWhoseSocketCannotBeMadeIsNotAdded() throws IOException {
    call("function-del function=vf");
    Files.writeString(folder.resolve("taken.sock"), "mine");
    String wanted =
        "function-add name=vf source=machine.txt address=%s socket=".formatted(DaemonFiles.VIRTUAL);

    assertRefused("not a socket", wanted + "taken.sock");
    assertThat(call(wanted + "free.sock").path("name").asString("")).isEqualTo("vf");
  }

  @Test
  void addressSpacesAreNamedByHandleOrName() throws IOException {
    JsonNode added = call("address-space-add name=trainer functions=vf");

    assertThat(added.path("handle").asInt()).isEqualTo(3);
    assertThat(added.path("functions").toString()).isEqualTo("[\"vf\"]");
    assertThat(call("address-space-list").valueStream().map(s -> s.path("name").asString("")))
        .containsExactly("shell", "only-pf", "trainer");
    assertRefused("already", "address-space-add name=trainer");
    assertRefused("must be 1 to 64", "address-space-add name=");
    assertRefused("no function 'x'", "address-space-add name=y functions=x");
    call("address-space-del space=trainer");
    assertRefused("no address space", "address-space-del space=trainer");
    assertRefused("no address space 3", "address-space-del space=3");
    assertThat(call("address-space-add name=next").path("handle").asInt()).isEqualTo(4);
  }

  @Test
  void pasidIsAttachedMovedAndDetached() throws IOException {
    assertRefused(
        "the guest has not enabled PASIDs (EPERM); its driver does that, or add the function with"
            + " \"attachBeforeEnable\"",
        "pasid-attach function=pf pasid=7 space=1");
    enable("pf");
    assertThat(event("PASID_REFUSED").path("data").path("errno").asString("")).isEqualTo("EPERM");
    assertThat(event("PASID_ENABLED").path("data").path("function").asString("")).isEqualTo("pf");

    call("pasid-attach function=pf pasid=7 space=shell");
    assertThat(event("PASID_ATTACHED").path("data").path("space").asInt()).isEqualTo(1);
    JsonNode moved = call("pasid-attach function=pf pasid=0x7 space=2");
    assertThat(moved.path("previous").asInt()).isEqualTo(1);
    assertThat(call("query-attachments").toString())
        .isEqualTo(
            "{\"attachments\":[{\"function\":\"pf\",\"pasid\":7,\"space\":2,\"name\":\"only-pf\"}],"
                + "\"more\":false}");
    assertRefused("1 of pf", "address-space-del space=only-pf");

    assertThat(call("pasid-detach function=pf pasid=7").path("space").asInt()).isEqualTo(2);
    assertThat(event("PASID_DETACHED").path("data").path("pasid").asInt()).isEqualTo(7);
    assertThat(call("pasid-detach function=pf pasid=7").path("detached").asBoolean()).isFalse();
    call("address-space-del space=only-pf");
  }

  @Test
  void addressSpaceIsDeletedWithWhatIsAttachedToIt() throws IOException {
    enable("pf");
    call("pasid-attach function=pf pasid=7 space=only-pf");
    call("pasid-attach function=pf pasid=8 space=shell");
    call("pasid-attach function=pf pasid=9 space=only-pf");

    assertThat(call("address-space-del space=only-pf detach=true").toString())
        .isEqualTo("{\"detached\":2}");

    assertThat(event("PASID_DETACHED").path("data").path("pasid").asInt()).isEqualTo(7);
    assertThat(call("query-attachments function=pf kernel=true").toString())
        .contains("\"pasid\":8")
        .doesNotContain("\"pasid\":7", "\"pasid\":9");
    assertRefused("no address space", "address-space-del space=only-pf");
  }

  /// As if a request of the guest had found the page table before it was revoked.
  @Test
  void pageTableThatIsBusyOnceMoreIsClearedAgain() throws IOException {
    addAlone("one");
    call("request-fail function=one request=destroy errno=EBUSY");

    call("address-space-del space=shell detach=true");

    assertRefused("no address space", "address-space-del space=shell");
  }

  @Test
  void pasidOutsideWidthQuotaAndGrantIsRefused() throws IOException {
    assertRefused("not a PASID", "pasid-attach function=vf pasid=0 space=1");
    assertRefused("20 bits", "pasid-attach function=vf pasid=1048576 space=1");
    assertRefused("20 bits", "pasid-attach function=vf pasid=0xffffffff space=1");
    assertRefused(
        "may not use address space 'only-pf'", "pasid-attach function=vf pasid=1 space=2");
    call("pasid-attach function=vf pasid=1 space=1");
    call("pasid-attach function=vf pasid=2 space=1");
    assertRefused("quota of 2", "pasid-attach function=vf pasid=3 space=1");
    assertThat(call("query-attachments function=vf").path("attachments").size()).isEqualTo(2);
  }

  @Test
  void refusalCarriesItsErrno() {
    assertThatThrownBy(() -> call("pasid-attach function=vf pasid=0x100000 space=1"))
        .isInstanceOfSatisfying(
            ControlException.class, e -> assertThat(e.errno()).contains(Errno.EINVAL));
    assertThatThrownBy(() -> call("query-function function=none"))
        .isInstanceOfSatisfying(ControlException.class, e -> assertThat(e.errno()).isEmpty());
  }

  private JsonNode addAlone(String name) throws IOException {
    return call(
        "function-add name="
            + name
            + " source=machine.txt address="
            + DaemonFiles.PHYSICAL
            + " socket="
            + (name + ".sock")
            + " kernel=7.3 attachBeforeEnable=true");
  }

  @Test
  void functionsOnHostsOfTheirOwnShareASourceAndNoTrouble() throws IOException {
    assertThat(addAlone("one").path("address").asString("")).isEqualTo("0001:17:00.0");
    assertThat(addAlone("two").path("address").asString("")).isEqualTo("0002:17:00.0");
    call("request-fail function=one request=attach-pasid errno=EIO");

    call("pasid-attach function=two pasid=1 space=shell");
    call("pasid-attach function=vf pasid=1 space=shell");
    assertThatThrownBy(() -> call("pasid-attach function=one pasid=1 space=1"))
        .isInstanceOfSatisfying(
            ControlException.class, e -> assertThat(e.errno()).contains(Errno.EIO));
    call("pasid-attach function=one pasid=1 space=shell");

    assertThat(call("query-attachments function=one kernel=true").path("attachments").toString())
        .isEqualTo(
            "[{\"function\":\"one\",\"pasid\":1,\"space\":1,\"name\":\"shell\",\"mapped\":0}]");
    assertThat(call("function-del function=one").toString())
        .isEqualTo("{\"detached\":1,\"left\":0}");
    assertThat(addAlone("one").path("address").asString("")).isEqualTo("0001:17:00.0");
  }

  @Test
  void failuresArePlannedByKindOrNumberAndTakenBack() throws IOException {
    addAlone("one");
    call("request-fail function=one number=2 errno=ENOMEM");
    call("pasid-attach function=one pasid=1 space=1");
    assertRefused("(ENOMEM)", "pasid-attach function=one pasid=2 space=1");
    call("pasid-attach function=one pasid=2 space=1");
    assertThat(call("request-fail function=one").path("waiting").asInt()).isZero();

    call("request-fail function=one number=5 errno=ENOMEM");
    assertThat(call("request-fail function=one").path("waiting").asInt()).isEqualTo(1);

    String every = "detach-pasid";
    call("request-fail function=one request=" + every + " errno=EIO every=true");
    assertRefused("(EIO)", "pasid-detach function=one pasid=1");
    assertRefused("(EIO)", "pasid-detach function=one pasid=1");
    call("request-fail function=one");
    assertThat(call("pasid-detach function=one pasid=1").path("detached").asBoolean()).isTrue();
  }

  @Test
  void functionWhoseKernelDestroysNothingIsDeletedAllTheSame() throws IOException {
    addAlone("one");
    call("request-fail function=one request=destroy errno=EBUSY every=true");

    assertRefused("EBUSY", "address-space-del space=shell");
    assertThat(call("address-space-list").get(0).path("functions").toString())
        .as("what is not taken away may be used still")
        .contains("one");
    assertThat(call("function-del function=one").toString())
        .isEqualTo("{\"detached\":0,\"left\":0}");
    assertThat(call("query-functions")).hasSize(2);
    assertThat(addAlone("one").path("address").asString("")).isEqualTo("0001:17:00.0");
  }

  @Test
  void failuresAreRefusedWhereTheyWouldHitOthersOrMakeNoSense() throws IOException {
    addAlone("one");
    assertRefused("shares its host with others", "request-fail function=pf");
    assertRefused(
        "there is no request 'atach'; there are bind, attach, detach, attach-pasid",
        "request-fail function=one request=atach");
    assertRefused("'errno' goes with", "request-fail function=one number=1");
    assertRefused("'errno' goes with", "request-fail function=one errno=EIO");
    assertRefused("'EWHAT' is no errno", "request-fail function=one number=1 errno=EWHAT");
    assertRefused("'kernel' needs 'function'", "query-attachments kernel=true");
  }

  @Test
  void functionWithoutVpasidRefusesAsTheKernelWould() throws IOException {
    call("function-del function=pf");
    call(
        "function-add name=pf source=machine.txt address="
            + DaemonFiles.PHYSICAL
            + " socket=pf.sock hwInfo=none");

    assertThatThrownBy(() -> call("pasid-attach function=pf pasid=1 space=1"))
        .isInstanceOfSatisfying(
            ControlException.class, e -> assertThat(e.errno()).contains(Errno.ENODEV));
    assertThat(event("PASID_REFUSED").path("data").path("errno").asString("")).isEqualTo("ENODEV");
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
  void attachmentsAreListedInPages() throws IOException {
    call("pasid-attach function=vf pasid=5 space=1");
    call("pasid-attach function=vf pasid=9 space=1");

    JsonNode page = call("query-attachments limit=1");
    assertThat(page.path("more").asBoolean()).isTrue();
    assertThat(page.path("attachments").get(0).path("pasid").asInt()).isEqualTo(5);
    JsonNode rest = call("query-attachments function=vf first=6");
    assertThat(rest.path("attachments").get(0).path("pasid").asInt()).isEqualTo(9);
    assertThat(rest.path("more").asBoolean()).isFalse();
    assertRefused("needs 'function'", "query-attachments first=6");
    assertRefused("from 1 to 10000", "query-attachments limit=0");
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

  @Test
  void guestAsksThroughTheMailboxAndTheControlSocketTells() throws IOException {
    PassthroughFunction function = daemon.functions().find("vf").orElseThrow().function();
    MailboxDriver guest = MailboxDriver.find(new Port(function)).orElseThrow();

    assertThat(guest.attach(3, 1).errno()).isZero();
    assertThat(event("PASID_ATTACHED").path("data").path("space").asInt()).isEqualTo(1);
    assertThat(call("query-attachments").path("attachments").get(0).path("pasid").asInt())
        .isEqualTo(3);
    assertThat(guest.attach(3, 2).errno())
        .as("that address space is the other function's")
        .isEqualTo(Errno.ENOENT.number());
    assertThat(guest.detach(3).errno()).isZero();
    assertThat(event("PASID_DETACHED").path("data").path("pasid").asInt()).isEqualTo(3);
  }

  private record Port(PassthroughFunction function) implements ConfigPort {
    @Override
    public int read(int offset, int width) {
      return function.readConfig(offset, width);
    }

    @Override
    public void write(int offset, int width, int value) {
      function.writeConfig(offset, width, value);
    }
  }

  @Test
  void describedFunctionIsServedToo() throws IOException {
    Files.writeString(
        folder.resolve("made.json"),
        """
        { "format": 1, "address": "0000:01:00.0", "vendor": "0xf00d", "device": "0x0007",
          "class": "0x088000", "pasid": { "width": 20 } }
        """);
    JsonNode added = call("function-add name=made source=made.json socket=made.sock");

    assertThat(added.path("id").asString("")).isEqualTo("f00d:0007");
    assertThat(added.path("vpasid").asString("")).startsWith("0x");
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
