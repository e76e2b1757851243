package io.vpasid.pci.capability;

import static io.vpasid.pci.capability.Extent.Certainty.EXACT;
import static io.vpasid.pci.capability.Extent.Certainty.LOWER_BOUND;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.testing.Seeds;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// In the tables, registers are written `offset=value`, both hexadecimal, offsets from the
/// capability's first byte and values of 32 bits; `-` is a capability that reads 0 behind its
/// header. Lengths are hexadecimal too.
class ExtentRulesTest {

  private static final FunctionTraits ENDPOINT_X4 = new FunctionTraits(0, 4, false);

  private static final Pattern ASSIGNMENT = Pattern.compile("([0-9a-f]+)=([0-9a-f]{8})");

  @ParameterizedTest(name = "{2}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # id | registers     | what it is                             | length
          00 | -               | null capability                        |  2
          01 | -               | power management                       |  8
          02 | 0=00200002      | AGP 2.0                                |  c
          02 | 0=00300002      | AGP 3.0, a graphics card               |  c
          03 | -               | VPD                                    |  8
          04 | -               | slot identification                    |  4
          05 | 0=00000005      | MSI, 32-bit address                    |  a
          05 | 0=00800005      | MSI, 64-bit address                    |  e
          05 | 0=01000005      | MSI, 32-bit, masks                     | 14
          05 | 0=01800005      | MSI, 64-bit, masks                     | 18
          05 | 0=02000005      | MSI, 32-bit, extended data             |  c
          05 | 0=02800005      | MSI, 64-bit, extended data             | 10
          05 | 0=03000005      | MSI, 32-bit, extended data, masks      | 14
          05 | 0=03800005      | MSI, 64-bit, extended data, masks      | 18
          06 | -               | CompactPCI hot swap                    |  4
          07 | 0=00000007      | PCI-X                                  |  8
          07 | 0=10000007      | PCI-X 2.0, ECC in mode 2               | 18
          07 | 0=20000007      | PCI-X 2.0, ECC in both modes           | 18
          08 | 0=00600008      | HyperTransport slave                   | 1c
          08 | 0=21010008      | HyperTransport host                    | 18
          08 | 0=40000008      | HyperTransport switch                  | 18
          08 | 0=80000008      | HyperTransport interrupt discovery     |  8
          08 | 0=88000008      | HyperTransport revision                |  4
          08 | 0=90000008      | HyperTransport UnitID clumping         |  c
          08 | 0=98000008      | HyperTransport extended config access  |  c
          08 | 0=a0000008      | HyperTransport 40-bit map, no window   |  c
          08 | 0=a0030008      | HyperTransport 40-bit map, 3 windows   | 24
          08 | 0=a2030008      | HyperTransport 64-bit map              | 10
          08 | 0=a8010008      | HyperTransport MSI mapping             |  c
          08 | 0=a8030008      | HyperTransport MSI mapping, fixed      |  4
          08 | 0=b0000008      | HyperTransport direct route            |  c
          08 | 0=b8000008      | HyperTransport VCSet                   | 10
          08 | 0=c0000008      | HyperTransport retry mode              |  c
          09 | 0=00030009      | vendor-specific, the shortest          |  3
          09 | 0=00140009      | vendor-specific, 20 bytes              | 14
          0a | -               | debug port                             |  4
          0c | -               | standard hot-plug controller           |  8
          0d | -               | subsystem IDs                          |  8
          0f | 0=0000000f      | AMD device exclusion vector            |  c
          0f | 0=0003000f      | AMD IOMMU                              | 14
          0f | 0=1003000f      | AMD IOMMU, CapExt                      | 18
          10 | 0=00010010      | PCIe 1, endpoint                       | 14
          10 | 0=00110010      | PCIe 1, legacy endpoint                | 14
          10 | 0=00910010      | PCIe 1, RC integrated endpoint         |  c
          10 | 0=00610010      | PCIe 1, downstream port                | 14
          10 | 0=01610010      | PCIe 1, downstream port with a slot    | 1c
          10 | 0=00410010      | PCIe 1, root port                      | 24
          10 | 0=01410010      | PCIe 1, root port with a slot          | 24
          10 | 0=00a10010      | PCIe 1, event collector                | 24
          10 | 0=00020010      | PCIe 2, endpoint                       | 3c
          10 | 0=00920010      | PCIe 2, RC integrated endpoint         | 3c
          10 | 0=01420010      | PCIe 2, root port                      | 3c
          11 | -               | MSI-X                                  |  c
          12 | 4=00000044      | SATA, registers behind a BAR           |  8
          12 | 4=0000000f      | SATA, registers follow                 | 10
          13 | -               | advanced features                      |  6
          14 | 0=00000014      | EA, no entry                           |  4
          14 | 0=00010014 4=00000002 | EA, one entry of 3 dwords        | 10
          14 | 0=00020014 4=00000004 18=00000002 | EA, 5 and 3 dwords   | 24
          15 | -               | flattening portal bridge               | 24
          """)
  void measuresStandardCapabilities(String id, String registers, String meaning, String length) {
    ConfigSpace config = space(0x40, registers);

    Extent extent =
        ExtentRules.of(config, ENDPOINT_X4, CapabilityId.standard(hex(id)), 0, 0x40, 0x100);

    assertThat(extent.range()).isEqualTo(new ByteRange(0x40, hex(length)));
    assertThat(extent.certainty()).isEqualTo(EXACT);
  }

  @ParameterizedTest(name = "{3}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # id | version | registers | what it is                            | length
          00 | 0 | -                 | null capability                       |   4
          03 | 1 | -                 | device serial number                  |   c
          04 | 1 | -                 | power budgeting                       |  10
          05 | 1 | -                 | RC link declaration, no link          |  10
          05 | 1 | 4=00000300        | RC link declaration, 3 links          |  40
          06 | 1 | -                 | RC internal link control              |   c
          07 | 1 | -                 | event collector, bitmap               |   8
          07 | 2 | -                 | event collector, bitmap and buses     |   c
          0a | 1 | -                 | RCRB header                           |  14
          0b | 1 | 4=00800002        | VSEC, the shortest                    |   8
          0b | 0 | 4=10000002        | VSEC, 256 bytes                       | 100
          0c | 1 | -                 | configuration access correlation      |   8
          0d | 1 | 4=0000005f        | ACS, no egress vector                 |   8
          0d | 1 | 4=0000017f        | ACS, egress vector of 1 bit           |   c
          0d | 1 | 4=0000207f        | ACS, egress vector of 32 bits         |   c
          0d | 1 | 4=0000217f        | ACS, egress vector of 33 bits         |  10
          0d | 1 | 4=0000007f        | ACS, egress vector of 256 bits        |  28
          0e | 1 | -                 | ARI                                   |   8
          0f | 1 | -                 | ATS                                   |   8
          10 | 1 | -                 | SR-IOV                                |  40
          12 | 1 | -                 | multicast, an endpoint                |  28
          13 | 1 | -                 | page request interface                |  10
          15 | 1 | 8=00000020        | resizable BAR, 1                      |   c
          15 | 1 | 8=000000c0        | resizable BAR, 6                      |  34
          16 | 1 | 4=00000000        | DPA, 1 substate                       |  14
          16 | 1 | 4=00000004        | DPA, 5 substates                      |  18
          16 | 1 | 4=0000001f        | DPA, 32 substates                     |  30
          17 | 1 | 4=003f0005        | TPH, no steering table                |   c
          17 | 1 | 4=00000205        | TPH, 1 steering tag                   |  10
          17 | 1 | 4=003f0205        | TPH, 64 steering tags                 |  8c
          17 | 1 | 4=003f0405        | TPH, tags in the MSI-X table          |   c
          18 | 1 | -                 | latency tolerance reporting           |   8
          19 | 1 | -                 | secondary PCIe, x4                    |  14
          1a | 1 | -                 | protocol multiplexing, no protocol    |  10
          1a | 1 | 4=0000003f        | protocol multiplexing, 63 protocols   | 10c
          1b | 1 | -                 | PASID                                 |   8
          1c | 1 | -                 | LN requester                          |   8
          1d | 1 | -                 | DPC                                   |   c
          1d | 1 | 4=00000020        | DPC, RP extensions without a log      |  20
          1d | 1 | 4=00000420        | DPC, RP extensions, header log        |  30
          1d | 1 | 4=00000520        | DPC, RP extensions, ImpSpec log       |  34
          1d | 1 | 4=00000920        | DPC, RP extensions, 4 prefixes        |  44
          1d | 1 | 4=00000f20        | DPC, RP extensions, Flit Mode log     |  5c
          1e | 1 | -                 | L1 PM substates                       |  10
          1e | 2 | -                 | L1 PM substates with status           |  14
          1f | 1 | -                 | precision time measurement            |   c
          20 | 1 | -                 | M-PCIe                                |  1c
          21 | 1 | -                 | FRS queuing                           |  10
          22 | 1 | -                 | readiness time reporting              |   c
          23 | 1 | 4=00a01e98        | DVSEC, the shortest                   |   a
          23 | 1 | 4=03c11e98        | DVSEC, 60 bytes                       |  3c
          24 | 1 | 8=00000040        | VF resizable BAR, 2                   |  14
          25 | 1 | -                 | data link feature                     |   c
          26 | 1 | -                 | physical layer 16 GT/s, x4            |  24
          27 | 1 | -                 | lane margining, x4                    |  18
          28 | 1 | -                 | hierarchy ID                          |  20
          29 | 1 | -                 | enclosure management                  |  10
          2a | 1 | -                 | physical layer 32 GT/s, x4            |  24
          2b | 1 | 4=00000003        | alternate protocol, 3                 |  14
          2b | 1 | 4=00000120        | alternate protocol, 32, selective     |  18
          2b | 1 | 4=00000121        | alternate protocol, 33, selective     |  1c
          2c | 1 | -                 | system firmware intermediary          |  14
          2e | 1 | -                 | data object exchange                  |  18
          2e | 2 | -                 | data object exchange 1.1              |  18
          2f | 1 | -                 | device 3                              |  10
          30 | 1 | 4=00000000        | IDE, no stream                        |   c
          30 | 1 | 4=00002001        | IDE, link streams of 2 classes        |  1c
          30 | 1 | 4=00000002        | IDE, 1 selective stream               |  20
          30 | 1 | 4=00000002 c=00000002 | IDE, 1 with 2 address blocks      |  38
          30 | 1 | 4=00010002 c=00000001 2c=00000003 | IDE, 1 and 3 blocks |  64
          30 | 1 | 4=00000003 14=00000001 | IDE, link and selective stream   |  34
          31 | 1 | -                 | physical layer 64 GT/s, x4            |  24
          32 | 1 | -                 | flit logging                          |  3c
          33 | 1 | -                 | flit performance measurement          |  24
          34 | 1 | -                 | flit error injection                  |  24
          35 | 1 | 4=00000000        | streamlined VC, VC0                   |  20
          35 | 1 | 4=00000007        | streamlined VC, 8 channels            |  74
          36 | 1 | 4=00000008        | register block locator, empty         |   8
          36 | 1 | 4=00000020        | register block locator, 3 blocks      |  20
          37 | 1 | -                 | NOP flit                              |  14
          38 | 1 | -                 | scalable I/O virtualization           |  10
          39 | 1 | -                 | physical layer 128 GT/s, x4           |  14
          """)
  void measuresExtendedCapabilities(
      String id, int version, String registers, String meaning, String length) {
    ConfigSpace config = space(0x200, registers);

    Extent extent =
        ExtentRules.of(config, ENDPOINT_X4, CapabilityId.extended(hex(id)), version, 0x200, 0x1000);

    assertThat(extent.range()).isEqualTo(new ByteRange(0x200, hex(length)));
    assertThat(extent.certainty()).isEqualTo(EXACT);
  }

