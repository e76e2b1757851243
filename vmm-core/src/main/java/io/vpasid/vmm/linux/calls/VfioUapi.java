package io.vpasid.vmm.linux.calls;

import static io.vpasid.vmm.linux.calls.Struct.u32;
import static io.vpasid.vmm.linux.calls.Struct.u64;

/// Requests and structures of `include/uapi/linux/vfio.h`, as of Linux 7.3, and the two requests
/// for PASIDs of the patches "vfio-pci support pasid attach/detach" v3 of September 2024, which
/// some kernels before 6.15 carry.
public final class VfioUapi {
  private VfioUapi() {}

  /// `struct vfio_device_info`: what VFIO says of a device.
  public static final class DeviceInfo {
    static final Struct STRUCT =
        Struct.of(
            "vfio_device_info",
            u32("argsz"),
            u32("flags"),
            u32("num_regions"),
            u32("num_irqs"),
            u32("cap_offset"),
            u32("pad"));

    /// The request VFIO_DEVICE_GET_INFO, to a bound device.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("VFIO_DEVICE_GET_INFO", 0x3b6b, STRUCT);

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field NUM_REGIONS = STRUCT.field("num_regions");
    public static final Field NUM_IRQS = STRUCT.field("num_irqs");

    private DeviceInfo() {}
  }

  /// `struct vfio_region_info`: where a region lies in the file.
  public static final class RegionInfo {
    static final Struct STRUCT =
        Struct.of(
            "vfio_region_info",
            u32("argsz"),
            u32("flags"),
            u32("index"),
            u32("cap_offset"),
            u64("size"),
            u64("offset"));

    /// The request VFIO_DEVICE_GET_REGION_INFO, to a bound device.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("VFIO_DEVICE_GET_REGION_INFO", 0x3b6c, STRUCT);

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field INDEX = STRUCT.field("index");
    public static final Field SIZE = STRUCT.field("size");
    public static final Field OFFSET = STRUCT.field("offset");

    private RegionInfo() {}
  }

  /// `struct vfio_irq_info`: the interrupts of one type.
  public static final class IrqInfo {
    static final Struct STRUCT =
        Struct.of("vfio_irq_info", u32("argsz"), u32("flags"), u32("index"), u32("count"));

    /// The request VFIO_DEVICE_GET_IRQ_INFO, to a bound device.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("VFIO_DEVICE_GET_IRQ_INFO", 0x3b6d, STRUCT);

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field INDEX = STRUCT.field("index");
    public static final Field COUNT = STRUCT.field("count");

    private IrqInfo() {}
  }

  /// `struct vfio_irq_set`: what is to be done with interrupts. Eventfds follow it, 4 bytes each,
  /// and count in `argsz`.
  public static final class IrqSet {
    static final Struct STRUCT =
        Struct.of(
            "vfio_irq_set", u32("argsz"), u32("flags"), u32("index"), u32("start"), u32("count"));

    /// The request VFIO_DEVICE_SET_IRQS, to a bound device.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("VFIO_DEVICE_SET_IRQS", 0x3b6e, STRUCT);

    public static final Field ARGSZ = STRUCT.field("argsz");
    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field INDEX = STRUCT.field("index");
    public static final Field START = STRUCT.field("start");
    public static final Field COUNT = STRUCT.field("count");

    public static final int DATA_NONE = 1;
    public static final int DATA_EVENTFD = 1 << 2;
    public static final int ACTION_MASK = 1 << 3;
    public static final int ACTION_UNMASK = 1 << 4;
    public static final int ACTION_TRIGGER = 1 << 5;

    /// The eventfd of the n-th interrupt.
    public static Field eventfd(int n) {
      return new Field(STRUCT.size() + 4L * n, 4);
    }

    private IrqSet() {}
  }

  /// `struct vfio_device_bind_iommufd`: binds a device to an iommufd context.
  public static final class BindIommufd {
    static final Struct STRUCT =
        Struct.of(
            "vfio_device_bind_iommufd",
            u32("argsz"),
            u32("flags"),
            u32("iommufd"),
            u32("out_devid"),
            u64("token_uuid_ptr"));

