package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.PciIndex;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// Functions of a daemon by its control socket: listed, told of, added and deleted.
class FunctionCommandsTest extends WithDaemon {

  FunctionCommandsTest() {
    super("");
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
  void functionThatIsNotThereIsNotPassedThrough() {
    assertRefused(
        "function 'gpu': ",
        "function-add name=gpu source=7ffe:ff:1f.7 passthrough=true socket=gpu.sock");
    assertThat(folder.resolve("gpu.sock")).doesNotExist();
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
}
