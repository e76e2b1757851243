package io.vpasid.vmm.iommufd.simulated;

import static io.vpasid.vmm.iommufd.simulated.Refusals.refused;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.IovaRanges.Range;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.PageResponse;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Two functions of one IOMMU group, of which the second has no PASIDs: they share each attachment.
class SimulatedGroupTest {
  private static final PciAddress FIRST = new PciAddress(0, 1, 0, 0);
  private static final PciAddress SECOND = new PciAddress(0, 1, 0, 1);
  private static final Pasid P7 = new Pasid(7);
  private static final IovaRanges EVERYTHING = new IovaRanges(List.of(new Range(0, -1)), 1);

  private final List<HardwareChange> changes = new ArrayList<>();
  private final SimulatedHost host =
      SimulatedHost.builder()
          .device(SimulatedDevice.at(FIRST).pasidWidth(8).group(3))
          .device(SimulatedDevice.at(SECOND).withoutPasid().group(3))
          .observer(changes::add)
          .build();
  private final SimulatedIommufd iommufd = host.open();
  private final BoundDevice first = iommufd.bind(FIRST);
  private final BoundDevice second = iommufd.bind(SECOND);
  private final IoasId ioas = iommufd.ioasAlloc();

  private HwptId paging(IoasId of, HwptFlag... flags) {
    HwptRequest request = HwptRequest.paging(first.id(), of);
    for (HwptFlag flag : flags) {
      request = request.with(flag);
    }
    return iommufd.hwptAlloc(request);
  }

  @Test
  void secondFunctionJoinsTheSamePageTableOnly() {
    HwptId table = paging(ioas);
    HwptId other = paging(ioas);
    first.attach(table);
    changes.clear();

    refused(Errno.EINVAL, () -> second.attach(other));
    second.attach(table);

    assertThat(changes).isEmpty();
    assertThat(host.attachment(SECOND)).contains(table);
    assertThat(iommufd.users(table)).isEqualTo(3);
  }

  @Test
  void hardwareChangesWhenTheFirstJoinsAndTheLastLeaves() {
    HwptId table = paging(ioas);
    first.attach(table);
    second.attach(table);
    assertThat(changes)
        .containsExactly(
            new HardwareChange.Translated(FIRST, new Pasid(0), table),
            new HardwareChange.Translated(SECOND, new Pasid(0), table));
    changes.clear();

    first.detach();
    assertThat(changes).isEmpty();
    second.detach();
    assertThat(changes)
        .containsExactly(
            new HardwareChange.Blocked(FIRST, new Pasid(0)),
            new HardwareChange.Blocked(SECOND, new Pasid(0)));
  }

  @Test
  void replacingMovesTheWholeGroup() {
    HwptId table = paging(ioas);
    HwptId other = paging(ioas);
    first.attach(table);
    second.attach(table);

    second.attach(other);

    assertThat(host.attachment(FIRST)).contains(other);
    assertThat(iommufd.users(table)).isEqualTo(1);
    assertThat(iommufd.users(other)).isEqualTo(3);
  }

  @Test
  void pasidIsProgrammedWhereThereArePasids() {
    HwptId table = paging(ioas, HwptFlag.PASID);

    first.attachPasid(P7, table);
    second.attachPasid(P7, table);

    assertThat(changes).containsExactly(new HardwareChange.Translated(FIRST, P7, table));
    assertThat(host.translates(FIRST, P7)).isTrue();
    assertThat(host.translates(SECOND, P7)).isFalse();
  }

  @Test
  void pasidsAreBelowTheWidthOfTheFunction() {
    HwptId table = paging(ioas, HwptFlag.PASID);

    refused(Errno.EINVAL, () -> first.attachPasid(new Pasid(256), table));
    first.attachPasid(new Pasid(255), table);
  }

  @Test
  void functionWithPasidsNeedsAPageTableForThem() {
    HwptId table = paging(ioas, HwptFlag.PASID);
    HwptId plain = paging(ioas);
    first.attach(plain);
    refused(Errno.EINVAL, () -> first.attachPasid(P7, table));
    first.attach(table);
    first.attachPasid(P7, table);

    refused(Errno.EINVAL, () -> first.attach(plain));
    refused(Errno.EINVAL, () -> first.attachPasid(P7, plain));
    assertThat(host.attachment(FIRST)).contains(table);
    first.detachPasid(P7);
    first.attach(plain);
  }

