package io.vpasid.it.realkernel;

import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import java.io.EOFException;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// A machine that runs test classes, one after the other, seen from the host.
final class GuestRun implements AutoCloseable {
  /// From the wish for a class to its first report, and the machine may have to boot before, on a
  /// host that has other things to do.
  private static final Duration LONGEST_START = Duration.ofMinutes(30);

  /// Last resort for a machine that nobody closes.
  private static final Duration LONGEST_RUN = Duration.ofHours(3);

  private final Path sockets;
  private final Optional<VtdFunctions> behindVtd;
  private final List<VfioUserServer> servers = new ArrayList<>();
  private final GuestMachine machine;

  /// Of the class that runs, and how long it may.
  private GuestReports reports = new GuestReports();

  private Duration limit = LONGEST_RUN;

  /// How the machine ended, once it has.
  private @Nullable String ending;

  private GuestRun(
      Path sockets,
      MachineParts parts,
      Optional<VtdFunctions> behindVtd,
      Map<String, VfioUserDevice> devices,
      int cpus,
      Path folder) {
    this.sockets = sockets;
    this.behindVtd = behindVtd;
    try {
      List<GuestMachine.Function> functions = new ArrayList<>();
      devices.forEach((place, function) ->
          functions.add(new GuestMachine.Function(place, serve(place, function))));
      GuestMachine.Setup setup =
          new GuestMachine.Setup(
              script(functions),
              functions,
              false,
              LONGEST_RUN,
              GuestMachine.Size.ofCpus(cpus),
              List.of());
      machine =
          GuestMachine.boot(
              parts,
              behindVtd.isPresent()
                  ? FirmwareBoot.withUnit(
                      parts, setup, VtdFunctions.UNIT, behindVtd.get().covered(), folder)
                  : setup,
              folder);
    } catch (IOException e) {
      closeDevices();
      throw new UncheckedIOException(e);
    } catch (Throwable t) {
      closeDevices();
      throw t;
    }
  }

  /// Switches a machine on.
  ///
  /// @param folder gets its console
  static GuestRun boot(GuestIommu iommu, int cpus, Path folder) {
    MachineParts parts = MachineParts.prepare();
    Optional<VtdFunctions> behindVtd =
        switch (iommu) {
          case QEMU -> Optional.empty();
          case NESTED -> Optional.of(new VtdFunctions(TranslationMode.Kind.NESTED));
          case SHADOW -> Optional.of(new VtdFunctions(TranslationMode.Kind.SHADOW));
        };
    try {
      // A socket's path is short, and that of a checkout may not be.
      GuestRun run =
          new GuestRun(
              Files.createTempDirectory("vpasid-guest"),
              parts,
              behindVtd,
              behindVtd.map(VtdFunctions::devices).orElseGet(MachineFunctions::physical),
              cpus,
              folder);
      Thread.ofPlatform().daemon().name("guest-reports").start(run::receive);
      return run;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path serve(String place, VfioUserDevice function) {
    try {
      VfioUserServer server =
          VfioUserServer.open(
              sockets.resolve(place + ".sock"), function, VfioUserServer.Options.defaults());
      servers.add(server);
      return server.path();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Gives the functions to VFIO, as a VMM's host does, and runs [GuestMain] with the JDK, the
  /// class path and the working directory of this JVM.
  private static String script(List<GuestMachine.Function> functions) {
    List<String> options = new ArrayList<>(List.of("-Djava.io.tmpdir=/dev/shm"));
    options.add("-D" + GuestMain.IN_GUEST + "=true");
    options.add("-Dvpasid.realKernel=true");
    for (String property :
        List.of("basedir", "java.util.logging.config.file", "vpasid.killPoints", "vpasid.linux")) {
      Optional.ofNullable(System.getProperty(property))
          .ifPresent(value -> options.add("-D" + property + "=" + value));
    }
    return """
    give() {
      echo $2 >/sys/bus/pci/devices/$1/driver_override
      echo $1 >/sys/bus/pci/drivers_probe
    }
    for function in %s; do give 0000:00:$function vfio-pci; done
    give 0000:00:07.0 virtio_vfio_pci
    for port in /sys/class/virtio-ports/*; do
      [ "$(cat $port/name)" != reports ] || reports=/dev/${port##*/}
    done
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
    set -x
    %s $reports
    """
        .formatted(
            functions.stream()
                .map(GuestMachine.Function::place)
                .filter(place -> !place.equals(MachineFunctions.WITHOUT_PASID_DRIVER))
                .filter(place -> !place.equals(VtdFunctions.UNIT))
                .collect(Collectors.joining(" ")),
            HostCommand.ofJava(options, GuestMain.class));
  }

  /// Lets the machine run a class, which may still have to boot. The class before it is over.
  ///
  /// @param longest how long the class may run
  /// @return what the guest says of it
  synchronized GuestReports execute(Class<?> testClass, Duration longest) {
    GuestReports its = new GuestReports();
    reports = its;
    limit = longest;
    if (ending != null) {
      its.end(ending);
      return its;
    }
    machine.endAfter(LONGEST_START, its::isEmpty);
    try {
      machine.send(testClass.getName() + "\n");
    } catch (IOException e) {
      // It is off, and the other thread tells how that came.
    }
    return its;
  }

  private void receive() {
    String how;
    try (ObjectInputStream in = new ObjectInputStream(machine.reports())) {
      while (true) {
        accept((GuestReport) in.readObject());
      }
    } catch (EOFException e) {
      how = "";
    } catch (IOException | ClassNotFoundException | ClassCastException e) {
      how = "What it reports cannot be read: " + e + ". ";
    }
    machine.close();
    end(how + machine.ending());
  }

  private synchronized void accept(GuestReport report) {
    GuestReports its = reports;
    if (its.isEmpty()) {
      machine.endAfter(limit, () -> !its.isOver());
    }
    its.accept(report);
  }

  private synchronized void end(String how) {
    ending = how;
    reports.end(how);
  }

  /// Whether the machine is off, so that it runs no more classes.
  boolean isOff() {
    return machine.isOff();
  }

  /// Switches the machine off, whatever it does.
  @Override
  public void close() {
    machine.close();
    closeDevices();
    try {
      Files.deleteIfExists(sockets);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void closeDevices() {
    servers.forEach(VfioUserServer::close);
    behindVtd.ifPresent(VtdFunctions::close);
  }
}
