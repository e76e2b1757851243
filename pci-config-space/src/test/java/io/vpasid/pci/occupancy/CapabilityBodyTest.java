package io.vpasid.pci.occupancy;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.occupancy.CapabilityBody.Likeness;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Registers of a capability as devices have them, and with a field that the specification does not
/// allow. A row gives the dwords from offset 4 on, and the dwords by offset that spoil them.
class CapabilityBodyTest {
  private final ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

  CapabilityBodyTest() {
    bytes.putInt(0x00, 0x0001f00d);
    bytes.putInt(0x08, 0x12000000);
  }

  private static int hex(String number) {
    return Integer.parseUnsignedInt(number, 16);
  }

  private static Stream<String> words(String text) {
    return Arrays.stream(text.split(" ")).filter(word -> !word.isEmpty());
  }

  private void put(int offset, String dwords) {
    int[] values = words(dwords).mapToInt(CapabilityBodyTest::hex).toArray();
    for (int i = 0; i < values.length; i++) {
      bytes.putInt(offset + 4 * i, values[i]);
    }
  }

  private Likeness extended(String id, int offset) {
    return CapabilityBody.extended(
        ConfigSpace.of(bytes.array()), CapabilityId.extended(hex(id)), offset);
  }

  private Likeness standard(String id, int offset, boolean express) {
    return CapabilityBody.standard(
        ConfigSpace.of(bytes.array()), CapabilityId.standard(hex(id)), offset, express);
  }

  @ParameterizedTest
  @CsvSource({
    "DISTINCT,  01, 0 0 62030 0 2000,              0c=62020 0c=62032 14=2002",
    "DISTINCT,  02, 0 0 0 0 800000ff,              14=810000ff 14=ff 14=800000fe 04=8",
    "DISTINCT,  08, 0 0 0 0 800000ff,              14=0",
    "DISTINCT,  09, 0 0 0 0 800000ff,              04=80",
    "PLAUSIBLE, 03, 12345678 9abcdef0,             ''",
    "PLAUSIBLE, 04, ff 1fffff 1,                   04=100 08=200000 0c=2",
    "DISTINCT,  05, 10202 0 0 1 0 fed19000 0 1 0 8,10=0 18=0 20=0 28=0 08=1 04=10212 04=10002",
    "DISTINCT,  0b, 1040002,                       04=1050002 04=1000000 04=1200002 04=400002",
    "PLAUSIBLE, 0b, c00002,                        04=e00002 04=e0002",
    "PLAUSIBLE, 0b, 800002,                        04=400002",
    "PLAUSIBLE, 0d, 1f005f,                        04=80 04=800000",
    "PLAUSIBLE, 0e, 100,                           04=104 04=80000",
    "PLAUSIBLE, 0f, 80050060,                      04=100 04=200000",
    "DISTINCT,  10, 6 0 100010 0 0 10000 573 1,    18=0 18=10001 1c=572 20=3 20=0 20=4 0c=100011",
    "PLAUSIBLE, 12, 0,                             ''",
    "PLAUSIBLE, 13, 81030003,                      04=4 04=40000",
    "PLAUSIBLE, 15, 1c00 822,                      04=0 04=1c01",
    "PLAUSIBLE, 24, 1c00 822,                      04=0 04=1c01",
    "DISTINCT,  16, 0 0 1f011f,                    0c=0 0c=120",
    "DISTINCT,  17, 7ff0707,                       04=706 04=9",
    "PLAUSIBLE, 18, 10031003,                      04=2000 04=80000000",
    "PLAUSIBLE, 19, fe03,                          04=4 04=10000",
    "PLAUSIBLE, 1b, 71406,                         04=1407 04=80000",
    "PLAUSIBLE, 1d, 0,                             ''",
    "DISTINCT,  1e, 28321f,                        04=283210 04=28001f 04=2c321f",
    "PLAUSIBLE, 1f, ff0f ff03,                     04=10 08=4",
    "PLAUSIBLE, 22, 80ffffff ffffff,               04=81000000 08=1000000",
    "DISTINCT,  23, c01e98,                        04=c01e99",
    "DISTINCT,  23, c0f00d,                        04=c0f00e",
    "PLAUSIBLE, 25, 80000001 80000001,             04=800000 08=800000",
    "NONE,      1c, 0,                             ''",
  })
  void extendedRegistersAreToldByTheirFields(
      Likeness likeness, String id, String registers, String spoilt) {
    put(0x204, registers);
    Likeness intact = extended(id, 0x200);

    assertThat(intact).isEqualTo(likeness);
    assertThat(words(spoilt))
        .allSatisfy(register -> {
          put(0x204, registers);
          put(0x200 + hex(register.substring(0, 2)), register.substring(3));
          assertThat(extended(id, 0x200)).isEqualTo(Likeness.NONE);
        });
  }

