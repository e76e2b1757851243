package io.vpasid.it.load;

import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.device.FunctionDevice;
import io.vpasid.guest.host.EmulatedHardware;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.guest.vfiouser.VfioUserSockets;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// The process that serves: many functions, each with a vPASID, on sockets `0`, `1`, … of a folder.
/// Says what it takes, and serves until its standard input ends.
public final class ServedFunctions {
  private static final int LOOPS = 2;

  private ServedFunctions() {}

  /// @param arguments the folder, how many functions, and for how many microseconds to poll
  static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    int count = Integer.parseInt(arguments[1]);
    Duration busyPoll = Duration.of(Integer.parseInt(arguments[2]), ChronoUnit.MICROS);
    HostFunction captured = demoFunction();
    SimulatedHost.Builder machine = SimulatedHost.builder();
    List<EmulatedHardware> hardware = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      EmulatedHardware one =
          EmulatedHardware.of(FunctionDescription.of(captured).movedTo(address(i)), false);
      hardware.add(one);
      machine.device(one.device(HardwareInfo.parse("width=20,priv")));
    }
    List<AutoCloseable> open = new ArrayList<>();
    try (IommufdBackend iommufd = machine.build().open();
        VfioUserSockets sockets = VfioUserSockets.open("load", LOOPS, busyPoll)) {
      for (int i = 0; i < count; i++) {
        PassthroughFunction function =
            PassthroughFunction.open(iommufd, address(i), FunctionOptions.defaults());
        open.add(function);
        open.add(
            sockets.serve(
                folder.resolve(Integer.toString(i)),
                new FunctionDevice(function, hardware.get(i)),
                VfioUserServer.Options.defaults()));
      }
      System.out.println("ready " + heap() + " " + residentSet());
      while (System.in.read() >= 0) {
        // Somebody measures.
      }
      for (AutoCloseable one : open.reversed()) {
        one.close();
      }
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static PciAddress address(int i) {
    return new PciAddress(i >>> 13, i >>> 5 & 0xff, i & 0x1f, 0);
  }

  /// The function that every other one is a copy of.
  public static HostFunction demoFunction() throws IOException {
    try (InputStream in =
        Objects.requireNonNull(
            ServedFunctions.class.getResourceAsStream("/io/vpasid/guest/cli/run/demo.txt"))) {
      return Dumps.parse("demo.txt", in.readAllBytes()).getFirst();
    }
  }

  /// Bytes of live objects.
  private static long heap() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private static long residentSet() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    return 0;
  }
}
