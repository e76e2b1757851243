package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

/// Failures of the host that `request-fail` plans.
class RequestFailTest extends WithDaemon {

  RequestFailTest() {
    super("");
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

  /// As if a request of the guest had found the page table before it was revoked.
  @Test
  void pageTableThatIsBusyOnceMoreIsClearedAgain() throws IOException {
    addAlone("one");
    call("request-fail function=one request=destroy errno=EBUSY");

    call("address-space-del space=shell detach=true");

    assertRefused("no address space", "address-space-del space=shell");
  }
}
