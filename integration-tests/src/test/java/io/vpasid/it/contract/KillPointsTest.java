package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.contract.KilledLife.Step;
import io.vpasid.it.contract.KilledLife.Way;
import io.vpasid.it.realkernel.GuestJava;
import io.vpasid.it.realkernel.InRealKernel;
import io.vpasid.it.realkernel.IommuTables;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.FurtherResult;
import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;
import io.vpasid.vmm.pasid.AttachOutcome;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/// A process that attaches is killed anywhere in the life of its attachments, or an allocation of
/// the kernel fails there: nothing is left in the IOMMU's tables, and the next process begins as
/// the first did.
///
/// Each kill is one point for each function that the process lives with at that moment: each has a
/// thread and a context of its own, which is somewhere else in its life. `-Dvpasid.killPoints=1000`
/// makes as many points; without it a few are made in every run.
@InRealKernel(seconds = 9000)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class KillPointsTest {
  private static final int POINTS = Integer.getInteger("vpasid.killPoints", 40);

  /// How long after the begin of a step a process is killed.
  private static final int LONGEST_NANOS = 5_000_000;

  /// After so many kills the console is told how far it is.
  private static final int TOLD = 5;

  private static final int MOST_ALLOCATIONS = 5000;
  private static final PciAddress FUNCTION = new PciAddress(0, 0, 4, 0);
  private static final Path VFIO = Path.of("/sys/bus/pci/drivers/vfio-pci");

  /// Its resets last, so a life with it would take seconds.
  private static final PciAddress WITH_LONG_RESETS = new PciAddress(0, 0, 8, 0);

  @TempDir private Path folder;

  private static IommufdBackend open() {
    return new KernelProvider().open(BackendOptions.DEFAULTS);
  }

  /// Those that VFIO has, each alone in its group, and that can be shown with a mailbox and a
  /// vPASID of as many PASIDs as a life has.
  private static List<PciAddress> functions() throws IOException {
    List<PciAddress> functions = new ArrayList<>();
    try (Stream<Path> entries = Files.list(VFIO)) {
      for (Path entry : entries.sorted().toList()) {
        Optional<PciAddress> address = PciAddress.parse(String.valueOf(entry.getFileName()));
        if (address.isPresent()
            && !address.get().equals(WITH_LONG_RESETS)
            && isAlone(entry)
            && canLive(address.get())) {
          functions.add(address.get());
        }
      }
    }
    return functions;
  }

  private static boolean isAlone(Path device) throws IOException {
    try (Stream<Path> group = Files.list(device.resolve("iommu_group/devices"))) {
      return group.count() == 1;
    }
  }

  private static boolean canLive(PciAddress address) {
    try (IommufdBackend iommufd = open();
        PassthroughFunction function =
            PassthroughFunction.open(iommufd, address, KilledLife.OPTIONS)) {
      return function.synthesis() instanceof Synthesis made
          && 1 << made.capability().width() > KilledLife.PASIDS
          && made.further().stream().allMatch(FurtherResult.Placed.class::isInstance);
    }
  }

  /// What the kernel has of functions that nobody uses.
  private static Map<PciAddress, List<String>> tables(List<PciAddress> functions) {
    Map<PciAddress, List<String>> tables = new TreeMap<>();
    functions.forEach(function -> tables.put(function, new IommuTables(function).entries()));
    return tables;
  }

  /// Binds a function, attaches it and gives it back, as if nobody had bound it before.
  private static void assertUsable(PciAddress address) {
    IommuTables tables = new IommuTables(address);
    try (IommufdBackend iommufd = open();
        PassthroughFunction function =
            PassthroughFunction.open(iommufd, address, FunctionOptions.defaults())) {
      IoasId memory = iommufd.ioasAlloc();
      function.attach(memory);
      HwptId pageTable = function.newPageTable(memory);
      function.writeConfig(((Synthesis) function.synthesis()).registers() + 2, 2, 1);
      assertThat(function.attachPasid(new Pasid(9), pageTable))
          .isEqualTo(new AttachOutcome.Attached(pageTable));
      assertThat(tables.pasids()).containsExactly(9);
    }
    assertThat(tables.pasids()).isEmpty();
  }

  private Process start(Path steps, List<PciAddress> functions) throws IOException {
    List<String> arguments = new ArrayList<>(List.of(steps.toString()));
    functions.forEach(function -> arguments.add(function.toString()));
    return new ProcessBuilder(
            GuestJava.current()
                .command(List.of(), KilledLives.class, arguments.toArray(String[]::new)))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  @Test
  @Order(1)
  void processThatIsKilledAnywhereInTheLifeOfAnAttachmentLeavesNothing() throws Exception {
    List<PciAddress> functions = functions();
    assertThat(functions).contains(FUNCTION);
    Map<PciAddress, List<String>> clean = tables(functions);
    Map<Step, Integer> killed = new EnumMap<>(Step.class);
    Path steps = folder.resolve("steps");
    Random random = new Random(20);
    int points = 0;
    int kills = 0;
    long start = System.nanoTime();
    Process next = start(steps(steps, functions), functions);
    try {
      while (points < POINTS) {
        Process process = next;
        process.outputWriter().append('\n').flush();
        assertThat(process.inputReader().readLine())
            .as("what the process says; the console has what it failed with")
            .isEqualTo(KilledLives.READY);
        Step aim = Step.of(1 + random.nextInt(Step.values().length - 1));
        awaitStep(steps, kills++, aim, process);
        LockSupport.parkNanos(random.nextInt(LONGEST_NANOS));
        process.destroyForcibly();
        assertThat(process.waitFor()).as("killed by SIGKILL").isEqualTo(128 + 9);
        for (byte step : Files.readAllBytes(steps)) {
          killed.merge(Step.of(step), 1, Integer::sum);
          points++;
        }
        next = start(steps(steps, functions), functions); // the JVM starts meanwhile

        // The next one says that it is ready when each function has been bound, and lived with.
        assertThat(tables(functions)).as("after %s", killed).isEqualTo(clean);
        if (kills % TOLD == 0 || points >= POINTS) {
          System.out.println(
              "kill points: %d by %d kills, %d s, %s: %s"
                  .formatted(
                      points,
                      kills,
                      (System.nanoTime() - start) / 1_000_000_000,
                      functions,
                      killed));
        }
      }
    } finally {
      next.destroyForcibly().waitFor();
    }
    functions.forEach(KillPointsTest::assertUsable);
  }

  /// Returns when a function is in a step. Opening one takes most of the time, so a kill at any
  /// time would hit little else.
  ///
  /// @param first which function is looked at first
  private static void awaitStep(Path file, int first, Step step, Process process)
      throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      MappedByteBuffer steps = channel.map(MapMode.READ_ONLY, 0, channel.size());
      int functions = steps.capacity();
      for (int i = 0; steps.get((first + i) % functions) != step.code(); ) {
        i = (i + 1) % functions;
        if (i == 0) {
          LockSupport.parkNanos(20_000);
          assertThat(process.isAlive()).isTrue();
        }
      }
    }
  }

  private static Path steps(Path file, List<PciAddress> functions) throws IOException {
    return Files.write(file, new byte[functions.size()]);
  }

  @Test
  @Order(2)
  void allocationThatFailsAnywhereInTheLifeOfAnAttachmentLeavesNothing() {
    List<PciAddress> function = List.of(FUNCTION);
    assertUsable(FUNCTION); // and what is loaded the first time is
    KilledLife.live(FUNCTION, Way.REQUESTS, _ -> {});
    Map<PciAddress, List<String>> clean = tables(function);
    int number = 1;
    int[] refused = {0};
    ContractRig.Failing outcome = ContractRig.Failing.REFUSED;
    for (; outcome != ContractRig.Failing.NOT_REACHED && number < MOST_ALLOCATIONS; number++) {
      outcome =
          FailingAllocations.during(
              number,
              () -> {
                try {
                  KilledLife.live(FUNCTION, Way.REQUESTS, _ -> {});
                } catch (IommufdException | UncheckedIOException | IllegalStateException _) {
                  refused[0]++;
                }
              });
      assertThat(tables(function)).as("allocation %s", number).isEqualTo(clean);
    }
    assertUsable(FUNCTION);
    System.out.println(
        "failing allocations: " + (number - 1) + " in a life, " + refused[0] + " of them refused");
    assertThat(outcome)
        .as("every allocation of a life has failed once")
        .isEqualTo(ContractRig.Failing.NOT_REACHED);
    assertThat(refused[0]).isPositive();
  }
}
