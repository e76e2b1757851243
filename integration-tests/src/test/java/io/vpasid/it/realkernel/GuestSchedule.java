package io.vpasid.it.realkernel;

import io.vpasid.testing.Needs;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/// Lets the machines run the classes that are annotated with [InRealKernel], in the order of the
/// plan, beside the tests of the host: [GuestExecution] finds results that may be there already.
///
/// A machine is booted for the first class that wants its IOMMU, or behind one that has left its
/// machine off; all are off when the plan has been executed.
public final class GuestSchedule implements TestExecutionListener {
  /// What machines say of classes, as soon as they are asked to run them.
  private static final Map<Class<?>, CompletableFuture<GuestReports>> REPORTS =
      new ConcurrentHashMap<>();

  private final Map<GuestIommu, GuestRun> machines = new EnumMap<>(GuestIommu.class);
  private @Nullable Thread runner;
  private boolean over;

  /// JUnit makes one for each of its launchers.
  public GuestSchedule() {}

  /// What a machine says of a class; waits until one is asked to run it.
  ///
  /// @throws AssertionError why there is no machine that could be asked
  static GuestReports of(Class<?> testClass) {
    CompletableFuture<GuestReports> reports = REPORTS.get(testClass);
    if (reports == null) {
      throw new AssertionError(testClass + " is in no plan that is being executed");
    }
    try {
      return reports.join();
    } catch (CompletionException e) {
      throw new AssertionError("No machine runs " + testClass, e.getCause());
    }
  }

  @Override
  public void testPlanExecutionStarted(TestPlan plan) {
    if (GuestExecution.IN_GUEST) {
      return;
    }
    Map<Class<?>, CompletableFuture<GuestReports>> wanted = new LinkedHashMap<>();
    for (TestIdentifier engine : plan.getRoots()) {
      for (TestIdentifier child : plan.getChildren(engine)) {
        if (child.getSource().orElse(null) instanceof ClassSource source
            && source.getJavaClass().isAnnotationPresent(InRealKernel.class)
            && Needs.Condition.unmet(source.getJavaClass()).isEmpty()) {
          wanted.put(source.getJavaClass(), new CompletableFuture<>());
        }
      }
    }
    if (!wanted.isEmpty()) {
      REPORTS.putAll(wanted);
      runner =
          Thread.ofPlatform()
              .daemon()
              .name("guest-schedule")
              .start(() -> wanted.forEach(this::run));
    }
  }

  private void run(Class<?> testClass, CompletableFuture<GuestReports> result) {
    InRealKernel wish = testClass.getAnnotation(InRealKernel.class);
    try {
      GuestReports reports =
          machine(testClass, wish).execute(testClass, Duration.ofSeconds(wish.seconds()));
      result.complete(reports);
      reports.awaitOver();
    } catch (Throwable t) {
      result.completeExceptionally(t);
    }
  }

  private synchronized GuestRun machine(Class<?> testClass, InRealKernel wish) {
    if (over) {
      throw new IllegalStateException("The plan has been executed");
    }
    GuestRun last = machines.get(wish.iommu());
    if (last != null && !last.isOff()) {
      return last;
    }
    if (last != null) {
      last.close();
    }
    Path folder = Path.of("target", "real-kernel", testClass.getName());
    GuestRun next = GuestRun.boot(wish.iommu(), wish.cpus(), folder.toAbsolutePath());
    machines.put(wish.iommu(), next);
    return next;
  }

  @Override
  public void testPlanExecutionFinished(TestPlan plan) {
    Thread running = runner;
    if (running == null) {
      return;
    }
    synchronized (this) {
      over = true;
      machines.values().forEach(GuestRun::close);
    }
    try {
      running.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
