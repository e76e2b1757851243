package io.vpasid.vmm.linux.calls;

import static io.vpasid.vmm.linux.calls.Struct.u32;
import static io.vpasid.vmm.linux.calls.Struct.u64;
import static io.vpasid.vmm.linux.calls.Struct.u8;

/// Requests and structures of `include/uapi/linux/iommufd.h`, as of Linux 7.3.
///
/// The whole structures are sent, also to an older kernel: it takes a longer one as long as what it
/// does not know is zero. Members that nobody sets, reserved ones above all, have no [Field], and
/// stay zero.
public final class IommufdUapi {
  private IommufdUapi() {}

  /// `struct iommu_destroy`: takes an object away.
  public static final class Destroy {
    static final Struct STRUCT = Struct.of("iommu_destroy", u32("size"), u32("id"));

    /// The request IOMMU_DESTROY, to `/dev/iommu`.
    public static final IoctlRequest REQUEST = new IoctlRequest("IOMMU_DESTROY", 0x3b80, STRUCT);

    public static final Field ID = STRUCT.field("id");

    private Destroy() {}
  }

  /// `struct iommu_ioas_alloc`: makes an I/O address space.
  public static final class IoasAlloc {
    static final Struct STRUCT =
        Struct.of("iommu_ioas_alloc", u32("size"), u32("flags"), u32("out_ioas_id"));

    /// The request IOMMU_IOAS_ALLOC, to `/dev/iommu`.
    public static final IoctlRequest REQUEST = new IoctlRequest("IOMMU_IOAS_ALLOC", 0x3b81, STRUCT);

    public static final Field OUT_IOAS_ID = STRUCT.field("out_ioas_id");

    private IoasAlloc() {}
  }

  /// `struct iommu_ioas_iova_ranges`: which IOVAs may be mapped.
  public static final class IovaRangesQuery {
    static final Struct STRUCT =
        Struct.of(
            "iommu_ioas_iova_ranges",
            u32("size"),
            u32("ioas_id"),
            u32("num_iovas"),
            u32("__reserved"),
            u64("allowed_iovas"),
            u64("out_iova_alignment"));

    /// The request IOMMU_IOAS_IOVA_RANGES, to `/dev/iommu`.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("IOMMU_IOAS_IOVA_RANGES", 0x3b84, STRUCT);

    public static final Field IOAS_ID = STRUCT.field("ioas_id");
    public static final Field NUM_IOVAS = STRUCT.field("num_iovas");
    public static final Field ALLOWED_IOVAS = STRUCT.field("allowed_iovas");
    public static final Field OUT_IOVA_ALIGNMENT = STRUCT.field("out_iova_alignment");

    private IovaRangesQuery() {}
  }

  /// `struct iommu_iova_range`: one of those.
  public static final class IovaRange {
    public static final Struct STRUCT = Struct.of("iommu_iova_range", u64("start"), u64("last"));

    public static final Field START = STRUCT.field("start");
    public static final Field LAST = STRUCT.field("last");

    private IovaRange() {}
  }

  /// `struct iommu_ioas_map`: maps memory of this process.
  public static final class IoasMap {
    static final Struct STRUCT =
        Struct.of(
            "iommu_ioas_map",
            u32("size"),
            u32("flags"),
            u32("ioas_id"),
            u32("__reserved"),
            u64("user_va"),
            u64("length"),
            u64("iova"));

    /// The request IOMMU_IOAS_MAP, to `/dev/iommu`.
    public static final IoctlRequest REQUEST = new IoctlRequest("IOMMU_IOAS_MAP", 0x3b85, STRUCT);

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field IOAS_ID = STRUCT.field("ioas_id");
    public static final Field USER_VA = STRUCT.field("user_va");
    public static final Field LENGTH = STRUCT.field("length");
    public static final Field IOVA = STRUCT.field("iova");

    private IoasMap() {}
  }

  /// `struct iommu_ioas_unmap`: removes mappings.
  public static final class IoasUnmap {
    static final Struct STRUCT =
        Struct.of("iommu_ioas_unmap", u32("size"), u32("ioas_id"), u64("iova"), u64("length"));

