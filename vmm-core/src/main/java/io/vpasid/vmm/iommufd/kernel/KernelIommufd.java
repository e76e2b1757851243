package io.vpasid.vmm.iommufd.kernel;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.FaultId;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwInfo;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptParentId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.Invalidation;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.ObjectId;
import io.vpasid.vmm.iommufd.VdeviceId;
import io.vpasid.vmm.iommufd.ViommuId;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.CallFrame;
import io.vpasid.vmm.linux.calls.IoctlRequest;
import io.vpasid.vmm.linux.calls.IommufdUapi;
import io.vpasid.vmm.linux.calls.IommufdUapi.Destroy;
import io.vpasid.vmm.linux.calls.IommufdUapi.FaultAlloc;
import io.vpasid.vmm.linux.calls.IommufdUapi.HwInfoQuery;
import io.vpasid.vmm.linux.calls.IommufdUapi.HwptAlloc;
import io.vpasid.vmm.linux.calls.IommufdUapi.HwptInvalidate;
import io.vpasid.vmm.linux.calls.IommufdUapi.IoasAlloc;
import io.vpasid.vmm.linux.calls.IommufdUapi.IoasMap;
import io.vpasid.vmm.linux.calls.IommufdUapi.IoasMapFile;
import io.vpasid.vmm.linux.calls.IommufdUapi.IoasUnmap;
import io.vpasid.vmm.linux.calls.IommufdUapi.IovaRange;
import io.vpasid.vmm.linux.calls.IommufdUapi.IovaRangesQuery;
import io.vpasid.vmm.linux.calls.IommufdUapi.SetDirtyTracking;
import io.vpasid.vmm.linux.calls.IommufdUapi.VdeviceAlloc;
import io.vpasid.vmm.linux.calls.IommufdUapi.ViommuAlloc;
import io.vpasid.vmm.linux.calls.OwnedFd;
import io.vpasid.vmm.linux.calls.Records;
import io.vpasid.vmm.linux.calls.SystemCallException;
import io.vpasid.vmm.linux.calls.SystemCalls;
import io.vpasid.vmm.linux.calls.VfioUapi;
import io.vpasid.vmm.linux.calls.VfioUapi.BindIommufd;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;

/// An open `/dev/iommu`.
final class KernelIommufd implements IommufdBackend {
  /// Room for an IOMMU's registers; the longest format has 40 bytes.
  private static final int HW_INFO_ROOM = 64;

  /// The kernel wrote more than this of an IOMMU's registers: it does not.
  private static final int MAX_HW_INFO = 65536;

  private static final int RANGES_ROOM = 32;
  private static final int RANGES_ATTEMPTS = 8;

  private final SystemCalls calls;
  private final HostPaths paths;
  private final Optional<UUID> token;
  private final OwnedFd file;

  /// Opens a context.
  ///
  /// @param token what a virtual function's owner must know
  /// @throws IommufdException with the request `open`
  KernelIommufd(SystemCalls calls, HostPaths paths, Optional<UUID> token) {
    this.calls = calls;
    this.paths = paths;
    this.token = token;
    this.file = opened(() -> OwnedFd.open(calls, paths.iommu()));
  }

  @Override
  public BoundDevice bind(PciAddress address) {
    if (file.isClosed()) {
      throw failure(-Errno.EBADF.number(), BindIommufd.REQUEST.name(), () -> "device " + address);
    }
    OwnedFd device = opened(() -> OwnedFd.open(calls, paths.vfioDevice(address)));
    try {
      return new VfioDevice(this, device, address, bind(device, address));
    } catch (RuntimeException | Error e) {
      device.close();
      throw e;
    }
  }

  private DeviceId bind(OwnedFd device, PciAddress address) {
    try (Records tokenBytes = Records.of(tokenFor(address))) {
      CallFrame frame = BindIommufd.REQUEST.frame();
      if (tokenBytes.size() > 0) {
        frame
            .set(BindIommufd.FLAGS, VfioUapi.BIND_FLAG_TOKEN)
            .point(BindIommufd.TOKEN_UUID_PTR, tokenBytes.memory());
      }
      int result =
          file.lend(
              number -> device.ioctl(BindIommufd.REQUEST, frame.set(BindIommufd.IOMMUFD, number)));
      check(result, BindIommufd.REQUEST, () -> "device " + address);
      return new DeviceId(frame.getInt(BindIommufd.OUT_DEVID));
    }
  }

