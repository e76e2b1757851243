package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.EngineFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/// What happens in the guest is what the host's build sees, above all if it is bad.
@Tag(InRealKernel.TAG)
@Needs(Need.REAL_KERNEL)
class GuestExecutionTest {

  /// Everything that a class of tests may have.
  @InRealKernel(cpus = 1)
  static class Mixed {
    private boolean isPrepared;

    @BeforeEach
    void prepareInTheGuest() {
      isPrepared = Files.exists(Path.of("/dev/iommu"));
    }

    @AfterAll
    static void fail() {
      throw new IllegalStateException("after all");
    }

    @Test
    void passes() {
      assertThat(isPrepared).isTrue();
    }

    @Test
    void fails() {
      assertThat(Path.of("/proc/version")).content().startsWith("Windows");
    }

    @Test
    void isAborted() {
      assumeThat(Path.of("/dev/kvm")).as("virtualization").exists();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/dev/iommu", "/dev/none"})
    void exists(Path file) {
      assertThat(file).exists();
    }

    @TestFactory
    Stream<DynamicNode> devices() throws IOException {
      try (Stream<Path> devices = Files.list(Path.of("/dev/vfio/devices"))) {
        List<Path> all = devices.toList();
        return all.stream()
            .map(device ->
                DynamicTest.dynamicTest(device.toString(), () -> assertThat(device).isWritable()));
      }
    }

    @Nested
    class Inner {
      @Test
      void passesToo() {
        assertThat(isPrepared).isTrue();
      }
    }
  }

  /// Never ends.
  @InRealKernel(seconds = 15, cpus = 1)
  @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
  static class Hanging {
    @Test
    @Order(1)
    void passes() {}

    @Test
    @Order(2)
    void hangs() throws InterruptedException {
      new CountDownLatch(1).await();
    }

    @Test
    @Order(3)
    void neverRuns() {}
  }

  /// Takes the kernel with it.
  @InRealKernel
  static class Panicking {
    @Test
    void panics() throws IOException, InterruptedException {
      Files.writeString(Path.of("/proc/sysrq-trigger"), "c");
      new CountDownLatch(1).await();
    }
  }

  /// What came of the classes above, in two machines at once: the kernel panics in the one that had
  /// other tests before.
  private static Map<String, String> mixedAndPanicking = Map.of();

  private static Map<String, String> hanging = Map.of();

  @BeforeAll
  static void executeAll() throws InterruptedException, ExecutionException {
    // On a thread of its own: the common pool tells when processes end, and may have but one.
    try (ExecutorService other =
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
      Future<Map<String, String>> otherResults = other.submit(() -> execute(Hanging.class));
      mixedAndPanicking = execute(Mixed.class, Panicking.class);
      hanging = otherResults.get();
    }
  }

  @Test
  void resultsOfTheGuestAreResultsHere() {
    Map<String, String> results = mixedAndPanicking;

    assertThat(results)
        .containsEntry("passes()", "SUCCESSFUL")
        .containsEntry("passesToo()", "SUCCESSFUL")
        .containsEntry("[1] file=/dev/iommu", "SUCCESSFUL")
        .containsEntry("/dev/vfio/devices/vfio0", "SUCCESSFUL");
    assertThat(results.get("fails()"))
        .startsWith("FAILED")
        .contains("Linux version " + System.getProperty("vpasid.linux", "7.3"));
    assertThat(results.get("isAborted()")).startsWith("ABORTED").contains("virtualization");
    assertThat(results.get("[2] file=/dev/none")).startsWith("FAILED").contains("/dev/none");
    assertThat(results.get("GuestExecutionTest$Mixed")).startsWith("FAILED").contains("after all");
  }

  @Test
  void guestThatHangsIsSwitchedOffAndSaysWhereItHung() {
    assertThat(hanging).containsEntry("passes()", "SUCCESSFUL");
    assertThat(hanging.get("hangs()"))
        .startsWith("FAILED")
        .contains("[method:hangs()]", "still running after 15 s", "console.log");
    assertThat(hanging.get("neverRuns()")).startsWith("FAILED");
  }

  @Test
  void kernelThatPanicsIsReportedWithItsLastWords() {
    assertThat(mixedAndPanicking.get("panics()"))
        .startsWith("FAILED")
        .contains("its kernel panicked", "sysrq triggered crash");
  }

  @Test
  void machineThatDoesNotStartIsReportedWithWhatQemuSaid(@TempDir Path folder) {
    MachineParts parts = MachineParts.prepare();
    MachineParts broken =
        new MachineParts(
            parts.tree(),
            folder.resolve("no-kernel"),
            parts.initramfs(),
            parts.drivers(),
            parts.firmware());
    GuestMachine.Setup setup = new GuestMachine.Setup("", List.of(), false, Duration.ofMinutes(1));

    try (GuestMachine machine = GuestMachine.boot(broken, setup, folder)) {
      assertThatThrownBy(machine::awaitEnd)
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("never started")
          .hasMessageContaining("no-kernel");
    }
  }

  /// Executes classes as a build does, and gives what each test and container came to, by its name.
  private static Map<String, String> execute(Class<?>... testClasses) {
    Map<String, String> results = new TreeMap<>();
    LauncherFactory.create()
        .execute(
            LauncherDiscoveryRequestBuilder.request()
                .selectors(Stream.of(testClasses).map(type -> selectClass(type)).toList())
                .filters(EngineFilter.includeEngines("junit-jupiter"))
                .build(),
            new TestExecutionListener() {
              @Override
              public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                results.put(
                    test.getDisplayName(),
                    result.getStatus() + result.getThrowable().map(t -> ": " + t).orElse(""));
              }
            });
    return results;
  }
}