    /// The request IOMMU_IOAS_UNMAP, to `/dev/iommu`.
    public static final IoctlRequest REQUEST = new IoctlRequest("IOMMU_IOAS_UNMAP", 0x3b86, STRUCT);

    public static final Field IOAS_ID = STRUCT.field("ioas_id");
    public static final Field IOVA = STRUCT.field("iova");
    public static final Field LENGTH = STRUCT.field("length");

    private IoasUnmap() {}
  }

  /// `struct iommu_hwpt_alloc`: makes a hardware page table.
  public static final class HwptAlloc {
    static final Struct STRUCT =
        Struct.of(
            "iommu_hwpt_alloc",
            u32("size"),
            u32("flags"),
            u32("dev_id"),
            u32("pt_id"),
            u32("out_hwpt_id"),
            u32("__reserved"),
            u32("data_type"),
            u32("data_len"),
            u64("data_uptr"),
            u32("fault_id"),
            u32("__reserved2"));

    /// The request IOMMU_HWPT_ALLOC, to `/dev/iommu`.
    public static final IoctlRequest REQUEST = new IoctlRequest("IOMMU_HWPT_ALLOC", 0x3b89, STRUCT);

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field DEV_ID = STRUCT.field("dev_id");
    public static final Field PT_ID = STRUCT.field("pt_id");
    public static final Field OUT_HWPT_ID = STRUCT.field("out_hwpt_id");
    public static final Field DATA_TYPE = STRUCT.field("data_type");
    public static final Field DATA_LEN = STRUCT.field("data_len");
    public static final Field DATA_UPTR = STRUCT.field("data_uptr");
    public static final Field FAULT_ID = STRUCT.field("fault_id");

    private HwptAlloc() {}
  }

  /// `struct iommu_hwpt_vtd_s1`: a first-stage page table of VT-d.
  public static final class HwptVtdS1 {
    public static final Struct STRUCT =
        Struct.of(
            "iommu_hwpt_vtd_s1",
            u64("flags"),
            u64("pgtbl_addr"),
            u32("addr_width"),
            u32("__reserved"));

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field PGTBL_ADDR = STRUCT.field("pgtbl_addr");
    public static final Field ADDR_WIDTH = STRUCT.field("addr_width");

    private HwptVtdS1() {}
  }

  /// `struct iommu_hwpt_arm_smmuv3`: a stream table entry of a guest; little endian.
  public static final class HwptArmSmmuv3 {
    public static final Struct STRUCT =
        Struct.of("iommu_hwpt_arm_smmuv3", u64("ste[0]"), u64("ste[1]"));

    public static final Field STE0 = STRUCT.field("ste[0]");
    public static final Field STE1 = STRUCT.field("ste[1]");

    private HwptArmSmmuv3() {}
  }

  /// `struct iommu_hwpt_amd_guest`: a device table entry of a guest.
  public static final class HwptAmdGuest {
    public static final Struct STRUCT =
        Struct.of(
            "iommu_hwpt_amd_guest", u64("dte[0]"), u64("dte[1]"), u64("dte[2]"), u64("dte[3]"));

    public static final Field DTE0 = STRUCT.field("dte[0]");
    public static final Field DTE1 = STRUCT.field("dte[1]");
    public static final Field DTE2 = STRUCT.field("dte[2]");
    public static final Field DTE3 = STRUCT.field("dte[3]");

    private HwptAmdGuest() {}
  }

  /// `struct iommu_hw_info`: what the IOMMU says of a device.
  public static final class HwInfoQuery {
    static final Struct STRUCT =
        Struct.of(
            "iommu_hw_info",
            u32("size"),
            u32("flags"),
            u32("dev_id"),
            u32("data_len"),
            u64("data_uptr"),
            u32("out_data_type"),
            u8("out_max_pasid_log2"),
            u8("__reserved[0]"),
            u8("__reserved[1]"),
            u8("__reserved[2]"),
            u64("out_capabilities"));

