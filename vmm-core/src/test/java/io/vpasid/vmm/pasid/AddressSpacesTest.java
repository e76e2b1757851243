package io.vpasid.vmm.pasid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.HwptId;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AddressSpacesTest {
  private static final PciAddress DSA = new PciAddress(0, 0x6a, 1, 0);
  private static final PciAddress NIC = new PciAddress(0, 0x17, 0, 1);

  private final AddressSpaces spaces = new AddressSpaces(3);

  @Test
  void handlesCountUpFromOne() {
    assertThat(handleOf("shell")).isEqualTo(1);
    assertThat(handleOf("trainer")).isEqualTo(2);
    assertThat(spaces.all()).extracting(AddressSpace::name).containsExactly("shell", "trainer");
  }

  @Test
  void handleOfARemovedAddressSpaceIsNeverGivenAgain() {
    handleOf("shell");
    spaces.remove(1);

    assertThat(handleOf("shell")).isEqualTo(2);
    assertThat(spaces.find(1)).isEmpty();
  }

  @Test
  void nameIsUsedOnce() {
    handleOf("shell");

    assertThat(spaces.add("shell")).isEmpty();
  }

  @Test
  void tableHasALimit() {
    handleOf("a");
    handleOf("b");
    handleOf("c");

    assertThat(spaces.add("d")).isEmpty();
    spaces.remove(2);
    assertThat(spaces.add("d")).isPresent();
  }

  @Test
  void limitIsAtLeastOne() {
    assertThatIllegalArgumentException().isThrownBy(() -> new AddressSpaces(0));
    assertThat(new AddressSpaces(1).limit()).isEqualTo(1);
    assertThat(new AddressSpaces().limit()).isEqualTo(AddressSpaces.DEFAULT_LIMIT);
  }

  @Test
  void functionReachesOnlyWhatWasGrantedToIt() {
    int handle = handleOf("shell");
    spaces.grant(handle, DSA, new HwptId(3));

    assertThat(spaces.pageTable(handle, DSA)).contains(new HwptId(3));
    assertThat(spaces.pageTable(handle, NIC)).isEmpty();
    assertThat(spaces.pageTable(handle + 1, DSA)).isEmpty();
    assertThat(spaces.pageTable(3, DSA)).as("the kernel's number is no handle").isEmpty();
  }

  @Test
  void grantGivesTheAddressSpaceAsItIsNow() {
    int handle = handleOf("shell");

    AddressSpace granted = spaces.grant(handle, DSA, new HwptId(3)).orElseThrow();

    assertThat(granted.pageTables()).containsExactly(Map.entry(DSA, new HwptId(3)));
    assertThat(spaces.find(handle)).contains(granted);
    assertThat(spaces.find("shell")).contains(granted);
  }

  @Test
  void handleThatTheCallerGivesOutIsTakenOnceAndCountedOnFrom() {
    assertThat(spaces.add("shell", 1)).isPresent();
    assertThat(spaces.add("trainer", 1)).isEmpty();
    assertThat(spaces.add("trainer", 0)).isEmpty();
    assertThat(spaces.add("trainer", 7)).isPresent();
    spaces.remove(1);
    assertThat(spaces.add("judge", 3)).isPresent();

    spaces.remove(3);
    assertThat(handleOf("player")).isEqualTo(8);
  }

  @Test
  void handlesEndWithTheNumbers() {
    assertThat(spaces.add("last", Integer.MAX_VALUE)).isPresent();

    assertThat(spaces.add("one more")).isEmpty();
  }

  @Test
  void eachFunctionHasItsOwnPageTable() {
    int handle = handleOf("shell");
    spaces.grant(handle, DSA, new HwptId(3));
    spaces.grant(handle, NIC, new HwptId(4));

    assertThat(spaces.pageTable(handle, NIC)).contains(new HwptId(4));
    assertThat(spaces.find(NIC, new HwptId(4))).map(AddressSpace::name).contains("shell");
    assertThat(spaces.find(DSA, new HwptId(4))).isEmpty();
  }

  @Test
  void revokedGrantIsGone() {
    int handle = handleOf("shell");
    spaces.grant(handle, DSA, new HwptId(3));

    assertThat(spaces.revoke(handle, DSA)).contains(new HwptId(3));
    assertThat(spaces.revoke(handle, DSA)).isEmpty();
    assertThat(spaces.revoke(handle + 1, DSA)).isEmpty();
    assertThat(spaces.pageTable(handle, DSA)).isEmpty();
  }

  @Test
  void nothingIsGrantedOfAnAddressSpaceThatIsNotThere() {
    assertThat(spaces.grant(1, DSA, new HwptId(3))).isEmpty();
    assertThat(spaces.all()).isEmpty();
  }

  @Test
  void removedAddressSpaceTakesItsGrantsAlong() {
    int handle = handleOf("shell");
    spaces.grant(handle, DSA, new HwptId(3));

    assertThat(spaces.remove(handle).orElseThrow().pageTables()).containsKey(DSA);
    assertThat(spaces.pageTable(handle, DSA)).isEmpty();
    assertThat(spaces.remove(handle)).isEmpty();
  }

  private int handleOf(String name) {
    return spaces.add(name).orElseThrow().handle();
  }
}
