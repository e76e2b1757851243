package io.vpasid.vmm.linux.calls;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// The structures and numbers against those that a C compiler printed for the headers of Linux 7.3
/// and, for the two requests of September 2024, for their patch.
class UapiLayoutTest {
  /// Name, size, and for each member `offset:width name`.
  private static final String LAYOUTS =
      """
      iommu_destroy 8 | 0:4 size | 4:4 id
      iommu_ioas_alloc 12 | 0:4 size | 4:4 flags | 8:4 out_ioas_id
      iommu_ioas_iova_ranges 32 | 0:4 size | 4:4 ioas_id | 8:4 num_iovas | 12:4 __reserved | 16:8 allowed_iovas | 24:8 out_iova_alignment
      iommu_iova_range 16 | 0:8 start | 8:8 last
      iommu_ioas_map 40 | 0:4 size | 4:4 flags | 8:4 ioas_id | 12:4 __reserved | 16:8 user_va | 24:8 length | 32:8 iova
      iommu_ioas_unmap 24 | 0:4 size | 4:4 ioas_id | 8:8 iova | 16:8 length
      iommu_hwpt_alloc 48 | 0:4 size | 4:4 flags | 8:4 dev_id | 12:4 pt_id | 16:4 out_hwpt_id | 20:4 __reserved | 24:4 data_type | 28:4 data_len | 32:8 data_uptr | 40:4 fault_id | 44:4 __reserved2
      iommu_hwpt_vtd_s1 24 | 0:8 flags | 8:8 pgtbl_addr | 16:4 addr_width | 20:4 __reserved
      iommu_hwpt_arm_smmuv3 16 | 0:8 ste[0] | 8:8 ste[1]
      iommu_hwpt_amd_guest 32 | 0:8 dte[0] | 8:8 dte[1] | 16:8 dte[2] | 24:8 dte[3]
      iommu_hw_info 40 | 0:4 size | 4:4 flags | 8:4 dev_id | 12:4 data_len | 16:8 data_uptr | 24:4 out_data_type | 28:1 out_max_pasid_log2 | 29:1 __reserved[0] | 30:1 __reserved[1] | 31:1 __reserved[2] | 32:8 out_capabilities
      iommu_hw_info_vtd 24 | 0:4 flags | 4:4 __reserved | 8:8 cap_reg | 16:8 ecap_reg
      iommu_hw_info_arm_smmuv3 40 | 0:4 flags | 4:4 __reserved | 8:4 idr[0] | 12:4 idr[1] | 16:4 idr[2] | 20:4 idr[3] | 24:4 idr[4] | 28:4 idr[5] | 32:4 iidr | 36:4 aidr
      iommu_hw_info_tegra241_cmdqv 8 | 0:4 flags | 4:1 version | 5:1 log2vcmdqs | 6:1 log2vsids | 7:1 __reserved
      iommu_hw_info_amd 16 | 0:8 efr | 8:8 efr2
      iommu_hwpt_set_dirty_tracking 16 | 0:4 size | 4:4 flags | 8:4 hwpt_id | 12:4 __reserved
      iommu_hwpt_invalidate 32 | 0:4 size | 4:4 hwpt_id | 8:8 data_uptr | 16:4 data_type | 20:4 entry_len | 24:4 entry_num | 28:4 __reserved
      iommu_hwpt_vtd_s1_invalidate 24 | 0:8 addr | 8:8 npages | 16:4 flags | 20:4 __reserved
      iommu_viommu_arm_smmuv3_invalidate 16 | 0:8 cmd[0] | 8:8 cmd[1]
      iommu_fault_alloc 16 | 0:4 size | 4:4 flags | 8:4 out_fault_id | 12:4 out_fault_fd
      iommu_hwpt_pgfault 40 | 0:4 flags | 4:4 dev_id | 8:4 pasid | 12:4 grpid | 16:4 perm | 20:4 __reserved | 24:8 addr | 32:4 length | 36:4 cookie
      iommu_hwpt_page_response 8 | 0:4 cookie | 4:4 code
      iommu_ioas_map_file 40 | 0:4 size | 4:4 flags | 8:4 ioas_id | 12:4 fd | 16:8 start | 24:8 length | 32:8 iova
      iommu_viommu_alloc 40 | 0:4 size | 4:4 flags | 8:4 type | 12:4 dev_id | 16:4 hwpt_id | 20:4 out_viommu_id | 24:4 data_len | 28:4 __reserved | 32:8 data_uptr
      iommu_vdevice_alloc 24 | 0:4 size | 4:4 viommu_id | 8:4 dev_id | 12:4 out_vdevice_id | 16:8 virt_id
      vfio_device_info 24 | 0:4 argsz | 4:4 flags | 8:4 num_regions | 12:4 num_irqs | 16:4 cap_offset | 20:4 pad
      vfio_region_info 32 | 0:4 argsz | 4:4 flags | 8:4 index | 12:4 cap_offset | 16:8 size | 24:8 offset
      vfio_irq_info 16 | 0:4 argsz | 4:4 flags | 8:4 index | 12:4 count
      vfio_irq_set 20 | 0:4 argsz | 4:4 flags | 8:4 index | 12:4 start | 16:4 count
      vfio_device_bind_iommufd 24 | 0:4 argsz | 4:4 flags | 8:4 iommufd | 12:4 out_devid | 16:8 token_uuid_ptr
      vfio_device_attach_iommufd_pt 16 | 0:4 argsz | 4:4 flags | 8:4 pt_id | 12:4 pasid
      vfio_device_detach_iommufd_pt 12 | 0:4 argsz | 4:4 flags | 8:4 pasid
      vfio_device_pasid_attach_iommufd_pt 16 | 0:4 argsz | 4:4 flags | 8:4 pasid | 12:4 pt_id
      vfio_device_pasid_detach_iommufd_pt 12 | 0:4 argsz | 4:4 flags | 8:4 pasid
      """;

