package io.vpasid.vmm.frontend.mailbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.Captures;
import io.vpasid.vmm.FunctionEvent;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.pasid.AddressSpaces;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What a guest sees when its mailbox and a reset of its function, which the host makes, get in
/// each other's way. The moment in question is provoked: the registers are empty already, and the
/// mailbox does not know yet.
class MailboxResetTest {
  private static final int QUERY = 3;
  private static final int BUSY = 1;
  private static final int STATUS = 0x0c;
  private static final int CONTROL = 0x10;
  private static final int RESULT = 0x1c;

  private final ConfigSpace captured = Captures.endpoint();
  private final PciAddress address = Captures.ADDRESS;
  private final SimulatedHost host =
      SimulatedHost.builder()
          .device(
              SimulatedDevice.at(address)
                  .reporting(HardwareInfo.parse("width=20"))
                  .config(DeviceConfig.readOnly(VfioView.of(captured).config())))
          .build();
  private final IommufdBackend iommufd = host.open();
  private final PassthroughFunction function =
      PassthroughFunction.open(
          iommufd,
          address,
          FunctionOptions.defaults()
              .withFurther(List.of(RequestMailbox.capability(RequestMailbox.DEFAULT_VENDOR))));
  private final RequestWorkers workers = RequestWorkers.open(1, 4);
  private Runnable atTheMoment = () -> {};
  private final RequestMailbox mailbox = listeningAfterUs();

  private RequestMailbox listeningAfterUs() {
    function.listen(event -> {
      if (event instanceof FunctionEvent.RegistersReset) {
        atTheMoment.run();
      }
    });
    return RequestMailbox.serve(function, new AddressSpaces(), workers).orElseThrow();
  }

  @AfterEach
  void close() {
    function.close();
    workers.close();
    iommufd.close();
  }

  private int read(int register) {
    return function.readConfig(mailbox.offset() + register, 4);
  }

  private void write(int register, int value) {
    function.writeConfig(mailbox.offset() + register, 4, value);
  }

  private boolean isAnswered(int sequence) {
    int status = read(STATUS);
    return status >>> 16 == sequence && (status & BUSY) == 0;
  }

  /// Asks until the mailbox, which may be busy with what a reset has dropped, takes the request.
  private void awaitAnswer() {
    await()
        .until(() -> {
          write(CONTROL, 0x0007_0000 | QUERY);
          return isAnswered(7);
        });
  }

  /// Holds the only worker until it is told to go on.
  private CountDownLatch hold() throws InterruptedException {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    workers.offer(() -> {
      held.countDown();
      try {
        go.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    });
    held.await();
    return go;
  }

  @Test
  void aRequestThatMeetsAResetIsNotBusyForEver() throws InterruptedException {
    CountDownLatch go = hold();
    atTheMoment = () -> write(CONTROL, 0x0005_0000 | QUERY);

    function.reset();
    assertThat(read(STATUS)).isZero();

    atTheMoment = () -> {};
    go.countDown();
    awaitAnswer();
  }

  @Test
  void anAnswerThatMeetsAResetIsNotShownAfterIt() throws InterruptedException {
    CountDownLatch go = hold();
    write(CONTROL, 0x0005_0000 | QUERY);
    atTheMoment =
        () -> {
          go.countDown();
          await().until(() -> isAnswered(5));
        };

    function.reset();

    assertThat(read(STATUS)).isZero();
    assertThat(read(RESULT)).isZero();
  }
}
