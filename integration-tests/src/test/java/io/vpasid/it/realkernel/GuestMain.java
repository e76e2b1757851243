package io.vpasid.it.realkernel;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.EngineFilter;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/// The program that runs in the guest: executes the test classes that the host names, one a line,
/// and reports to it.
final class GuestMain {
  /// A system property that only the guest has.
  static final String IN_GUEST = "vpasid.it.inGuest";

  private GuestMain() {}

  /// Executes classes until the host has no more.
  ///
  /// @param arguments the port to the host
  public static void main(String[] arguments) throws IOException {
    // A port can be opened only once.
    try (RandomAccessFile port = new RandomAccessFile(arguments[0], "rw");
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(
                    new FileInputStream(port.getFD()), StandardCharsets.US_ASCII));
        ObjectOutputStream out = new ObjectOutputStream(new FileOutputStream(port.getFD()))) {
      Reporter reporter = new Reporter(out);
      for (String testClass = in.readLine(); testClass != null; testClass = in.readLine()) {
        System.out.println("executing " + testClass);
        Throwable thrown = null;
        try {
          execute(testClass, reporter);
        } catch (Throwable t) {
          t.printStackTrace();
          thrown = portable(t);
        }
        reporter.send(new GuestReport.Ended(thrown));
      }
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
