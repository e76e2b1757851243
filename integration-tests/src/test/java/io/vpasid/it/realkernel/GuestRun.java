package io.vpasid.it.realkernel;

import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.pci.dump.HostFunction;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// One test class as it runs in a machine of its own, seen from the host.
final class GuestRun implements AutoCloseable {
  private final List<VfioUserServer> servers;
  private final GuestMachine machine;

  private final GuestReports reports = new GuestReports();

  private GuestRun(
      List<VfioUserServer> servers, MachineParts parts, Class<?> testClass, Duration limit) {
    this.servers = servers;
    List<Path> sockets = servers.stream().map(VfioUserServer::path).toList();
    try {
      machine =
          GuestMachine.boot(
              parts,
              new GuestMachine.Setup(script(testClass), sockets, false, limit),
              Path.of("target", "real-kernel", testClass.getName()).toAbsolutePath());
    } catch (Throwable t) {
      servers.forEach(VfioUserServer::close);
      throw t;
    }
  }

  /// Boots a machine and begins to execute the class in it.
  ///
  /// @param limit how long the machine may run
  /// @throws AssertionError if the machine ended before JUnit ran in it
  static GuestRun begin(Class<?> testClass, Duration limit) throws InterruptedException {
    MachineParts parts = MachineParts.prepare();
    GuestRun run = new GuestRun(serveFunctions(), parts, testClass, limit);
    Thread.ofPlatform().daemon().name("guest-reports").start(run::receive);
    try {
      run.reports.awaitReady();
      return run;
    } catch (Throwable t) {
      run.close();
      throw t;
    }
  }

  private static List<VfioUserServer> serveFunctions() {
    try {
      // A socket's path is short, and that of a checkout may not be.
      Path folder = Files.createTempDirectory("vpasid-guest");
      return List.of(
          serve(folder.resolve("4.sock"), Accelerators.withPasid()),
          serve(folder.resolve("5.sock"), Accelerators.withoutPasid()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static VfioUserServer serve(Path socket, HostFunction function) throws IOException {
    return VfioUserServer.open(
        socket, new PhysicalFunction(function.config()), VfioUserServer.Options.defaults());
  }

  /// Gives the functions to vfio-pci, as a VMM's host does, and runs [GuestMain] with the JDK, the
  /// class path and the working directory of this JVM.
  private static String script(Class<?> testClass) {
    List<String> java = new ArrayList<>();
    java.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // An emulated CPU is slow: what starts fast is fast.
    java.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"));
    java.addAll(List.of("-Xlog:disable", "-Xlog:all=error:stderr", "-Djava.io.tmpdir=/dev/shm"));
    java.addAll(
        List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"));
    java.add("-D" + GuestMain.IN_GUEST + "=true");
    for (String property : List.of("basedir", "java.util.logging.config.file")) {
      Optional.ofNullable(System.getProperty(property))
          .ifPresent(value -> java.add("-D" + property + "=" + value));
    }
    java.addAll(List.of("-cp", absoluteClassPath(), GuestMain.class.getName()));
    return """
    set -x
    for function in 0000:00:04.0 0000:00:05.0; do
      echo vfio-pci >/sys/bus/pci/devices/$function/driver_override
      echo $function >/sys/bus/pci/drivers_probe
    done
    for port in /sys/class/virtio-ports/*; do
      [ "$(cat $port/name)" != reports ] || reports=/dev/${port##*/}
    done
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
    chroot /host /bin/sh -c 'cd "$0" && exec "$@"' %s %s $reports %s
    """
        .formatted(
            quoted(Path.of("").toAbsolutePath().toString()),
            String.join(" ", java.stream().map(GuestRun::quoted).toList()),
            quoted(testClass.getName()));
  }

  private static String absoluteClassPath() {
    return Pattern.compile(File.pathSeparator)
        .splitAsStream(System.getProperty("java.class.path"))
        .map(path -> Path.of(path).toAbsolutePath().toString())
        .collect(Collectors.joining(File.pathSeparator));
  }

  /// A word for the shell.
  private static String quoted(String word) {
    return "'" + word.replace("'", "'\\''") + "'";
  }

  private void receive() {
    String how;
    try (ObjectInputStream in = new ObjectInputStream(machine.reports())) {
      while (true) {
        reports.accept((GuestReport) in.readObject());
      }
    } catch (EOFException e) {
      how = "";
    } catch (IOException | ClassNotFoundException | ClassCastException e) {
      how = "What it reports cannot be read: " + e + ". ";
    }
    machine.close();
    reports.end(how + machine.ending());
  }

  /// What the guest has said so far.
  GuestReports reports() {
    return reports;
  }

  /// Switches the machine off, whatever it does.
  @Override
  public void close() {
    machine.close();
    servers.forEach(VfioUserServer::close);
    try {
      Files.deleteIfExists(servers.getFirst().path().getParent());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