    /// The request VFIO_DEVICE_BIND_IOMMUFD, to a bound device.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("VFIO_DEVICE_BIND_IOMMUFD", 0x3b76, STRUCT);

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field IOMMUFD = STRUCT.field("iommufd");
    public static final Field OUT_DEVID = STRUCT.field("out_devid");
    public static final Field TOKEN_UUID_PTR = STRUCT.field("token_uuid_ptr");

    private BindIommufd() {}
  }

  /// `struct vfio_device_attach_iommufd_pt`: attaches a device or one of its PASIDs.
  public static final class AttachPt {
    static final Struct STRUCT =
        Struct.of(
            "vfio_device_attach_iommufd_pt",
            u32("argsz"),
            u32("flags"),
            u32("pt_id"),
            u32("pasid"));

    /// The request VFIO_DEVICE_ATTACH_IOMMUFD_PT, to a bound device.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("VFIO_DEVICE_ATTACH_IOMMUFD_PT", 0x3b77, STRUCT);

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field PT_ID = STRUCT.field("pt_id");
    public static final Field PASID = STRUCT.field("pasid");

    private AttachPt() {}
  }

  /// `struct vfio_device_detach_iommufd_pt`: detaches a device or one of its PASIDs.
  public static final class DetachPt {
    static final Struct STRUCT =
        Struct.of("vfio_device_detach_iommufd_pt", u32("argsz"), u32("flags"), u32("pasid"));

    /// The request VFIO_DEVICE_DETACH_IOMMUFD_PT, to a bound device.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("VFIO_DEVICE_DETACH_IOMMUFD_PT", 0x3b78, STRUCT);

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field PASID = STRUCT.field("pasid");

    private DetachPt() {}
  }

  /// `struct vfio_device_pasid_attach_iommufd_pt`: attaches a PASID, before Linux 6.15. The PASID
  /// stands before the page table here, and behind it in [AttachPt].
  public static final class PasidAttachPt {
    static final Struct STRUCT =
        Struct.of(
            "vfio_device_pasid_attach_iommufd_pt",
            u32("argsz"),
            u32("flags"),
            u32("pasid"),
            u32("pt_id"));

    /// The request VFIO_DEVICE_PASID_ATTACH_IOMMUFD_PT, to a bound device.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("VFIO_DEVICE_PASID_ATTACH_IOMMUFD_PT", 0x3b79, STRUCT);

    public static final Field PASID = STRUCT.field("pasid");
    public static final Field PT_ID = STRUCT.field("pt_id");

    private PasidAttachPt() {}
  }

  /// `struct vfio_device_pasid_detach_iommufd_pt`: detaches a PASID, before Linux 6.15.
  public static final class PasidDetachPt {
    static final Struct STRUCT =
        Struct.of("vfio_device_pasid_detach_iommufd_pt", u32("argsz"), u32("flags"), u32("pasid"));

    /// The request VFIO_DEVICE_PASID_DETACH_IOMMUFD_PT, to a bound device.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("VFIO_DEVICE_PASID_DETACH_IOMMUFD_PT", 0x3b7a, STRUCT);

    public static final Field PASID = STRUCT.field("pasid");

    private PasidDetachPt() {}
  }

  /// VFIO_DEVICE_RESET, which has no argument.
  public static final int RESET = 0x3b6f;

  /// A flag of [DeviceInfo]: the device can be reset.
  public static final int DEVICE_FLAGS_RESET = 1;

  /// A flag of [DeviceInfo]: it is a PCI device.
  public static final int DEVICE_FLAGS_PCI = 1 << 1;

  /// A flag of [BindIommufd]: there is a token.
  public static final int BIND_FLAG_TOKEN = 1;

  /// A flag of [AttachPt] and [DetachPt]: it is about a PASID.
  public static final int FLAG_PASID = 1;
}