  /// The token in the order in which it is written; none for a physical function, whose driver
  /// refuses one.
  private byte[] tokenFor(PciAddress address) {
    if (token.isEmpty() || !paths.isVirtual(address)) {
      return new byte[0];
    }
    UUID uuid = token.get();
    return ByteBuffer.allocate(16)
        .putLong(uuid.getMostSignificantBits())
        .putLong(uuid.getLeastSignificantBits())
        .array();
  }

  @Override
  public HwInfo hwInfo(DeviceId device) {
    return hwInfo(device, 0, 0, device::toString);
  }

  @Override
  public HwInfo hwInfo(DeviceId device, int dataType) {
    return hwInfo(
        device, IommufdUapi.HW_INFO_INPUT_TYPE, dataType, () -> device + ", type " + dataType);
  }

  private HwInfo hwInfo(DeviceId device, int flags, int dataType, Supplier<String> arguments) {
    int room = HW_INFO_ROOM;
    while (true) {
      try (Records data = Records.room(room)) {
        CallFrame frame =
            HwInfoQuery.REQUEST
                .frame()
                .set(HwInfoQuery.FLAGS, flags)
                .set(HwInfoQuery.DEV_ID, device.value())
                .set(HwInfoQuery.DATA_LEN, room)
                .point(HwInfoQuery.DATA_UPTR, data.memory())
                .set(HwInfoQuery.OUT_DATA_TYPE, dataType);
        request(HwInfoQuery.REQUEST, frame, arguments);
        int length = frame.getInt(HwInfoQuery.DATA_LEN);
        if (length >= 0 && length <= room) {
          return new HwInfo(
              frame.getInt(HwInfoQuery.OUT_MAX_PASID_LOG2),
              frame.get(HwInfoQuery.OUT_CAPABILITIES),
              Payloads.hwInfo(frame.getInt(HwInfoQuery.OUT_DATA_TYPE), data, length));
        }
        if (length < 0 || length > MAX_HW_INFO) {
          throw failure(-Errno.EOVERFLOW.number(), HwInfoQuery.REQUEST.name(), arguments);
        }
        room = length;
      }
    }
  }

  @Override
  public IoasId ioasAlloc() {
    CallFrame frame = IoasAlloc.REQUEST.frame();
    request(IoasAlloc.REQUEST, frame, () -> "");
    return new IoasId(frame.getInt(IoasAlloc.OUT_IOAS_ID));
  }

  @Override
  public long map(IoasId ioas, MemorySegment memory, IovaAccess access) {
    return map(ioas, memory, access(access), 0, () -> ioas + ", " + memory.byteSize() + " bytes");
  }

  @Override
  public void mapAt(IoasId ioas, long iova, MemorySegment memory, IovaAccess access) {
    map(
        ioas,
        memory,
        access(access) | IommufdUapi.MAP_FIXED_IOVA,
        iova,
        () -> ioas + ", IOVA " + hex(iova) + ", " + memory.byteSize() + " bytes");
  }

  private long map(
      IoasId ioas, MemorySegment memory, int flags, long iova, Supplier<String> arguments) {
    if (!memory.isNative()) {
      throw new IllegalArgumentException("Memory on the Java heap cannot be mapped for DMA");
    }
    CallFrame frame =
        IoasMap.REQUEST
            .frame()
            .set(IoasMap.FLAGS, flags)
            .set(IoasMap.IOAS_ID, ioas.value())
            .set(IoasMap.USER_VA, memory.address())
            .set(IoasMap.LENGTH, memory.byteSize())
            .set(IoasMap.IOVA, iova);
    try {
      request(IoasMap.REQUEST, frame, arguments);
    } finally {
      Reference.reachabilityFence(memory);
    }
    return frame.get(IoasMap.IOVA);
  }

  @Override
  public long mapFile(IoasId ioas, int fd, long start, long length, IovaAccess access) {
    return mapFile(
        ioas,
        fd,
        start,
        length,
        access(access),
        0,
        () -> ioas + ", fd " + fd + ", " + length + " bytes");
  }

