package io.vpasid.guest.daemon;

import io.vpasid.guest.config.AddressSpaceConfig;
import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.IommuConfig;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.vfiouser.VfioUserSockets;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.linux.calls.EventSignal;
import io.vpasid.vmm.pasid.AddressSpace;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.slf4j.event.Level;

/// Serves the functions of a configuration until it is closed.
///
/// The functions are emulated ones on a simulated host, and those of this machine that are passed
/// through; both have the vPASID in their guest view. What changes what is served, commands and
/// reloads, is done on the worker.
public final class Daemon extends ServingDaemon {
  private static final int MAX_THREADS = 4;
  private static final String NO_ASYNCHRONOUS_IO =
      """
      This process may not use asynchronous I/O (io_setup), so interrupts are signalled by writes: \
      a client that lets its eventfd block keeps the others of its thread waiting. Permit @aio in \
      the filter of system calls, or raise fs.aio-max-nr.\
      """;

  private final VfioUserSockets sockets;
  private final SharedSpaces spaces = new SharedSpaces();
  private final DaemonEvents events = new DaemonEvents(this);
  private final DaemonMetrics metrics = new DaemonMetrics(this);
  private final DaemonQuirks quirks;
  private final ServedFunctions functions;
  private final ServedIommus iommus;

  private Daemon(
      DaemonConfig config, QuirkTable table, String version, DaemonLog log, CountDownLatch ending) {
    super(config, version, log, ending);
    quirks = new DaemonQuirks(this, table);
    sockets =
        VfioUserSockets.open(
            "vfio-user",
            Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors()),
            config.busyPoll());
    functions = new ServedFunctions(this, sockets);
    iommus = new ServedIommus(this, sockets);
    sockets.onLoss(Daemon::lostThread);
  }

  /// For a thread that ended while functions depend on it.
  static void lostThread() {
    LastWords.end("a thread that serves functions ended", LastWords.BROKEN);
  }

  /// Starts everything that the configuration names.
  ///
  /// @param version of the program
  /// @param log where it tells what happens; stays the caller's to close
  /// @param ending is counted down when the control command `quit` asks for the end
  /// @throws InputException if something of the configuration is unavailable; nothing stays open
  /// @throws JsonFileException if a quirk file is bad
  /// @throws IOException with a sentence, if a socket cannot be made
  public static Daemon start(
      DaemonConfig config, String version, DaemonLog log, CountDownLatch ending)
      throws IOException {
    Daemon daemon = new Daemon(config, DaemonQuirks.read(config), version, log, ending);
    daemon.openOrClose();
    return daemon;
  }

  @Override
  void open() throws IOException {
    if (sockets.carriesDescriptors() && EventSignal.current().isEmpty()) {
      log().say(Level.WARN, NO_ASYNCHRONOUS_IO);
    }
    for (FunctionConfig function : config().functions()) {
      var _ = functions.add(function, quirks.table());
    }
    for (AddressSpaceConfig space : config().addressSpaces()) {
      var _ = spaces.add(space, functions.all());
    }
    for (IommuConfig iommu : config().iommus()) {
      var _ = iommus.add(iommu);
    }
    DaemonCommands commands = new DaemonCommands(this);
    openPages(controlLoops(), commands::state);
    openControl(commands, EventData.of("functions", functions.all().size()));
  }

  ServedFunctions functions() {
    return functions;
  }

  ServedIommus iommus() {
    return iommus;
  }

  SharedSpaces spaces() {
    return spaces;
  }

  DaemonQuirks quirks() {
    return quirks;
  }

  DaemonEvents events() {
    return events;
  }

  DaemonMetrics metrics() {
    return metrics;
  }

  @Override
  String metricsText() {
    return metrics.text();
  }

  @Override
  public List<String> summary() {
    return functions.all().stream()
        .map(served ->
            FunctionReport.summary(
                served.config(), served.captured(), served.function().synthesis()))
        .toList();
  }

  @Override
  public List<? extends Record> summaryJson() {
    return functions.all().stream().map(FunctionReport.Brief::of).toList();
  }

  @Override
  void reloadQuietly() {
    try {
      var _ = quirks.reload();
    } catch (JsonFileException e) {
      // It is logged already.
      log().say(Level.DEBUG, String.valueOf(e.getMessage()));
    }
  }

  @Override
  void beginEnd(boolean served) {
    if (served) {
      events.tell(ControlEvent.SHUTDOWN, new EventData());
    }
  }

  @Override
  EventData end() {
    iommus.close();
    int detached = functions.removeAll();
    for (AddressSpace space : spaces.table().all()) {
      var _ = spaces.remove(space.handle(), List.of(), false);
    }
    sockets.close();
    functions.close();
    return EventData.of("detached", detached);
  }
}