  @ParameterizedTest(name = "version {0}, port type {1}, prefixes {2}, {3}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # version | port type | prefixes | control | length
          1 |  0 | false | -           | 2c
          1 |  0 | true  | -           | 48
          1 |  4 | false | -           | 38
          1 |  5 | false | -           | 2c
          1 |  7 | false | -           | 4c
          1 |  8 | false | -           | 4c
          2 |  7 | true  | -           | 4c
          3 |  7 | true  | 18=0001c000 | 60
          1 |  9 | false | -           | 2c
          1 | 10 | false | -           | 38
          1 | -1 | false | -           | 38
          2 |  0 | false | -           | 2c
          2 |  0 | true  | -           | 48
          2 |  4 | false | -           | 38
          2 |  4 | true  | -           | 48
          2 |  0 | false | 18=00008000 | 2c
          2 |  4 | false | 18=00008000 | 38
          2 |  0 | true  | 18=00008000 | 48
          3 |  0 | false | 18=00010000 | 48
          3 |  0 | true  | 18=0001c000 | 60
          3 |  4 | true  | 18=0001c000 | 60
          3 |  0 | true  | -           | 60
          """)
  void measuresErrorReportingByItsLogs(
      int version, int portType, boolean prefixes, String registers, String length) {
    ConfigSpace config = space(0x100, registers);
    FunctionTraits traits = new FunctionTraits(portType, 4, prefixes);

    Extent extent = ExtentRules.of(config, traits, CapabilityId.AER, version, 0x100, 0x1000);

    assertThat(extent.range()).isEqualTo(new ByteRange(0x100, hex(length)));
    assertThat(extent.certainty()).isEqualTo(EXACT);
  }

  @ParameterizedTest(name = "{1}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # registers                            | what it is                              | length
          -                                      | VC0, no table                           |  1c
          4=00000001                             | 2 channels                              |  28
          4=00000007                             | 8 channels                              |  70
          8=03000001                             | a fixed scheme needs no table           |  1c
          8=00000002                             | no offset, no table                     |  1c
          4=00000011 8=03000002                  | VC table, 32 phases of 4 bits, at 30    |  40
          4=00000011 8=03000004                  | VC table, 64 phases                     |  50
          4=00000011 8=03000008                  | VC table, 128 phases                    |  70
          4=00000011 8=0300000e                  | the highest scheme counts               |  70
          10=04000002                            | port table, 32 phases of 1 bit, at 40   |  44
          4=00000400 10=04000002                 | port table, phases of 2 bits            |  48
          4=00000c00 10=04000008                 | port table, 128 phases of 8 bits        |  c0
          4=00000800 10=04000010                 | port table, 128 time-based, 4 bits      |  80
          4=00000800 10=04000020                 | port table, 256 phases of 4 bits        |  c0
          4=00000802 10=04000002 28=06000020     | the last table decides                  |  e0
          4=00000812 8=10000008 28=06000020      | the VC table behind the port table      | 140
          """)
  void measuresVirtualChannelsByTheirTables(String registers, String meaning, String length) {
    ConfigSpace config = space(0x100, registers);
    ByteRange expected = new ByteRange(0x100, hex(length));

    assertThat(extent(config, CapabilityId.VIRTUAL_CHANNEL).range()).isEqualTo(expected);
    assertThat(extent(config, CapabilityId.VIRTUAL_CHANNEL_WITH_MFVC).range()).isEqualTo(expected);
    assertThat(extent(config, CapabilityId.MULTI_FUNCTION_VIRTUAL_CHANNEL).range())
        .isEqualTo(expected);
  }