  @Test
  void reservedRegionsFollowTheGroupToAnotherAddressSpace() {
    IoasId other = iommufd.ioasAlloc();
    HwptId table = paging(ioas);
    HwptId elsewhere = paging(other);
    IovaRanges unattached = iommufd.iovaRanges(ioas);
    first.attach(table);
    second.attach(table);
    IovaRanges attached = iommufd.iovaRanges(ioas);

    first.attach(elsewhere);

    assertThat(attached).isNotEqualTo(unattached);
    assertThat(iommufd.iovaRanges(ioas)).isEqualTo(unattached);
    assertThat(iommufd.iovaRanges(other)).isEqualTo(attached);
    first.detach();
    assertThat(iommufd.iovaRanges(other)).isEqualTo(attached);
    second.detach();
    assertThat(iommufd.iovaRanges(other)).isEqualTo(unattached);
    iommufd.destroy(elsewhere);
    assertThat(iommufd.iovaRanges(other)).isEqualTo(EVERYTHING);
  }

  @Test
  void replaceThatFailsKeepsTheReservedRegionsWhereTheyWere() {
    IoasId other = iommufd.ioasAlloc();
    HwptId elsewhere = paging(other);
    IovaRanges unattached = iommufd.iovaRanges(other);
    HwptId table = paging(ioas);
    first.attach(table);
    IovaRanges attached = iommufd.iovaRanges(ioas);
    host.failures().failDriver(Errno.EIO);

    refused(Errno.EIO, () -> first.attach(elsewhere));

    assertThat(iommufd.iovaRanges(other)).isEqualTo(unattached);
    assertThat(iommufd.iovaRanges(ioas)).isEqualTo(attached);
    assertThat(host.attachment(FIRST)).contains(table);
    assertThat(host.translates(FIRST, new Pasid(0))).isFalse();
    assertThat(changes).endsWith(new HardwareChange.Blocked(FIRST, new Pasid(0)));
  }

  @Test
  void resetOfOneFunctionHoldsUpTheGroup() throws Exception {
    HwptId table = paging(ioas);
    HwptId other = paging(ioas);
    first.attach(table);
    try (SimulatedHost.Held reset = host.beginReset(SECOND)) {
      assertThat(reset).isNotNull();
      refused(Errno.EBUSY, () -> first.attach(other));
    }

    first.attach(other);
    assertThat(host.attachment(FIRST)).contains(other);
  }

  @Test
  void faultsThatAreBeingAnsweredEndWithTheirAttachment() {
    FaultQueue faults = iommufd.faultQueueAlloc();
    HwptId table =
        iommufd.hwptAlloc(
            HwptRequest.paging(first.id(), ioas).with(HwptFlag.PASID).withFaults(faults.id()));
    first.attachPasid(P7, table);
    first.attachPasid(new Pasid(8), table);
    host.request(FIRST, new PageRequest(P7, 1, true, PageFault.READ, 0x1000));
    host.request(FIRST, new PageRequest(new Pasid(8), 2, true, PageFault.READ, 0x1000));
    List<PageFault> read = faults.read(2);

    first.detachPasid(P7);

    assertThat(host.takeAnswers(FIRST)).containsExactly(new PageAnswer(P7, 1, 1));
    faults.respond(List.of(new PageResponse(read.getLast().cookie(), PageResponse.SUCCESS)));
    assertThat(host.takeAnswers(FIRST)).containsExactly(new PageAnswer(new Pasid(8), 2, 0));
  }

  @Test
  void virtualFunctionWithPageRequestsTakesNoPageTableWithFaults() {
    PciAddress at = new PciAddress(0, 2, 0, 0);
    host.add(SimulatedDevice.at(at).pasidWidth(8).virtualFunction().pageRequests(true).group(4));
    BoundDevice virtual = iommufd.bind(at);
    FaultQueue faults = iommufd.faultQueueAlloc();
    HwptId table =
        iommufd.hwptAlloc(
            HwptRequest.paging(virtual.id(), ioas).with(HwptFlag.PASID).withFaults(faults.id()));

    refused(Errno.EINVAL, () -> virtual.attach(table));
    virtual.attach(paging(ioas, HwptFlag.PASID));
  }

  @Test
  void allocationOfAnAttachmentMayFail() {
    HwptId table = paging(ioas);
    long before = host.failures().allocations();
    first.attach(table);
    long attached = host.failures().allocations();
    second.attach(table);

    assertThat(attached - before).as("the attachment, and the group's handle").isEqualTo(2);
    assertThat(host.failures().allocations() - attached).as("the attachment").isEqualTo(1);
  }
}
