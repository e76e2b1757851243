package io.vpasid.pci.emulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The rows of the register tables, in tables of their own for a capability of 0x20 bytes at 0x100
/// of an endpoint.
class RegisterTableTest {
  private final ConfigSpace captured =
      Capture.endpoint()
          .u32(0xfc, 0x1234)
          .extended(0x100, 0x0b, 1)
          .u32(0x104, 0x02000001)
          .u32(0x108, 0x89abcdef)
          .u32(0x10c, 0x5)
          .extended(0x120, 0x0f, 1)
          .config();
  private final EmulatedFunction function =
      EmulatedFunction.of(captured, CapabilityChain.walk(captured), false, List.of(), List.of());
  private final RegisterBlock block =
      RegisterBlock.of(
          function, function.find(CapabilityId.VENDOR_SPECIFIC_EXTENDED).orElseThrow());

  private List<ConfigPatch> patches(RegisterTable table) {
    RegisterImage image = new RegisterImage();
    image.add(block, table);
    return image.patches();
  }

  private List<ConfigPatch> patches(Field... fields) {
    return patches(RegisterTable.table("a source", Register.register(0x08, "a register", fields)));
  }

  private boolean holds(Condition condition) {
    return condition.holds(block);
  }

  @Test
  void attributeSaysWhatSoftwareMayDo() {
    assertThat(patches(Field.ro(7, 0, "a"), Field.ro(8, "b")))
        .containsExactly(new ConfigPatch(0x108, -1, 0x89abcdef, 0, 0));
    assertThat(patches(Field.status(15, 8, "a"), Field.status(0, "b")))
        .containsExactly(new ConfigPatch(0x108, -1, 0x89ab00ee, 0, 0));
    assertThat(patches(Field.rw(15, 8, "a"), Field.rw(0, "b")))
        .containsExactly(new ConfigPatch(0x108, -1, 0x89ab00ee, 0xff01, 0));
    assertThat(patches(Field.rws(15, 8, "a"), Field.rws(0, "b")))
        .containsExactly(new ConfigPatch(0x108, -1, 0x89ab00ee, 0xff01, 0, 0xff01));
    assertThat(patches(Field.rw1c(0, "a")))
        .containsExactly(new ConfigPatch(0x108, -1, 0x89abcdee, 0, 1));
    assertThat(patches(Field.rw1cs(15, 8, "a"), Field.rw1cs(0, "b")))
        .containsExactly(new ConfigPatch(0x108, -1, 0x89ab00ee, 0, 0xff01, 0xff01));
    assertThat(patches(Field.reset(0, "a")))
        .containsExactly(new ConfigPatch(0x108, -1, 0x89abcdee, 1, 0));
  }

  @Test
  void fieldStartsAndIsKeptAsItsRowSays() {
    assertThat(patches(Field.rw(7, 4, "a").initially(0xa).keptByReset()))
        .containsExactly(new ConfigPatch(0x108, -1, 0x89abcdaf, 0xf0, 0, 0xf0));
    assertThat(patches(Field.rw(7, 4, "a").initiallyAsCaptured()))
        .containsExactly(new ConfigPatch(0x108, -1, 0x89abcdef, 0xf0, 0));
    assertThat(patches(Field.rw(7, 4, "a").initially((at, was) -> was ^ at.bits(0x0c, 3, 0))))
        .containsExactly(new ConfigPatch(0x108, -1, 0x89abcdbf, 0xf0, 0));
  }

  @Test
  void fieldThatTheFunctionLacksIsZeroUnlessItIsReadOnly() {
    Condition never = Conditions.ALWAYS.negate();

    assertThat(patches(Field.rw(7, 0, "a").when(never)))
        .containsExactly(new ConfigPatch(0x108, -1, 0x89abcd00, 0, 0));
    assertThat(patches(Field.ro(7, 0, "a").when(never)))
        .containsExactly(new ConfigPatch(0x108, -1, 0x89abcdef, 0, 0));
    assertThat(patches(Field.rw(7, 0, "a").when(Conditions.ALWAYS).when(never)))
        .containsExactly(new ConfigPatch(0x108, -1, 0x89abcd00, 0, 0));
  }