    /// The request IOMMU_GET_HW_INFO, to `/dev/iommu`.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("IOMMU_GET_HW_INFO", 0x3b8a, STRUCT);

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field DEV_ID = STRUCT.field("dev_id");
    public static final Field DATA_LEN = STRUCT.field("data_len");
    public static final Field DATA_UPTR = STRUCT.field("data_uptr");
    public static final Field OUT_DATA_TYPE = STRUCT.field("out_data_type");
    public static final Field OUT_MAX_PASID_LOG2 = STRUCT.field("out_max_pasid_log2");
    public static final Field OUT_CAPABILITIES = STRUCT.field("out_capabilities");

    private HwInfoQuery() {}
  }

  /// `struct iommu_hw_info_vtd`: the registers of VT-d.
  public static final class HwInfoVtd {
    public static final Struct STRUCT =
        Struct.of(
            "iommu_hw_info_vtd", u32("flags"), u32("__reserved"), u64("cap_reg"), u64("ecap_reg"));

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field CAP_REG = STRUCT.field("cap_reg");
    public static final Field ECAP_REG = STRUCT.field("ecap_reg");

    /// Its bytes.
    public static final int SIZE = STRUCT.size();

    private HwInfoVtd() {}
  }

  /// `struct iommu_hw_info_arm_smmuv3`: the registers of an SMMUv3.
  public static final class HwInfoArmSmmuv3 {
    public static final Struct STRUCT =
        Struct.of(
            "iommu_hw_info_arm_smmuv3",
            u32("flags"),
            u32("__reserved"),
            u32("idr[0]"),
            u32("idr[1]"),
            u32("idr[2]"),
            u32("idr[3]"),
            u32("idr[4]"),
            u32("idr[5]"),
            u32("iidr"),
            u32("aidr"));

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field IDR0 = STRUCT.field("idr[0]");
    public static final Field IDR1 = STRUCT.field("idr[1]");
    public static final Field IDR2 = STRUCT.field("idr[2]");
    public static final Field IDR3 = STRUCT.field("idr[3]");
    public static final Field IDR4 = STRUCT.field("idr[4]");
    public static final Field IDR5 = STRUCT.field("idr[5]");
    public static final Field IIDR = STRUCT.field("iidr");
    public static final Field AIDR = STRUCT.field("aidr");

    /// Its bytes.
    public static final int SIZE = STRUCT.size();

    private HwInfoArmSmmuv3() {}
  }

  /// `struct iommu_hw_info_tegra241_cmdqv`: what a Tegra241 CMDQV has.
  public static final class HwInfoTegra241Cmdqv {
    public static final Struct STRUCT =
        Struct.of(
            "iommu_hw_info_tegra241_cmdqv",
            u32("flags"),
            u8("version"),
            u8("log2vcmdqs"),
            u8("log2vsids"),
            u8("__reserved"));

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field VERSION = STRUCT.field("version");
    public static final Field LOG2VCMDQS = STRUCT.field("log2vcmdqs");
    public static final Field LOG2VSIDS = STRUCT.field("log2vsids");

    /// Its bytes.
    public static final int SIZE = STRUCT.size();

    private HwInfoTegra241Cmdqv() {}
  }

  /// `struct iommu_hw_info_amd`: the registers of an AMD IOMMU.
  public static final class HwInfoAmd {
    public static final Struct STRUCT = Struct.of("iommu_hw_info_amd", u64("efr"), u64("efr2"));

    public static final Field EFR = STRUCT.field("efr");
    public static final Field EFR2 = STRUCT.field("efr2");

    /// Its bytes.
    public static final int SIZE = STRUCT.size();

    private HwInfoAmd() {}
  }

  /// `struct iommu_hwpt_set_dirty_tracking`: switches dirty tracking.
  public static final class SetDirtyTracking {
    static final Struct STRUCT =
        Struct.of(
            "iommu_hwpt_set_dirty_tracking",
            u32("size"),
            u32("flags"),
            u32("hwpt_id"),
            u32("__reserved"));

