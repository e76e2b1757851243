package io.vpasid.vmm.iommufd.kernel;

import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.FaultId;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.PageResponse;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.IommufdUapi.HwptPageResponse;
import io.vpasid.vmm.linux.calls.IommufdUapi.HwptPgfault;
import io.vpasid.vmm.linux.calls.OwnedFd;
import io.vpasid.vmm.linux.calls.Records;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// The file of a fault queue, and an eventfd that ends a wait when the queue is closed.
final class KernelFaultQueue implements FaultQueue {
  private static final int READABLE = 1;

  private final OwnedFd file;
  private final OwnedFd closing;
  private final FaultId id;

  KernelFaultQueue(OwnedFd file, OwnedFd closing, FaultId id) {
    this.file = file;
    this.closing = closing;
    this.id = id;
  }

  @Override
  public FaultId id() {
    return id;
  }

  @Override
  public boolean await(Duration timeout) {
    long end = System.nanoTime() + timeout.toNanos();
    while (true) {
      long millis = Math.clamp((end - System.nanoTime() + 999_999) / 1_000_000, 0, 60_000);
      int ready = file.poll(closing, (int) millis);
      if (ready > 0) {
        return (ready & READABLE) != 0;
      }
      boolean again = ready == 0 || ready == -Errno.EINTR.number();
      if (!again || System.nanoTime() - end >= 0) {
        return false;
      }
    }
  }

  @Override
  public List<PageFault> read(int maxFaults) {
    try (Records records = Records.room(maxFaults, HwptPgfault.STRUCT)) {
      int result = records.readFrom(file);
      if (result < 0) {
        throw failure(result, "read", ", room for " + maxFaults);
      }
      List<PageFault> faults = new ArrayList<>();
      for (int i = 0; i < result / HwptPgfault.SIZE; i++) {
        faults.add(
            new PageFault(
                records.getInt(i, HwptPgfault.FLAGS),
                new DeviceId(records.getInt(i, HwptPgfault.DEV_ID)),
                new Pasid(records.getInt(i, HwptPgfault.PASID)),
                records.getInt(i, HwptPgfault.GRPID),
                records.getInt(i, HwptPgfault.PERM),
                records.get(i, HwptPgfault.ADDR),
                records.getInt(i, HwptPgfault.LENGTH),
                records.getInt(i, HwptPgfault.COOKIE)));
      }
      return faults;
    }
  }

  @Override
  public int respond(List<PageResponse> responses) {
    try (Records records = Records.room(responses.size(), HwptPageResponse.STRUCT)) {
      for (int i = 0; i < responses.size(); i++) {
        records.set(i, HwptPageResponse.COOKIE, responses.get(i).cookie());
        records.set(i, HwptPageResponse.CODE, responses.get(i).code());
      }
      int result = records.writeTo(file);
      if (result < 0) {
        throw failure(result, "write", ", " + responses.size() + " responses");
      }
      return result / HwptPageResponse.SIZE;
    }
  }

  private IommufdException failure(int result, String request, String arguments) {
    return new IommufdException(new Errno(-result), request, id + arguments);
  }

  @Override
  public void close() {
    if (!file.isClosed()) {
      file.close();
      closing.signal();
      closing.close();
    }
  }
}
