package io.vpasid.vmm.frontend.nested;

import static io.vpasid.vmm.frontend.nested.GuestRig.ADDRESS;
import static io.vpasid.vmm.frontend.nested.GuestRig.FUNCTION;
import static io.vpasid.vmm.frontend.nested.GuestRig.absent;
import static io.vpasid.vmm.frontend.nested.GuestRig.firstStage;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.frontend.vtd.PageRequest;
import io.vpasid.vmm.frontend.vtd.PageResponse;
import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.PageAnswer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Page requests of a function go into the guest's queue, and the guest's answers to the function.
class PageRequestsTest {
  private static final int SUCCESS = 0;
  private static final int INVALID = 1;

  private final GuestRig guest = new GuestRig(TranslationMode.Kind.NESTED);

  @BeforeEach
  void attach() {
    guest.allowPageRequests();
    guest.entry(5, firstStage(2, 0x10_0000));
    guest.tables.sync();
  }

  @AfterEach
  void close() {
    guest.close();
    assertThat(guest.iommufd.objects()).isEmpty();
  }

  private void ask(int group, boolean last, int permissions, long address) {
    guest.host.request(
        ADDRESS,
        new io.vpasid.vmm.iommufd.simulated.PageRequest(
            new Pasid(5), group, last, permissions, address));
  }

  /// After a drain what was asked for before is in the guest's queue.
  private void drain() {
    guest.tables.drainPageRequests();
    guest.tables.sync();
  }

  private void answer(int group, PageResponse.Code code) {
    guest.tables.pageResponse(new PageResponse(Requester.of(FUNCTION, 5), group, code));
  }

  @Test
  void aGroupIsAskedForPageByPageAndAnsweredOnce() {
    ask(3, false, PageFault.READ, 0x7000);
    ask(3, true, PageFault.READ | PageFault.WRITE | PageFault.PRIV, 0x8000);
    drain();

    Requester requester = Requester.of(FUNCTION, 5);
    assertThat(guest.reported)
        .containsExactly(
            new PageRequest(requester, 3, false, 0x7000, true, false, false, false),
            new PageRequest(requester, 3, true, 0x8000, true, true, false, true));
    assertThat(guest.host.takeAnswers(ADDRESS)).isEmpty();

    answer(3, PageResponse.Code.SUCCESS);
    assertThat(guest.host.takeAnswers(ADDRESS))
        .containsExactly(new PageAnswer(new Pasid(5), 3, SUCCESS));

    answer(3, PageResponse.Code.SUCCESS);
    assertThat(guest.host.takeAnswers(ADDRESS)).isEmpty();
  }

  @Test
  void groupsAreAnsweredInAnyOrder() {
    ask(1, true, PageFault.READ, 0x1000);
    ask(2, true, PageFault.READ, 0x2000);
    drain();

    answer(2, PageResponse.Code.RESPONSE_FAILURE);
    answer(1, PageResponse.Code.SUCCESS);

    assertThat(guest.host.takeAnswers(ADDRESS))
        .containsExactly(
            new PageAnswer(new Pasid(5), 2, INVALID), new PageAnswer(new Pasid(5), 1, SUCCESS));
  }

  @Test
  void aFunctionIsToldToTryAgainIfTheGuestsQueueIsFull() {
    guest.pageOutcome = PageRequest.Outcome.OVERFLOW;
    ask(1, true, PageFault.READ, 0x1000);
    drain();

    assertThat(guest.host.takeAnswers(ADDRESS))
        .containsExactly(new PageAnswer(new Pasid(5), 1, SUCCESS));
  }

  @Test
  void aFunctionWhoseGuestWantsNoRequestsIsTurnedDown() {
    guest.pageOutcome = PageRequest.Outcome.REFUSED;
    ask(1, true, PageFault.READ, 0x1000);
    drain();

    assertThat(guest.host.takeAnswers(ADDRESS))
        .containsExactly(new PageAnswer(new Pasid(5), 1, INVALID));
  }

  @Test
  void aGuestThatIsResetAnswersNothingSoItIsDoneForIt() {
    ask(1, true, PageFault.READ, 0x1000);
    drain();

    guest.tables.pageRequestsDropped();

    assertThat(guest.host.takeAnswers(ADDRESS))
        .containsExactly(new PageAnswer(new Pasid(5), 1, INVALID));
  }

  @Test
  void anAnswerThatComesAfterItsPageTableHasGoneIsDropped() {
    ask(1, true, PageFault.READ, 0x1000);
    drain();
    guest.entry(5, absent());
    guest.tables.sync();
    int answers = guest.host.takeAnswers(ADDRESS).size();

    answer(1, PageResponse.Code.SUCCESS);

    assertThat(answers).isEqualTo(1);
    assertThat(guest.host.takeAnswers(ADDRESS)).isEmpty();
  }

  @Test
  void anAnswerThatNobodyWaitsForIsDropped() {
    answer(9, PageResponse.Code.SUCCESS);

    assertThat(guest.host.takeAnswers(ADDRESS)).isEmpty();
  }
}