    /// The request IOMMU_HWPT_SET_DIRTY_TRACKING, to `/dev/iommu`.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("IOMMU_HWPT_SET_DIRTY_TRACKING", 0x3b8b, STRUCT);

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field HWPT_ID = STRUCT.field("hwpt_id");

    private SetDirtyTracking() {}
  }

  /// `struct iommu_hwpt_invalidate`: invalidates what the hardware cached.
  public static final class HwptInvalidate {
    static final Struct STRUCT =
        Struct.of(
            "iommu_hwpt_invalidate",
            u32("size"),
            u32("hwpt_id"),
            u64("data_uptr"),
            u32("data_type"),
            u32("entry_len"),
            u32("entry_num"),
            u32("__reserved"));

    /// The request IOMMU_HWPT_INVALIDATE, to `/dev/iommu`.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("IOMMU_HWPT_INVALIDATE", 0x3b8d, STRUCT);

    public static final Field HWPT_ID = STRUCT.field("hwpt_id");
    public static final Field DATA_UPTR = STRUCT.field("data_uptr");
    public static final Field DATA_TYPE = STRUCT.field("data_type");
    public static final Field ENTRY_LEN = STRUCT.field("entry_len");
    public static final Field ENTRY_NUM = STRUCT.field("entry_num");

    private HwptInvalidate() {}
  }

  /// `struct iommu_hwpt_vtd_s1_invalidate`: one invalidation of VT-d.
  public static final class VtdS1Invalidate {
    public static final Struct STRUCT =
        Struct.of(
            "iommu_hwpt_vtd_s1_invalidate",
            u64("addr"),
            u64("npages"),
            u32("flags"),
            u32("__reserved"));

    public static final Field ADDR = STRUCT.field("addr");
    public static final Field NPAGES = STRUCT.field("npages");
    public static final Field FLAGS = STRUCT.field("flags");

    /// Its bytes.
    public static final int SIZE = STRUCT.size();

    private VtdS1Invalidate() {}
  }

  /// `struct iommu_viommu_arm_smmuv3_invalidate`: one command of an SMMUv3; little endian.
  public static final class ArmSmmuv3Invalidate {
    public static final Struct STRUCT =
        Struct.of("iommu_viommu_arm_smmuv3_invalidate", u64("cmd[0]"), u64("cmd[1]"));

    public static final Field CMD0 = STRUCT.field("cmd[0]");
    public static final Field CMD1 = STRUCT.field("cmd[1]");

    /// Its bytes.
    public static final int SIZE = STRUCT.size();

    private ArmSmmuv3Invalidate() {}
  }

  /// `struct iommu_fault_alloc`: makes a fault queue.
  public static final class FaultAlloc {
    static final Struct STRUCT =
        Struct.of(
            "iommu_fault_alloc",
            u32("size"),
            u32("flags"),
            u32("out_fault_id"),
            u32("out_fault_fd"));

    /// The request IOMMU_FAULT_QUEUE_ALLOC, to `/dev/iommu`.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("IOMMU_FAULT_QUEUE_ALLOC", 0x3b8e, STRUCT);

    public static final Field OUT_FAULT_ID = STRUCT.field("out_fault_id");
    public static final Field OUT_FAULT_FD = STRUCT.field("out_fault_fd");

    private FaultAlloc() {}
  }

  /// `struct iommu_hwpt_pgfault`: a page fault, read from a fault queue.
  public static final class HwptPgfault {
    public static final Struct STRUCT =
        Struct.of(
            "iommu_hwpt_pgfault",
            u32("flags"),
            u32("dev_id"),
            u32("pasid"),
            u32("grpid"),
            u32("perm"),
            u32("__reserved"),
            u64("addr"),
            u32("length"),
            u32("cookie"));

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field DEV_ID = STRUCT.field("dev_id");
    public static final Field PASID = STRUCT.field("pasid");
    public static final Field GRPID = STRUCT.field("grpid");
    public static final Field PERM = STRUCT.field("perm");
    public static final Field ADDR = STRUCT.field("addr");
    public static final Field LENGTH = STRUCT.field("length");
    public static final Field COOKIE = STRUCT.field("cookie");

