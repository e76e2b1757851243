package io.vpasid.it.realkernel;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.EngineFilter;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/// The program that runs in the guest: executes one test class and reports to the host.
final class GuestMain {
  /// A system property that only the guest has.
  static final String IN_GUEST = "vpasid.it.inGuest";

  private GuestMain() {}

  /// Executes a class.
  ///
  /// @param arguments the file to report to, which is a port to the host, and the class
  public static void main(String[] arguments) throws IOException {
    try (ObjectOutputStream out = new ObjectOutputStream(new FileOutputStream(arguments[0]))) {
      Reporter reporter = new Reporter(out);
      reporter.send(new GuestReport.Ready());
      Throwable thrown = null;
      try {
        execute(arguments[1], reporter);
      } catch (Throwable t) {
        t.printStackTrace();
        thrown = portable(t);
      }
      reporter.send(new GuestReport.Ended(thrown));
    }
  }

  private static void execute(String testClass, TestExecutionListener listener) {
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selectClass(testClass))
            .filters(EngineFilter.includeEngines("junit-jupiter"))
            .build();
    Launcher launcher = LauncherFactory.create();
    launcher.execute(request, listener);
  }

  /// The throwable, or one that says the same if it cannot be sent.
  private static Throwable portable(Throwable thrown) {
    try (ObjectOutputStream trial = new ObjectOutputStream(OutputStream.nullOutputStream())) {
      trial.writeObject(thrown);
      return thrown;
    } catch (IOException e) {
      AssertionError same = new AssertionError(thrown.toString());
      same.setStackTrace(thrown.getStackTrace());
      return same;
    }
  }

  private record Reporter(ObjectOutputStream out) implements TestExecutionListener {

    synchronized void send(GuestReport report) {
      try {
        out.writeObject(report);
        out.reset();
        out.flush();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void dynamicTestRegistered(TestIdentifier test) {
      send(
          new GuestReport.Found(
              test.getUniqueId(),
              test.getParentId().orElse(""),
              test.getDisplayName(),
              test.isTest()));
    }

    @Override
    public void executionStarted(TestIdentifier test) {
      send(new GuestReport.Started(test.getUniqueId()));
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
      send(new GuestReport.Skipped(test.getUniqueId(), reason));
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
      @Nullable Throwable thrown = result.getThrowable().map(GuestMain::portable).orElse(null);
      send(new GuestReport.Finished(test.getUniqueId(), thrown));
    }
  }
}
