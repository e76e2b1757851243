package io.vpasid.vmm.frontend.mailbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.testing.Seeds;
import io.vpasid.vmm.Captures;
import io.vpasid.vmm.FunctionEvent;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.Subscription;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.pasid.AddressSpaces;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The mailbox as `docs/mailbox.md` describes it, used through configuration accesses alone.
class RequestMailboxTest {
  private static final int ENOENT = 2;
  private static final int EPERM = 1;
  private static final int EAGAIN = 11;
  private static final int EINVAL = 22;
  private static final int ENOSPC = 28;

  private static final int ATTACH = 1;
  private static final int DETACH = 2;
  private static final int QUERY = 3;

  private static final int QUOTA = 3;

  private final ConfigSpace captured = Captures.endpoint();
  private final PciAddress address = Captures.ADDRESS;
  private final AddressSpaces spaces = new AddressSpaces();
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
              .withQuota(QUOTA)
              .withFurther(List.of(RequestMailbox.capability(RequestMailbox.DEFAULT_VENDOR))));
  private RequestWorkers workers = RequestWorkers.open();
  private RequestMailbox mailbox = RequestMailbox.serve(function, spaces, workers).orElseThrow();
  private int lastSequence;

  @BeforeEach
  void enablePasids() {
    int control = pasidControl();
    function.writeConfig(control, 2, 1);
    HwptId own = newPageTable();
    function.device().attach(own);
  }

  private int pasidControl() {
    return capability(CapabilityId.PASID) + 6;
  }

  private int capability(CapabilityId id) {
    return CapabilityChain.walk(function.guestView()).find(id).orElseThrow().offset();
  }

  @AfterEach
  void close() {
    function.close();
    workers.close();
    iommufd.close();
  }

  private HwptId newPageTable() {
    return function.newPageTable(iommufd.ioasAlloc());
  }

  /// A new address space that the function may use.
  private int grant(String name) {
    int handle = spaces.add(name).orElseThrow().handle();
    spaces.grant(handle, address, newPageTable());
    return handle;
  }

  private int read(int register) {
    return function.readConfig(mailbox.offset() + register, 4);
  }

  private void write(int register, int value) {
    function.writeConfig(mailbox.offset() + register, 4, value);
  }

  private static int status(int sequence, int errno) {
    return sequence << 16 | errno << 4;
  }

  /// Makes a request and waits for its answer.
  ///
  /// @return its errno
  private int ask(int operation, int pasid, int handle) {
    int sequence = ++lastSequence & 0xffff;
    write(0x14, pasid);
    write(0x18, handle);
    write(0x10, sequence << 16 | operation);
    await().until(() -> read(0x0c) >>> 16 == sequence && (read(0x0c) & 1) == 0);
    return read(0x0c) >>> 4 & 0xfff;
  }

  @Test
  void itIsADvsecThatTheGuestFindsInItsList() {
    int at = capability(CapabilityId.DVSEC);

    assertThat(at).isEqualTo(mailbox.offset());
    assertThat(function.readConfig(at, 2)).isEqualTo(0x0023);
    assertThat(read(0x04)).isEqualTo(0x0201_f00d);
    assertThat(read(0x08)).isEqualTo(1);
    assertThat(read(0x0c)).isZero();
  }

  @Test
  void aPasidIsAttachedMovedAndDetached() {
    int shell = grant("shell");
    int trainer = grant("trainer");

    assertThat(ask(ATTACH, 5, shell)).isZero();
    assertThat(host.attachedPasidCount(address)).isEqualTo(1);
    assertThat(ask(QUERY, 5, 0)).isZero();
    assertThat(read(0x1c)).isEqualTo(shell);
    assertThat(ask(ATTACH, 5, trainer)).isZero();
    assertThat(ask(QUERY, 5, 0)).isZero();
    assertThat(read(0x1c)).isEqualTo(trainer);
    assertThat(ask(DETACH, 5, 0)).isZero();
    assertThat(read(0x1c)).isZero();
    assertThat(host.attachedPasidCount(address)).isZero();
  }

  /// Invariant I7: what the guest is told is what the backend did.
  @Test
  void whatIsRefusedHasAnErrnoAndChangesNothing() {
    int shell = grant("shell");
    int foreign = spaces.add("of another function").orElseThrow().handle();

    assertThat(ask(ATTACH, 5, 0)).isEqualTo(ENOENT);
    assertThat(ask(ATTACH, 5, foreign)).as("not granted").isEqualTo(ENOENT);
    assertThat(ask(ATTACH, 5, shell + 100)).isEqualTo(ENOENT);
    assertThat(ask(ATTACH, 5, -1)).isEqualTo(ENOENT);
    assertThat(ask(ATTACH, 0, shell)).isEqualTo(EINVAL);
    assertThat(ask(DETACH, 5, 0)).isEqualTo(ENOENT);
    assertThat(ask(QUERY, 5, 0)).isEqualTo(ENOENT);
    assertThat(host.attachedPasidCount(address)).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 5, 127, 255})
  void anOperationThatThereIsNotIsInvalid(int operation) {
    assertThat(ask(operation, 5, 1)).isEqualTo(EINVAL);
  }

  @Test
  void theKernelsNumberOfAPageTableIsNoHandle() {
    HwptId pageTable = newPageTable();

    assertThat(ask(ATTACH, 5, pageTable.value())).isEqualTo(ENOENT);
  }

  @Test
  void theQuotaOfTheFunctionHolds() {
    int shell = grant("shell");
    for (int pasid = 1; pasid <= QUOTA; pasid++) {
      assertThat(ask(ATTACH, pasid, shell)).isZero();
    }

    assertThat(ask(ATTACH, QUOTA + 1, shell)).isEqualTo(ENOSPC);
  }

  @Test
  void aGuestThatHasNotEnabledPasidsGetsNone() {
    int shell = grant("shell");
    function.writeConfig(pasidControl(), 2, 0);

    assertThat(ask(ATTACH, 5, shell)).isEqualTo(EPERM);
  }

  @Test
  void whatTheVmmAttachedHasNoHandle() {
    function.attachPasid(new Pasid(7), newPageTable());

    assertThat(ask(QUERY, 7, 0)).isZero();
    assertThat(read(0x1c)).isZero();
  }

  @Test
  void writingNoOperationAsksForNothing() {
    write(0x10, 0x00050000);
    function.writeConfig(mailbox.offset() + 0x12, 2, 6);

    assertThat(read(0x0c)).isZero();
    assertThat(read(0x10)).isEqualTo(0x00060000);
  }

  @Test
  void theOperationReadsAsZeroAndReservedBitsStayZero() {
    write(0x14, -1);
    write(0x0c, -1);
    write(0x1c, -1);
    assertThat(ask(QUERY, -1, 0)).isEqualTo(ENOENT);

    assertThat(read(0x14)).isEqualTo(0xfffff);
    assertThat(read(0x10)).isEqualTo(0x00010000);
    assertThat(read(0x1c)).isZero();
  }

  /// Holds up the worker: attaching tells its listeners before it answers.
  private final class Holding implements AutoCloseable {
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);
    private final Subscription subscription =
        function.listen(event -> {
          if (event instanceof FunctionEvent.PasidRequested) {
            reached.countDown();
            try {
              go.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
        });

    void awaitRequest() throws InterruptedException {
      reached.await();
    }

    @Override
    public void close() {
      subscription.close();
      go.countDown();
    }
  }

  @Test
  void theGuestIsNotHeldUpAndASecondRequestIsDroppedUntilTheFirstIsAnswered() throws Exception {
    int shell = grant("shell");
    try (Holding holding = new Holding()) {
      write(0x14, 5);
      write(0x18, shell);
      write(0x10, 0x0001_0001);
      holding.awaitRequest();
      assertThat(read(0x0c)).as("busy").isEqualTo(1);

      write(0x10, 0x0002_0002);
      assertThat(read(0x0c)).as("busy, overrun").isEqualTo(3);
    }
    await().until(() -> (read(0x0c) & 1) == 0);
    assertThat(read(0x0c)).as("the first is answered").isEqualTo(status(1, 0) | 2);
    assertThat(host.attachedPasidCount(address)).isEqualTo(1);
    lastSequence = 2;
    assertThat(ask(DETACH, 5, 0)).isZero();
    assertThat(read(0x0c)).as("overrun is cleared").isEqualTo(status(3, 0));
  }

  @Test
  void aResetEmptiesTheRegistersAndTheAnswerToAnEarlierRequestIsNotShown() throws Exception {
    int shell = grant("shell");
    try (Holding holding = new Holding()) {
      write(0x14, 5);
      write(0x18, shell);
      write(0x10, 0x0009_0001);
      holding.awaitRequest();

      function.reset();
      assertThat(read(0x0c)).isZero();
      assertThat(read(0x14)).isZero();
      assertThat(read(0x18)).isZero();
    }
    // The mailbox takes requests again when the earlier one is done.
    await()
        .until(() -> {
          write(0x10, 0x0001_0003);
          return read(0x0c) >>> 16 == 1;
        });
    assertThat(host.attachedPasidCount(address)).as("what nobody waits for").isZero();
  }

  @Test
  void aRequestThatWaitsWhenTheFunctionIsResetIsNotCarriedOut() throws Exception {
    int shell = grant("shell");
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch held = new CountDownLatch(2);
    for (int worker = 0; worker < 2; worker++) {
      workers.offer(() -> {
        held.countDown();
        try {
          go.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      });
    }
    held.await();
    write(0x14, 5);
    write(0x18, shell);
    write(0x10, 0x0001_0001);

    function.reset();
    function.writeConfig(pasidControl(), 2, 1);
    go.countDown();

    // The mailbox takes requests again when the earlier one is done with.
    await()
        .until(() -> {
          write(0x10, 0x0002_0003);
          return read(0x0c) >>> 16 == 2;
        });
    assertThat(host.attachedPasidCount(address)).isZero();
  }

  @Test
  void aHostThatIsBehindSaysTryAgain() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch started = new CountDownLatch(1);
    workers.close();
    workers = RequestWorkers.open(1, 1);
    mailbox = RequestMailbox.serve(function, spaces, workers).orElseThrow();
    workers.offer(() -> {
      started.countDown();
      try {
        go.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    });
    started.await();
    assertThat(workers.offer(() -> {})).isTrue();

    write(0x10, 0x0001_0003);

    assertThat(read(0x0c)).isEqualTo(status(1, EAGAIN));
    go.countDown();
  }

  static LongStream seeds() {
    return Seeds.all(2);
  }

  /// Invariant I8: whatever a guest writes to the registers, in whatever width.
  @ParameterizedTest
  @MethodSource("seeds")
  void aHostileGuestGetsNothingThatWasNotGrantedToIt(long seed) {
    Random random = new Random(seed);
    int shell = grant("shell");
    HwptId granted = (HwptId) spaces.pageTable(shell, address).orElseThrow();
    spaces.add("of another function");
    for (int i = 0; i < 20_000; i++) {
      int width = 1 << random.nextInt(3);
      int value = random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(6);
      function.writeConfig(mailbox.offset() + random.nextInt(0x20), width, value);
    }
    await().until(() -> (read(0x0c) & 1) == 0);

    assertThat(host.attachedPasidCount(address)).isLessThanOrEqualTo(QUOTA);
    assertThat(function.attachments().snapshot())
        .allSatisfy(attachment -> assertThat(attachment.pageTable()).isEqualTo(granted));
    assertThat(function.guestView().u32(mailbox.offset() + 4)).isEqualTo(0x0201_f00d);
    assertThat(ask(ATTACH, 9, shell + 1)).isEqualTo(ENOENT);
  }

  @Test
  void aFunctionThatWasNotAskedToHasNoMailbox() {
    SimulatedHost other =
        SimulatedHost.builder()
            .device(
                SimulatedDevice.at(address)
                    .reporting(HardwareInfo.parse("width=20"))
                    .config(DeviceConfig.readOnly(captured)))
            .build();
    try (IommufdBackend backend = other.open();
        PassthroughFunction plain =
            PassthroughFunction.open(backend, address, FunctionOptions.defaults())) {
      assertThat(RequestMailbox.serve(plain, spaces, workers)).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0xffff, 0x10000})
  void anIdThatIsNoVendorsIsRefused(int vendor) {
    assertThatIllegalArgumentException().isThrownBy(() -> RequestMailbox.capability(vendor));
  }
}
