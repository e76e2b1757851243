package io.vpasid.it.realkernel;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.function.UnaryOperator;

/// What the simulated host behind [VtdFunctions] has attached, for tests in the machine to see: two
/// registers in the configuration space of the function without PASIDs.
///
/// ```text
///          31      24 23  20 19                    0
/// f04  |  devfn   |   0   |        PASID            |   which; 0 is the function itself
/// f08  | attached |   0   |  attached PASIDs        |   bit 31: whether that one is; how many are
/// ```
public final class HostAttachments {
  private static final int WHICH = 0xf04;
  private static final int ANSWER = 0xf08;
  private static final int ATTACHED = 1 << 31;
  private static final int PASID = 0xfffff;
  private static final String FUNCTION =
      "/sys/bus/pci/devices/0000:00:" + MachineFunctions.WITHOUT_PASIDS + "/config";

  private HostAttachments() {}

  /// The registers, on the host.
  ///
  /// @param addresses of functions on the host by those in the machine
  static Map<Integer, SpareRegister> registers(
      SimulatedHost host, UnaryOperator<PciAddress> addresses) {
    Registers registers = new Registers(host, addresses);
    return Map.of(WHICH, registers.new Which(), ANSWER, registers.new Answer());
  }

  private static final class Registers {
    private final SimulatedHost host;
    private final UnaryOperator<PciAddress> addresses;
    private volatile int which;

    Registers(SimulatedHost host, UnaryOperator<PciAddress> addresses) {
      this.host = host;
      this.addresses = addresses;
    }

    private final class Which implements SpareRegister {
      @Override
      public int read() {
        return which;
      }

      @Override
      public void write(int value) {
        which = value;
      }
    }

    private final class Answer implements SpareRegister {
      @Override
      public int read() {
        int asked = which;
        if (asked == 0) {
          return 0;
        }
        PciAddress function = addresses.apply(new PciAddress(0, 0, asked >>> 27, asked >>> 24 & 7));
        boolean attached = host.translates(function, new Pasid(asked & PASID));
        return host.attachedPasidCount(function) | (attached ? ATTACHED : 0);
      }

      @Override
      public void write(int value) {}
    }
  }

  /// Whether the host has a PASID attached, seen from the machine.
  ///
  /// @param function its address in the machine
  /// @param pasid 0 for the function itself
  public static boolean isAttached(PciAddress function, Pasid pasid) {
    return (ask(function, pasid) & ATTACHED) != 0;
  }

  /// How many PASIDs of a function the host has attached, seen from the machine.
  ///
  /// @param function its address in the machine
  public static int count(PciAddress function) {
    return ask(function, new Pasid(0)) & PASID;
  }

  private static int ask(PciAddress function, Pasid pasid) {
    int devfn = function.device() << 3 | function.function();
    try (RandomAccessFile config = new RandomAccessFile(FUNCTION, "rw")) {
      ByteBuffer dword = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      config.seek(WHICH);
      config.write(dword.putInt(0, devfn << 24 | pasid.value()).array());
      config.seek(ANSWER);
      config.readFully(dword.array());
      return dword.getInt(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
