package io.vpasid.it.realkernel;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;

/// The program that runs in a guest: attaches, replaces and detaches PASIDs of its function, one
/// step at a time. After each it says what came of it, and goes on when the host says so.
final class GuestAttaches {
  static final long IOVA = 0x400_0000;
  static final int MAPPED = 0x1_0000;
  static final int LARGE_PASID = 1_000_000;

  private final FileInputStream in;
  private final PrintStream out;

  private GuestAttaches(FileInputStream in, PrintStream out) {
    this.in = in;
    this.out = out;
  }

  /// Runs.
  ///
  /// @param arguments the port to the host
  public static void main(String[] arguments) throws Exception {
    try (RandomAccessFile port = new RandomAccessFile(arguments[0], "rw");
        FileInputStream in = new FileInputStream(port.getFD());
        PrintStream out =
            new PrintStream(new FileOutputStream(port.getFD()), true, StandardCharsets.US_ASCII)) {
      new GuestAttaches(in, out).run();
    }
  }

  private void run() throws Exception {
    try (Arena arena = Arena.ofShared();
        IommufdBackend iommufd = new KernelProvider().open(BackendOptions.DEFAULTS);
        BoundDevice device = iommufd.bind(new PciAddress(0, 0, 4, 0))) {
      IoasId firstMemory = iommufd.ioasAlloc();
      IoasId secondMemory = iommufd.ioasAlloc();
      HwptId first = make(iommufd, device, firstMemory);
      HwptId second = make(iommufd, device, secondMemory);
      step("width", () -> device.hwInfo().maxPasidLog2());
      step("attach itself", () -> device.attach(first).equals(first));
      step("attach 7", () -> device.attachPasid(new Pasid(7), first).equals(first));
      step("replace 7", () -> device.attachPasid(new Pasid(7), second).equals(second));
      step("attach 1000000", () -> device.attachPasid(new Pasid(LARGE_PASID), first).equals(first));
      step(
          "map",
          () -> {
            iommufd.mapAt(secondMemory, IOVA, arena.allocate(MAPPED, 4096), IovaAccess.READ_WRITE);
            return true;
          });
      step("unmap", () -> iommufd.unmap(secondMemory, IOVA, MAPPED));
      step("detach 7", () -> detach(device, 7));
      step("detach 1000000", () -> detach(device, LARGE_PASID));
    }
    step("close", () -> true);
  }

  private static HwptId make(IommufdBackend iommufd, BoundDevice device, IoasId ioas) {
    return iommufd.hwptAlloc(HwptRequest.paging(device.id(), ioas).with(HwptFlag.PASID));
  }

  private static boolean detach(BoundDevice device, int pasid) {
    device.detachPasid(new Pasid(pasid));
    return true;
  }

  private void step(String name, Callable<Object> what) throws Exception {
    Object result;
    try {
      result = what.call();
    } catch (IommufdException e) {
      result = e.errno();
    }
    out.println(name + ": " + result);
    if (in.read() < 0) {
      throw new IOException("The host has gone");
    }
  }
}