    /// Its bytes.
    public static final int SIZE = STRUCT.size();

    private HwptPgfault() {}
  }

  /// `struct iommu_hwpt_page_response`: an answer, written to a fault queue.
  public static final class HwptPageResponse {
    public static final Struct STRUCT =
        Struct.of("iommu_hwpt_page_response", u32("cookie"), u32("code"));

    public static final Field COOKIE = STRUCT.field("cookie");
    public static final Field CODE = STRUCT.field("code");

    /// Its bytes.
    public static final int SIZE = STRUCT.size();

    private HwptPageResponse() {}
  }

  /// `struct iommu_ioas_map_file`: maps a part of a file.
  public static final class IoasMapFile {
    static final Struct STRUCT =
        Struct.of(
            "iommu_ioas_map_file",
            u32("size"),
            u32("flags"),
            u32("ioas_id"),
            u32("fd"),
            u64("start"),
            u64("length"),
            u64("iova"));

    /// The request IOMMU_IOAS_MAP_FILE, to `/dev/iommu`.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("IOMMU_IOAS_MAP_FILE", 0x3b8f, STRUCT);

    public static final Field FLAGS = STRUCT.field("flags");
    public static final Field IOAS_ID = STRUCT.field("ioas_id");
    public static final Field FD = STRUCT.field("fd");
    public static final Field START = STRUCT.field("start");
    public static final Field LENGTH = STRUCT.field("length");
    public static final Field IOVA = STRUCT.field("iova");

    private IoasMapFile() {}
  }

  /// `struct iommu_viommu_alloc`: makes a virtual IOMMU.
  public static final class ViommuAlloc {
    static final Struct STRUCT =
        Struct.of(
            "iommu_viommu_alloc",
            u32("size"),
            u32("flags"),
            u32("type"),
            u32("dev_id"),
            u32("hwpt_id"),
            u32("out_viommu_id"),
            u32("data_len"),
            u32("__reserved"),
            u64("data_uptr"));

    /// The request IOMMU_VIOMMU_ALLOC, to `/dev/iommu`.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("IOMMU_VIOMMU_ALLOC", 0x3b90, STRUCT);

    public static final Field TYPE = STRUCT.field("type");
    public static final Field DEV_ID = STRUCT.field("dev_id");
    public static final Field HWPT_ID = STRUCT.field("hwpt_id");
    public static final Field OUT_VIOMMU_ID = STRUCT.field("out_viommu_id");

    private ViommuAlloc() {}
  }

  /// `struct iommu_vdevice_alloc`: makes a device known to a virtual IOMMU.
  public static final class VdeviceAlloc {
    static final Struct STRUCT =
        Struct.of(
            "iommu_vdevice_alloc",
            u32("size"),
            u32("viommu_id"),
            u32("dev_id"),
            u32("out_vdevice_id"),
            u64("virt_id"));

    /// The request IOMMU_VDEVICE_ALLOC, to `/dev/iommu`.
    public static final IoctlRequest REQUEST =
        new IoctlRequest("IOMMU_VDEVICE_ALLOC", 0x3b91, STRUCT);

    public static final Field VIOMMU_ID = STRUCT.field("viommu_id");
    public static final Field DEV_ID = STRUCT.field("dev_id");
    public static final Field OUT_VDEVICE_ID = STRUCT.field("out_vdevice_id");
    public static final Field VIRT_ID = STRUCT.field("virt_id");

    private VdeviceAlloc() {}
  }

  /// A flag of [IoasMap] and [IoasMapFile].
  public static final int MAP_FIXED_IOVA = 1;

  /// A flag of [IoasMap] and [IoasMapFile].
  public static final int MAP_WRITEABLE = 2;

  /// A flag of [IoasMap] and [IoasMapFile].
  public static final int MAP_READABLE = 4;

  /// A flag of [HwInfoQuery]: `data_type` says which format is wanted.
  public static final int HW_INFO_INPUT_TYPE = 1;

  /// A flag of [SetDirtyTracking].
  public static final int DIRTY_TRACKING_ENABLE = 1;
}
