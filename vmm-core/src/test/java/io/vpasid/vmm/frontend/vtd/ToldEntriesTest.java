package io.vpasid.vmm.frontend.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.frontend.vtd.ToldEntries.Known;
import org.junit.jupiter.api.Test;

class ToldEntriesTest {
  private static final SourceId FUNCTION = SourceId.of(new PciAddress(0, 0, 4, 0));
  private static final int PASID = 7;
  private static final long[] ENTRY = {0x41, 0x80_0002, 0x8000};

  private final ToldEntries told = new ToldEntries(FUNCTION);
  private final Known known =
      new Known(
          Requester.of(FUNCTION, PASID), ENTRY, true, false, new Translation.PassThrough(3, false));

  @Test
  void entryThatComesBackAsItWasIsKnown() {
    told.put(known);
    told.remove(PASID);

    assertThat(told.get(PASID)).isNull();
    assertThat(told.back(PASID, ENTRY, true, false)).isSameAs(known);
  }

  @Test
  void entryThatComesBackInAnyOtherWayIsNot() {
    told.put(known);
    told.remove(PASID);

    assertThat(told.back(PASID + 1, ENTRY, true, false)).isNull();
    assertThat(told.back(PASID, new long[] {0x41, 0x80_0002, 0x9000}, true, false)).isNull();
    assertThat(told.back(PASID, ENTRY, false, false)).isNull();
    assertThat(told.back(PASID, ENTRY, true, true)).isNull();
  }

  /// A scan follows whatever changes how entries are read.
  @Test
  void entryThatWentBeforeAScanIsNot() {
    told.put(known);
    told.remove(PASID);
    told.beginScan();

    assertThat(told.back(PASID, ENTRY, true, false)).isNull();
  }
}