  @Override
  public void mapFileAt(
      IoasId ioas, long iova, int fd, long start, long length, IovaAccess access) {
    mapFile(
        ioas,
        fd,
        start,
        length,
        access(access) | IommufdUapi.MAP_FIXED_IOVA,
        iova,
        () -> ioas + ", IOVA " + hex(iova) + ", fd " + fd + ", " + length + " bytes");
  }

  private long mapFile(
      IoasId ioas,
      int fd,
      long start,
      long length,
      int flags,
      long iova,
      Supplier<String> arguments) {
    CallFrame frame =
        IoasMapFile.REQUEST
            .frame()
            .set(IoasMapFile.FLAGS, flags)
            .set(IoasMapFile.IOAS_ID, ioas.value())
            .set(IoasMapFile.FD, fd)
            .set(IoasMapFile.START, start)
            .set(IoasMapFile.LENGTH, length)
            .set(IoasMapFile.IOVA, iova);
    request(IoasMapFile.REQUEST, frame, arguments);
    return frame.get(IoasMapFile.IOVA);
  }

  private static int access(IovaAccess access) {
    return (access.readable() ? IommufdUapi.MAP_READABLE : 0)
        | (access.writeable() ? IommufdUapi.MAP_WRITEABLE : 0);
  }

  @Override
  public long unmap(IoasId ioas, long iova, long length) {
    CallFrame frame =
        IoasUnmap.REQUEST
            .frame()
            .set(IoasUnmap.IOAS_ID, ioas.value())
            .set(IoasUnmap.IOVA, iova)
            .set(IoasUnmap.LENGTH, length);
    request(
        IoasUnmap.REQUEST,
        frame,
        () -> ioas + ", IOVA " + hex(iova) + ", " + hex(length) + " bytes");
    return frame.get(IoasUnmap.LENGTH);
  }

  @Override
  public IovaRanges iovaRanges(IoasId ioas) {
    int room = RANGES_ROOM;
    for (int attempt = 1; ; attempt++) {
      try (Records ranges = Records.room(room, IovaRange.STRUCT)) {
        CallFrame frame =
            IovaRangesQuery.REQUEST
                .frame()
                .set(IovaRangesQuery.IOAS_ID, ioas.value())
                .set(IovaRangesQuery.NUM_IOVAS, room)
                .point(IovaRangesQuery.ALLOWED_IOVAS, ranges.memory());
        int result = file.ioctl(IovaRangesQuery.REQUEST, frame);
        int count = frame.getInt(IovaRangesQuery.NUM_IOVAS);
        boolean tooSmall = result == -Errno.EMSGSIZE.number() && count > room;
        if (!tooSmall || attempt == RANGES_ATTEMPTS) {
          check(result, IovaRangesQuery.REQUEST, ioas::toString);
          return ranges(ranges, count, frame.get(IovaRangesQuery.OUT_IOVA_ALIGNMENT));
        }
        room = count;
      }
    }
  }