  @ParameterizedTest(name = "{0} at x{1}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # id | lanes | length
          19 |  1 | 10
          19 |  2 | 10
          19 |  8 | 1c
          19 | 16 | 2c
          19 | 32 | 4c
          26 |  1 | 24
          26 | 12 | 2c
          26 | 16 | 30
          27 |  1 |  c
          27 | 16 | 48
          2a |  2 | 24
          2a | 16 | 30
          31 |  1 | 24
          31 | 16 | 30
          39 |  8 | 18
          """)
  void measuresLanesByTheLinkWidth(String id, int lanes, String length) {
    FunctionTraits traits = new FunctionTraits(0, lanes, false);

    Extent extent =
        ExtentRules.of(space(0x300, "-"), traits, CapabilityId.extended(hex(id)), 1, 0x300, 0x1000);

    assertThat(extent.range()).isEqualTo(new ByteRange(0x300, hex(length)));
  }

  @Test
  void takesTheWidestLinkThatLeavesTheNextHeaderAloneIfTheWidthIsNotKnown() {
    CapabilityId id = CapabilityId.PHYSICAL_LAYER_16GT;
    FunctionTraits integrated = new FunctionTraits(9, 0, false);
    ConfigSpace config = space(0x300, "-");

    assertThat(ExtentRules.of(config, integrated, id, 1, 0x300, 0x1000).range())
        .isEqualTo(new ByteRange(0x300, 0x40));
    assertThat(ExtentRules.of(config, integrated, id, 1, 0x300, 0x330).range())
        .isEqualTo(new ByteRange(0x300, 0x30));
    assertThat(ExtentRules.of(config, integrated, id, 1, 0x300, 0x304).range())
        .isEqualTo(new ByteRange(0x300, 0x24));
  }

  @ParameterizedTest
  @CsvSource({"0,28", "9,28", "4,30", "5,30", "6,30", "-1,30"})
  void givesMulticastAnOverlayInPortsAndWhereThePortTypeIsNotKnown(int portType, String length) {
    FunctionTraits traits = new FunctionTraits(portType, 4, false);

    Extent extent =
        ExtentRules.of(space(0x300, "-"), traits, CapabilityId.MULTICAST, 1, 0x300, 0x1000);

    assertThat(extent.range().length()).isEqualTo(hex(length));
  }

  @Test
  void givesBridgesTheirOwnLengths() {
    byte[] bytes = space(0x40, "0=00010014 8=00000002").toByteArray();
    bytes[0x0e] = 1;
    ConfigSpace bridge = ConfigSpace.of(bytes);

    assertThat(ExtentRules.of(bridge, CapabilityId.ENHANCED_ALLOCATION, 0, 0x40, 0x100).range())
        .isEqualTo(new ByteRange(0x40, 0x14));
    assertThat(ExtentRules.of(bridge, CapabilityId.PCI_X, 0, 0x60, 0x100).range())
        .isEqualTo(new ByteRange(0x60, 0x10));
  }

  @Test
  void givesAnAgpTargetItsApertureRegisters() {
    byte[] bytes = space(0x40, "0=00300002").toByteArray();
    bytes[0x0b] = 0x06; // host bridge

    assertThat(ExtentRules.of(ConfigSpace.of(bytes), CapabilityId.AGP, 0, 0x40, 0x100).range())
        .isEqualTo(new ByteRange(0x40, 0x24));
  }

  @Test
  void findsTheTraitsItself() {
    byte[] bytes = space(0x40, "0=00420010 24=00200000").toByteArray();
    bytes[0x06] = 0x10;
    bytes[0x34] = 0x40;

    assertThat(ExtentRules.of(ConfigSpace.of(bytes), CapabilityId.AER, 1, 0x100, 0x1000).range())
        .isEqualTo(new ByteRange(0x100, 0x48));
  }

  @ParameterizedTest(name = "{3}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # id | version | registers | why the length is not known
          11 | 1 | -           | MR-IOV has no public layout
          14 | 1 | -           | reserved for AMD
          3a | 1 | -           | captured data
          3b | 1 | -           | not assigned
          ffff | 15 | -        | not assigned
          1b | 2 | -           | a newer version of a fixed one
          01 | 4 | -           | a newer version of a computed one
          0b | 1 | 4=00700000  | VSEC length inside the header
          0b | 1 | 4=00000000  | VSEC length 0
          23 | 1 | 4=00900000  | DVSEC length inside the header
          36 | 1 | 4=00000007  | locator length inside the header
          15 | 1 | 8=00000000  | no resizable BAR
          15 | 1 | 8=000000e0  | 7 resizable BARs
          17 | 1 | 4=00400200  | 65 steering tags
          """)
  void reachesUpToTheLimitIfTheLengthIsNotKnown(
      String id, int version, String registers, String meaning) {
    ConfigSpace config = space(0x200, registers);

    Extent extent =
        ExtentRules.of(config, ENDPOINT_X4, CapabilityId.extended(hex(id)), version, 0x200, 0x2a0);

    assertThat(extent.range()).isEqualTo(ByteRange.between(0x200, 0x2a0));
    assertThat(extent.certainty()).isEqualTo(LOWER_BOUND);
    assertThat(extent.isLowerBound()).isTrue();
  }