  @ParameterizedTest
  @CsvSource({
    "PLAUSIBLE, 01, 10001,               80=1 80=40001",
    "PLAUSIBLE, 01, 30001,               80=40001",
    "DISTINCT,  03, 3 0,                 80=10003 84=1",
    "DISTINCT,  05, 800005 0,            80=8800005 80=8c0005 80=900005 84=1 84=2",
    "PLAUSIBLE, 05, 810005 0,            80=910005",
    "PLAUSIBLE, 05, 800005 fee00000,     80=8800005",
    "PLAUSIBLE, 05, 5 0,                 80=100005",
    "PLAUSIBLE, 05, 5a0005 0,            80=6a0005 80=5c0005",
    "PLAUSIBLE, 10, 10010,               80=10 80=30010 80=220010 80=b20010 80=40010010",
    "PLAUSIBLE, 10, 120010,              80=320010",
    "PLAUSIBLE, 10, 420010,              80=320010",
    "PLAUSIBLE, 10, a20010,              80=b20010",
    "PLAUSIBLE, 11, c7ff0011 2005 3005,  80=8000011 84=2006 84=2007",
    "NONE,      09, 0,                   ''",
  })
  void standardRegistersAreToldByTheirFields(
      Likeness likeness, String id, String registers, String spoilt) {
    put(0x80, registers);
    Likeness intact = standard(id, 0x80, true);

    assertThat(intact).isEqualTo(likeness);
    assertThat(words(spoilt))
        .allSatisfy(register -> {
          put(0x80, registers);
          put(hex(register.substring(0, 2)), register.substring(3));
          assertThat(standard(id, 0x80, true)).isEqualTo(Likeness.NONE);
        });
  }

  @Test
  void unusedVpdAndMsiTellLittleOfBridgesAndConventionalFunctions() {
    put(0x80, "3 0 800005 0");
    assertThat(standard("03", 0x80, false)).isEqualTo(Likeness.PLAUSIBLE);
    assertThat(standard("05", 0x88, false)).isEqualTo(Likeness.DISTINCT);

    bytes.putInt(0x08, 0x06040000);
    assertThat(standard("03", 0x80, true)).isEqualTo(Likeness.PLAUSIBLE);
    assertThat(standard("05", 0x88, true)).isEqualTo(Likeness.PLAUSIBLE);

    bytes.putInt(0x08, 0x12000000);
    bytes.put(0x0e, (byte) 1);
    assertThat(standard("03", 0x80, true)).isEqualTo(Likeness.PLAUSIBLE);
  }

  @Test
  void registersBehindTheEndAreThoseOfNoCapability() {
    put(0xf4, "11 0 11 0");
    assertThat(standard("11", 0xf4, true)).isEqualTo(Likeness.PLAUSIBLE);
    assertThat(standard("11", 0xfc, true)).isEqualTo(Likeness.NONE);

    assertThat(extended("18", 0xff8)).isEqualTo(Likeness.PLAUSIBLE);
    assertThat(extended("18", 0xffc)).isEqualTo(Likeness.NONE);
  }
}