  private static IovaRanges ranges(Records records, int count, long alignment) {
    List<IovaRanges.Range> allowed = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      allowed.add(
          new IovaRanges.Range(records.get(i, IovaRange.START), records.get(i, IovaRange.LAST)));
    }
    return new IovaRanges(allowed, alignment);
  }

  @Override
  public HwptId hwptAlloc(HwptRequest request) {
    try (Records data = Payloads.of(request.data())) {
      CallFrame frame =
          HwptAlloc.REQUEST
              .frame()
              .set(HwptAlloc.FLAGS, request.flagBits())
              .set(HwptAlloc.DEV_ID, request.device().value())
              .set(HwptAlloc.PT_ID, request.parent().value())
              .set(HwptAlloc.DATA_TYPE, request.data().type())
              .set(HwptAlloc.DATA_LEN, data.size())
              .point(HwptAlloc.DATA_UPTR, data.memory())
              .set(HwptAlloc.FAULT_ID, request.faultQueue().value());
      request(
          HwptAlloc.REQUEST,
          frame,
          () -> request.device() + " on " + request.parent() + ", flags " + request.flagBits());
      return new HwptId(frame.getInt(HwptAlloc.OUT_HWPT_ID));
    }
  }

  @Override
  public int invalidate(HwptParentId target, Invalidation invalidation) {
    try (Payloads.Entries entries = Payloads.of(invalidation)) {
      CallFrame frame =
          HwptInvalidate.REQUEST
              .frame()
              .set(HwptInvalidate.HWPT_ID, target.value())
              .point(HwptInvalidate.DATA_UPTR, entries.records().memory())
              .set(HwptInvalidate.DATA_TYPE, invalidation.type())
              .set(HwptInvalidate.ENTRY_LEN, entries.length())
              .set(HwptInvalidate.ENTRY_NUM, entries.count());
      int result = file.ioctl(HwptInvalidate.REQUEST, frame);
      int handled = frame.getInt(HwptInvalidate.ENTRY_NUM);
      if (result < 0) {
        boolean reached = result != -Errno.EBADF.number();
        throw new IommufdException(
            new Errno(-result),
            HwptInvalidate.REQUEST.name(),
            target.toString(),
            reached ? handled : 0);
      }
      return handled;
    }
  }

  @Override
  public void dirtyTracking(HwptId hwpt, boolean enabled) {
    CallFrame frame =
        SetDirtyTracking.REQUEST
            .frame()
            .set(SetDirtyTracking.FLAGS, enabled ? IommufdUapi.DIRTY_TRACKING_ENABLE : 0)
            .set(SetDirtyTracking.HWPT_ID, hwpt.value());
    request(SetDirtyTracking.REQUEST, frame, () -> hwpt + (enabled ? ", on" : ", off"));
  }

  @Override
  public ViommuId viommuAlloc(DeviceId device, HwptId nestParent, int type) {
    CallFrame frame =
        ViommuAlloc.REQUEST
            .frame()
            .set(ViommuAlloc.TYPE, type)
            .set(ViommuAlloc.DEV_ID, device.value())
            .set(ViommuAlloc.HWPT_ID, nestParent.value());
    request(ViommuAlloc.REQUEST, frame, () -> device + " on " + nestParent + ", type " + type);
    return new ViommuId(frame.getInt(ViommuAlloc.OUT_VIOMMU_ID));
  }

  @Override
  public VdeviceId vdeviceAlloc(ViommuId viommu, DeviceId device, long virtualId) {
    CallFrame frame =
        VdeviceAlloc.REQUEST
            .frame()
            .set(VdeviceAlloc.VIOMMU_ID, viommu.value())
            .set(VdeviceAlloc.DEV_ID, device.value())
            .set(VdeviceAlloc.VIRT_ID, virtualId);
    request(VdeviceAlloc.REQUEST, frame, () -> device + " of " + viommu + ", id " + hex(virtualId));
    return new VdeviceId(frame.getInt(VdeviceAlloc.OUT_VDEVICE_ID));
  }

  @Override
  public FaultQueue faultQueueAlloc() {
    OwnedFd closing = opened(() -> OwnedFd.eventFd(calls));
    try {
      CallFrame frame = FaultAlloc.REQUEST.frame();
      request(FaultAlloc.REQUEST, frame, () -> "");
      FaultId id = new FaultId(frame.getInt(FaultAlloc.OUT_FAULT_ID));
      OwnedFd queue = new OwnedFd(calls, frame.getInt(FaultAlloc.OUT_FAULT_FD));
      return new KernelFaultQueue(queue, closing, id);
    } catch (RuntimeException | Error e) {
      closing.close();
      throw e;
    }
  }

  @Override
  public void destroy(ObjectId id) {
    CallFrame frame = Destroy.REQUEST.frame().set(Destroy.ID, id.value());
    request(Destroy.REQUEST, frame, id::toString);
  }

  @Override
  public void close() {
    file.close();
  }

  private void request(IoctlRequest request, CallFrame frame, Supplier<String> arguments) {
    check(file.ioctl(request, frame), request, arguments);
  }

  private static void check(int result, IoctlRequest request, Supplier<String> arguments) {
    if (result < 0) {
      throw failure(result, request.name(), arguments);
    }
  }

  private static IommufdException failure(int result, String request, Supplier<String> arguments) {
    return new IommufdException(new Errno(-result), request, arguments.get());
  }

  private static OwnedFd opened(Supplier<OwnedFd> opening) {
    try {
      return opening.get();
    } catch (SystemCallException e) {
      throw new IommufdException(e.errno(), e.call(), e.argument());
    }
  }

  private static String hex(long value) {
    return "0x" + Long.toHexString(value);
  }
}