  @ParameterizedTest(name = "{2}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # id | registers | why the length is not known
          08 | 0=d0000008  | HyperTransport link generation 3
          08 | 0=a4000008  | HyperTransport address map of an unknown kind
          09 | 0=00020009  | vendor-specific length inside the header
          0b | -           | CompactPCI resource control
          0e | -           | AGP 8x bridge
          0f | 0=0001000f  | secure device of an unknown kind
          10 | 0=00030010  | PCI Express version 3
          16 | -           | not assigned
          fe | -           | not assigned
          """)
  void reachesUpToTheLimitInTheStandardListToo(String id, String registers, String meaning) {
    ConfigSpace config = space(0x40, registers);

    Extent extent =
        ExtentRules.of(config, ENDPOINT_X4, CapabilityId.standard(hex(id)), 0, 0x40, 0x90);

    assertThat(extent.range()).isEqualTo(ByteRange.between(0x40, 0x90));
    assertThat(extent.certainty()).isEqualTo(LOWER_BOUND);
  }

  @Test
  void keepsWhatIsKnownOfANewerVersionEvenBehindTheLimit() {
    Extent extent =
        ExtentRules.of(space(0x200, "-"), ENDPOINT_X4, CapabilityId.SR_IOV, 2, 0x200, 0x210);

    assertThat(extent.range()).isEqualTo(new ByteRange(0x200, 0x40));
    assertThat(extent.certainty()).isEqualTo(LOWER_BOUND);
  }

  @Test
  void doesNotLetTheLimitShortenAKnownLength() {
    Extent extent =
        ExtentRules.of(space(0x200, "-"), ENDPOINT_X4, CapabilityId.SR_IOV, 1, 0x200, 0x210);

    assertThat(extent.range()).isEqualTo(new ByteRange(0x200, 0x40));
    assertThat(extent.certainty()).isEqualTo(EXACT);
  }

  @Test
  void namesTheSource() {
    ConfigSpace config = space(0x200, "-");

    assertThat(extent(config, CapabilityId.PASID).rule()).isEqualTo("PCIe 7.0 §7.8.9");
    assertThat(extent(config, CapabilityId.extended(0x3b)).rule())
        .isEqualTo("id not assigned; not known how far, up to the next known structure");
    assertThat(ExtentRules.of(config, CapabilityId.PASID, 1, 0xffc, 0x1000).rule())
        .isEqualTo("PCIe 7.0 §7.8.9; cut at the end of the space");
  }

  @ParameterizedTest
  @ValueSource(ints = {0xf4, 0xf8, 0xfc})
  void cutsAStandardCapabilityAtTheEndOfItsSpace(int offset) {
    byte[] bytes = new byte[4096];
    bytes[offset + 2] = 0x02;

    Extent extent =
        ExtentRules.of(ConfigSpace.of(bytes), CapabilityId.PCI_EXPRESS, 0, offset, 0x100);

    assertThat(extent.range()).isEqualTo(ByteRange.between(offset, 0x100));
    assertThat(extent.rule()).endsWith("; cut at the end of the space");
  }

  static LongStream seeds() {
    return Seeds.all(4);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void staysInsideTheSpaceWhateverTheBytesAre(long seed) {
    byte[] random = new byte[4096];
    new Random(seed).nextBytes(random);

    assertThat(extentsOutside(ConfigSpace.of(random))).isEmpty();
    assertThat(extentsOutside(ConfigSpace.of(Arrays.copyOf(random, 256)))).isEmpty();
  }

  @Test
  void staysInsideTheSpaceIfAllRegistersAreAllOnesOrZero() {
    byte[] ones = new byte[4096];
    Arrays.fill(ones, (byte) 0xff);

    assertThat(extentsOutside(ConfigSpace.of(ones))).isEmpty();
    assertThat(extentsOutside(ConfigSpace.of(Arrays.copyOf(ones, 256)))).isEmpty();
    assertThat(extentsOutside(ConfigSpace.of(new byte[4096]))).isEmpty();
  }

  /// Every id, versions up to one that no rule knows, at every offset: the extents that are empty
  /// or leave their space.
  private static List<Extent> extentsOutside(ConfigSpace config) {
    ByteRange standard = new ByteRange(0x40, 0xc0);
    ByteRange extended = new ByteRange(0x100, 0xf00);
    List<Extent> outside = new ArrayList<>();
    for (int offset = 0x40; offset < 0x100; offset += 4) {
      for (int value = 0; value <= 0xff; value++) {
        Extent e = ExtentRules.of(config, CapabilityId.standard(value), 0, offset, 0x100);
        if (e.range().isEmpty() || !standard.contains(e.range())) {
          outside.add(e);
        }
      }
    }
    for (int offset = 0x100; offset < config.size(); offset += 4) {
      for (int value = 0; value <= 0x40; value++) {
        for (int version = 0; version <= 4; version++) {
          CapabilityId id = CapabilityId.extended(value);
          Extent e = ExtentRules.of(config, id, version, offset, 0x1000);
          if (e.range().isEmpty() || !extended.contains(e.range())) {
            outside.add(e);
          }
        }
      }
    }
    return outside;
  }

  private static Extent extent(ConfigSpace config, CapabilityId id) {
    return ExtentRules.of(config, ENDPOINT_X4, id, 1, 0x100, 0x1000);
  }

  private static ConfigSpace space(int offset, String registers) {
    ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    ASSIGNMENT
        .matcher(registers)
        .results()
        .forEach(
            m -> bytes.putInt(offset + hex(m.group(1)), Integer.parseUnsignedInt(m.group(2), 16)));
    return ConfigSpace.of(bytes.array());
  }

  private static int hex(String digits) {
    return Integer.parseInt(digits, 16);
  }

  /// Registers in the last bytes of a space are read, and what ends with it is not cut.
  @Test
  void registersThatEndWithTheSpaceCount() {
    ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0xfc, 0x00410010); // PCI Express 1.0, root port
    bytes.putInt(0xff8, 0x0001000b).putInt(0xffc, 0x00800000); // VSEC of 8 bytes
    ConfigSpace config = ConfigSpace.of(bytes.array());

    Extent vsec = ExtentRules.of(config, CapabilityId.VENDOR_SPECIFIC_EXTENDED, 1, 0xff8, 0x1000);
    assertThat(vsec.range()).isEqualTo(new ByteRange(0xff8, 8));
    assertThat(vsec.certainty()).isEqualTo(EXACT);
    assertThat(vsec.rule()).doesNotContain("cut");
    Extent cut = ExtentRules.of(config, CapabilityId.PCI_EXPRESS, 0, 0xfc, 0x100);
    assertThat(cut.range()).isEqualTo(new ByteRange(0xfc, 4));
    assertThat(cut.rule()).endsWith("; cut at the end of the space");
    bytes.putInt(0xfc, 0x00430010);
    assertThat(
            ExtentRules.of(ConfigSpace.of(bytes.array()), CapabilityId.PCI_EXPRESS, 0, 0xfc, 0x100)
                .certainty())
        .isEqualTo(LOWER_BOUND);
  }
}
