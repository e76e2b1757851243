package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.testing.Captures;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class QuirkDraftTest {
  private static final PciAddress ADDRESS = new PciAddress(0, 0x3b, 0, 0);

  /// 1234:0015 with power management at 0x40 and AER version 1 at 0x100, and these dwords.
  private static HostFunction capture(String source, int... offsetsAndValues) {
    int[] device = {
      0x00, 0x00151234, 0x04, 0x00100000, 0x34, 0x40, 0x40, 0x00030001, 0x100, 0x00010001
    };
    int[] all = IntStream.concat(Arrays.stream(device), Arrays.stream(offsetsAndValues)).toArray();
    return new HostFunction(ADDRESS, "", QuirkFiles.space(all), source, 7);
  }

  private static List<HiddenBits> proposals(HostFunction... captures) {
    return proposals(QuirkTable.empty(), 0, captures);
  }

  private static List<HiddenBits> proposals(QuirkTable known, int join, HostFunction... captures) {
    return QuirkDraft.of(List.of(captures), known, join, PciNames.none()).stream()
        .flatMap(quirk -> quirk.effects().hiddenBits().stream())
        .toList();
  }

  @Test
  void aFunctionWithNothingOutsideItsCapabilitiesNeedsNoQuirk() {
    assertThat(QuirkDraft.of(List.of(capture("a")), QuirkTable.empty(), 0, PciNames.none()))
        .isEmpty();
  }

  @Test
  void dwordsThatAreNot0AreProposed() {
    assertThat(proposals(capture("a", 0x50, 1, 0x708, 2, 0x70c, 0x03000000, 0xffc, 4)))
        .extracting(h -> h.range().toString(), HiddenBits::what, HiddenBits::evidence)
        .containsExactly(
            tuple("0x050-0x053", "not 0 in 1 of 1 dump", Evidence.OBSERVED),
            tuple("0x708-0x70f", "not 0 in 1 of 1 dump", Evidence.OBSERVED),
            tuple("0xffc-0xfff", "not 0 in 1 of 1 dump", Evidence.OBSERVED));
  }

  @Test
  void severalCapturesSayHowSureItIs() {
    HostFunction first = capture("a", 0x708, 1, 0x70c, 1, 0x710, 7, 0x800, 1, 0x900, 1);
    HostFunction second = capture("b", 0x708, 2, 0x710, 7, 0x900, 1);

    assertThat(proposals(first, second))
        .extracting(h -> h.range().toString(), HiddenBits::what)
        .containsExactly(
            tuple("0x708-0x713", "3 of 3 dwords are not 0 in some of 2 dumps, some differ"),
            tuple("0x800-0x803", "not 0 in 1 of 2 dumps, differs between them"),
            tuple("0x900-0x903", "not 0 in 2 of 2 dumps"));
  }

  @Test
  void registersThatAreNearEachOtherAreOneBlock() {
    HostFunction capture = capture("a", 0x708, 1, 0x718, 1, 0x75c, 1);

    assertThat(proposals(QuirkTable.empty(), 12, capture))
        .extracting(h -> h.range().toString(), HiddenBits::what)
        .containsExactly(
            tuple("0x708-0x71b", "2 of 5 dwords are not 0 in 1 dump"),
            tuple("0x75c-0x75f", "not 0 in 1 of 1 dump"));
    assertThat(proposals(QuirkTable.empty(), 8, capture)).hasSize(3);
    assertThat(proposals(QuirkTable.empty(), 64, capture)).hasSize(1);
  }

  @Test
  void aBlockDoesNotReachAcrossACapability() {
    assertThat(proposals(QuirkTable.empty(), 512, capture("a", 0xf8, 1, 0x200, 1)))
        .extracting(h -> h.range().toString())
        .containsExactly("0x0f8-0x0fb", "0x200-0x203");
  }

  @Test
  void registersThatQuirksNameAreLeftOut() {
    QuirkTable known =
        QuirkTable.empty()
            .with(
                List.of(
                    QuirkFiles.quirk(
                        "known",
                        "\"vendor\": \"0x1234\"",
                        "\"available\": \"0x800-0x80f\","
                            + " \"hidden\": { \"offset\": \"0x708\", \"length\": 4, \"what\": \"w\" }")));

    assertThat(proposals(known, 64, capture("a", 0x708, 1, 0x70c, 1, 0x800, 1)))
        .extracting(h -> h.range().toString())
        .containsExactly("0x70c-0x70f");
  }

  @Test
  void aRegisterThatACapabilityDescribesInAnyCaptureIsNotProposed() {
    HostFunction without = capture("a", 0x100, 0, 0x110, 1);
    HostFunction with = capture("b");

    assertThat(proposals(without)).hasSize(1);
    assertThat(proposals(without, with)).isEmpty();
  }

  @Test
  void anExtendedSpaceThatCannotBeReachedSaysNothing() {
    byte[] unreachable = capture("a", 0x50, 1).config().toByteArray();
    Arrays.fill(unreachable, 0x100, 0x1000, (byte) 0xff);

    assertThat(proposals(new HostFunction(ADDRESS, "", ConfigSpace.of(unreachable))))
        .extracting(h -> h.range().toString())
        .containsExactly("0x050-0x053");
  }

  @Test
  void aDeviceThatIsGoneSaysNothing() {
    byte[] ones = new byte[4096];
    Arrays.fill(ones, (byte) 0xff);

    assertThat(proposals(new HostFunction(ADDRESS, "", ConfigSpace.of(ones)))).isEmpty();
  }

  @Test
  void aDraftNamesItsDeviceAndItsCaptures() {
    Quirk draft =
        QuirkDraft.of(
                List.of(capture("one.txt", 0x708, 1), capture("two.txt", 0x708, 1)),
                QuirkTable.empty(),
                0,
                PciNames.none())
            .getFirst();

    assertThat(draft.id()).isEqualTo("draft-1234-0015");
    assertThat(draft.name()).isEqualTo("Device 1234:0015");
    assertThat(draft.citation())
        .isEqualTo("2 dumps: one.txt:7 0000:3b:00.0, two.txt:7 0000:3b:00.0");
    assertThat(draft.matches())
        .containsExactly(
            new QuirkMatch(
                0x1234,
                List.of(new IdRange(0x15, 0x15)),
                List.of(),
                List.of(),
                List.of(),
                Optional.of(FunctionKind.PHYSICAL)));
  }

  @Test
  void eachDeviceHasItsDraft() {
    List<Quirk> drafts =
        QuirkDraft.of(
            List.of(capture("a", 0x708, 1), capture("a", 0x00, 0x00161234, 0x708, 1), capture("a")),
            QuirkTable.empty(),
            0,
            PciNames.none());

    assertThat(drafts).extracting(Quirk::id).containsExactly("draft-1234-0015", "draft-1234-0016");
  }

  @Needs(Need.CAPTURES)
  @Test
  void draftsAreAFileThatCanBeRead() {
    Path captured = Captures.file("nvbug-laniusc.txt");

    List<Quirk> drafts =
        QuirkDraft.of(
            Dumps.read(captured), QuirkTable.empty(), QuirkDraft.USUAL_JOIN, PciNames.none());
    List<Quirk> read = QuirkFiles.read(QuirkFileText.of("", drafts));

    assertThat(read).extracting(Quirk::id).contains("draft-10de-2204").hasSameSizeAs(drafts);
    Quirk gpu =
        read.stream().filter(q -> q.id().equals("draft-10de-2204")).findFirst().orElseThrow();
    assertThat(gpu.effects().hiddenBits())
        .as("also the words at the end of the space")
        .anyMatch(h -> h.range().offset() >= 0xfe4)
        .noneMatch(h -> h.range().offset() < 0x40)
        .hasSizeLessThanOrEqualTo(12);
    assertThat(
            gpu.matches()
                .getFirst()
                .matches(
                    FunctionIdentity.of(
                        Dumps.read(captured).stream()
                            .filter(f -> f.id().equals(new PciId(0x10de, 0x2204)))
                            .findFirst()
                            .orElseThrow())))
        .isTrue();
  }
}