  private static final Map<String, Integer> NUMBERS =
      Map.ofEntries(
          Map.entry("IOMMU_DESTROY", 0x3b80),
          Map.entry("IOMMU_IOAS_ALLOC", 0x3b81),
          Map.entry("IOMMU_IOAS_IOVA_RANGES", 0x3b84),
          Map.entry("IOMMU_IOAS_MAP", 0x3b85),
          Map.entry("IOMMU_IOAS_UNMAP", 0x3b86),
          Map.entry("IOMMU_HWPT_ALLOC", 0x3b89),
          Map.entry("IOMMU_GET_HW_INFO", 0x3b8a),
          Map.entry("IOMMU_HWPT_SET_DIRTY_TRACKING", 0x3b8b),
          Map.entry("IOMMU_HWPT_INVALIDATE", 0x3b8d),
          Map.entry("IOMMU_FAULT_QUEUE_ALLOC", 0x3b8e),
          Map.entry("IOMMU_IOAS_MAP_FILE", 0x3b8f),
          Map.entry("IOMMU_VIOMMU_ALLOC", 0x3b90),
          Map.entry("IOMMU_VDEVICE_ALLOC", 0x3b91),
          Map.entry("VFIO_DEVICE_GET_INFO", 0x3b6b),
          Map.entry("VFIO_DEVICE_GET_REGION_INFO", 0x3b6c),
          Map.entry("VFIO_DEVICE_GET_IRQ_INFO", 0x3b6d),
          Map.entry("VFIO_DEVICE_SET_IRQS", 0x3b6e),
          Map.entry("VFIO_DEVICE_BIND_IOMMUFD", 0x3b76),
          Map.entry("VFIO_DEVICE_ATTACH_IOMMUFD_PT", 0x3b77),
          Map.entry("VFIO_DEVICE_DETACH_IOMMUFD_PT", 0x3b78),
          Map.entry("VFIO_DEVICE_PASID_ATTACH_IOMMUFD_PT", 0x3b79),
          Map.entry("VFIO_DEVICE_PASID_DETACH_IOMMUFD_PT", 0x3b7a));

  @Test
  void everyStructureLiesAsTheCompilerSays() {
    Map<String, String> ours = new TreeMap<>();
    for (Struct struct : Structs.all()) {
      ours.put(struct.name(), struct.size() + " | " + String.join(" | ", Structs.members(struct)));
    }

    assertThat(ours)
        .containsExactlyInAnyOrderEntriesOf(
            LAYOUTS
                .lines()
                .map(line -> line.split(" ", 2))
                .collect(Collectors.toMap(parts -> parts[0], parts -> parts[1])));
  }

  @Test
  void everyRequestHasTheNumberOfTheHeader() {
    assertThat(Structs.requests())
        .extracting(request -> Map.entry(request.name(), request.number()))
        .containsExactlyInAnyOrderElementsOf(NUMBERS.entrySet());
    assertThat(VfioUapi.RESET).isEqualTo(0x3b6f);
  }

  @Test
  void argumentIsZeroButForItsSize() {
    for (IoctlRequest request : Structs.requests()) {
      CallFrame.current().block.fill((byte) 0xff);

      byte[] argument =
          request.frame().block.asSlice(0, request.struct().size()).toArray(JAVA_BYTE);
      assertThat(argument[0]).as(request.name()).isEqualTo((byte) argument.length);
      assertThat(Arrays.copyOfRange(argument, 1, argument.length)).containsOnly(0);
    }
  }
}