  @Test
  void conditionsAskTheCapabilityAndItsNeighbours() {
    Condition yes = Condition.bit(0x0c, 2);
    Condition no = Condition.bit(0x0c, 1);

    assertThat(holds(yes)).isTrue();
    assertThat(holds(no)).isFalse();
    assertThat(holds(no.negate())).isTrue();
    assertThat(holds(yes.and(no))).isFalse();
    assertThat(holds(no.and(yes))).isFalse();
    assertThat(holds(yes.and(yes))).isTrue();
    assertThat(holds(yes.or(no))).isTrue();
    assertThat(holds(no.or(yes))).isTrue();
    assertThat(holds(no.or(no))).isFalse();
    assertThat(holds(Condition.any(0x0c, 3, 0))).isTrue();
    assertThat(holds(Condition.any(0x0c, 7, 3))).isFalse();
    assertThat(holds(Condition.has(CapabilityId.ATS))).isTrue();
    assertThat(holds(Condition.has(CapabilityId.PRI))).isFalse();
    assertThat(holds(Condition.other(CapabilityId.ATS, Condition.bit(0x00, 16)))).isTrue();
    assertThat(holds(Condition.other(CapabilityId.ATS, Condition.bit(0x00, 17)))).isFalse();
    assertThat(holds(Condition.other(CapabilityId.PRI, Conditions.ALWAYS))).isFalse();
  }

  @Test
  void rowsAreServedInTheirOrderIfTheFunctionHasThem() {
    Register word = Register.register(0x0a, "a word", Field.rw(15, 0, "a"));

    assertThat(patches(RegisterTable.table("a source", word)))
        .containsExactly(new ConfigPatch(0x108, -1, 0x0000cdef, 0xffff0000, 0));
    assertThat(patches(RegisterTable.table("a source", word.when(Conditions.BRIDGE)))).isEmpty();
    assertThat(patches(RegisterTable.table("a source").array(at -> at.bits(0x0c, 3, 0), 4, word)))
        .extracting(ConfigPatch::offset)
        .containsExactly(0x108, 0x10c, 0x110, 0x114, 0x118);
    assertThat(
            patches(RegisterTable.table("a source", word).computed(_ -> List.of(word.shifted(8)))))
        .extracting(ConfigPatch::offset)
        .containsExactly(0x108, 0x110);
  }

  @Test
  void registerBehindTheEndOfItsCapabilityIsNotServed() {
    Register last = Register.register(0x1c, "the last", Field.rw(31, 0, "a"));

    assertThat(patches(RegisterTable.table("a source", last, last.shifted(4))))
        .extracting(ConfigPatch::offset)
        .containsExactly(0x11c);
  }

  @Test
  void ruleDecidesItsFieldsAndAResetIsItsOwn() {
    Register ruled =
        Register.register(0x08, "a register", Field.rw(7, 0, "a"))
            .rule(at -> (before, _) -> before + at.bits(0x0c, 3, 0))
            .resetWhen(at -> (_, proposed) -> (proposed & 0xff) == at.bits(0x0c, 3, 0));
    int[] resets = {0};
    RegisterImage image = new RegisterImage();
    image.add(block, RegisterTable.table("a source", ruled.when(Conditions.ALWAYS)));
    GuestConfigSpace.Builder builder =
        GuestConfigSpace.over(DeviceConfig.readOnly(captured)).patch(image.patches());
    image.rules().forEach(rules -> rules.bindTo(builder));
    GuestConfigSpace guest = builder.onReset(() -> resets[0]++).build();

    guest.write(0x108, 1, 0x99);
    guest.write(0x108, 1, 0x99);
    assertThat(guest.read(0x108, 4)).isEqualTo(0x89abcd0a);
    assertThat(resets[0]).isZero();
    guest.write(0x108, 1, 0x05);
    assertThat(guest.read(0x108, 4)).isEqualTo(0x89abcd00);
    assertThat(resets[0]).isEqualTo(1);
  }

  @Test
  void registersBehindTheSpaceReadZero() {
    RegisterBlock last = new RegisterBlock(function, ByteRange.between(0xffc, 0x1000), 1);

    assertThat(last.dword(0x00)).isZero();
    assertThat(last.dword(0x04)).isZero();
    assertThat(block.dword(0x08)).isEqualTo(0x89abcdef);
    assertThat(block.bits(0x08, 31, 28)).isEqualTo(8);
  }
}
