package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.emulator.ConfigPort;
import io.vpasid.guest.emulator.MailboxDriver;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// Address spaces of a daemon, and PASIDs attached to them, by its control socket and by a guest.
class AttachCommandsTest extends WithDaemon {

  AttachCommandsTest() {
    super("");
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
}
