package io.vpasid.it.lspci;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.space.CapturedFunctions;
import io.vpasid.it.space.HostSpace;
import io.vpasid.it.space.HostSpaces;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.FurtherCapability;
import io.vpasid.synth.FurtherResult;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import io.vpasid.testing.Seeds;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Guest views as lspci decodes them, beside the views that they were made from.
@Needs(Need.LSPCI)
class LspciGuestViewTest {
  private static final HardwareInfo HOST = HardwareInfo.parse("width=17,priv");
  private static final String PASID = "Process Address Space ID (PASID)";

  /// PASID Capability register of a function, as -vvv shows it; the width is hexadecimal.
  private static final Pattern OWN =
      Pattern.compile("\t\tPASIDCap: Exec[+-] Priv([+-]), Max PASID Width: (\\p{XDigit}+)");

  /// A DVSEC of vendor f00d, revision 1, 32 bytes long, id 7.
  private static final FurtherCapability MAILBOX =
      new FurtherCapability(
          CapabilityId.DVSEC,
          1,
          0x20,
          List.of(ConfigPatch.readOnly(0x04, 0x0201f00d), ConfigPatch.readOnly(0x08, 0x00000007)));

  private static final String MAILBOX_TITLE =
      "Designated Vendor-Specific: Vendor=f00d ID=0007 Rev=1 Len=32 <?>";

  @TempDir private Path folder;

  /// A function before and after.
  private record Guest(HostSpace host, ConfigSpace view, SynthesisResult result) {
    static Guest of(HostSpace host) {
      VfioView view = VfioView.of(host.config());
      return new Guest(
          host,
          view.config(),
          Synthesizer.synthesize(
              SynthesisRequest.of(view, HOST).withFurther(List.of(MAILBOX, MAILBOX))));
    }

    ConfigSpace config() {
      return result
          .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(view)))
          .build()
          .toConfigSpace();
    }

    /// Where PASID should be shown, if it should.
    Optional<Integer> offset() {
      return result instanceof Synthesis shown ? Optional.of(shown.offset()) : Optional.empty();
    }

    /// Where the further capabilities should be shown.
    List<Integer> furtherOffsets() {
      List<Integer> offsets = new ArrayList<>();
      if (result instanceof Synthesis shown) {
        for (FurtherResult further : shown.further()) {
          if (further instanceof FurtherResult.Placed placed) {
            offsets.add(placed.offset());
          }
        }
      }
      return offsets;
    }
  }

  @Needs(Need.CAPTURES)
  @Test
  void capturedFunctionsShowPasidAndKeepEverythingElse() {
    List<Guest> guests = CapturedFunctions.extended().stream().map(Guest::of).toList();

    assertThat(guests).filteredOn(g -> g.offset().isPresent()).hasSizeGreaterThan(200);
    assertThat(guests).filteredOn(g -> g.furtherOffsets().size() == 2).hasSizeGreaterThan(200);
    assertThat(guests)
        .filteredOn(g -> g.offset().isEmpty())
        .allSatisfy(
            g -> assertThat(((SynthesisResult.Declined) g.result()).explanation()).isNotEmpty());
    requireShown(guests, "-vvv");
  }

  @Test
  void functionsMadeAtRandomShowPasidAndKeepEverythingElse() {
    List<Guest> guests =
        Seeds.all(500)
            .mapToObj(seed -> Guest.of(HostSpaces.intact(new SplittableRandom(seed))))
            .toList();

    assertThat(guests).filteredOn(g -> g.offset().isPresent()).hasSizeGreaterThan(250);
    requireShown(guests, "-v");
  }

  private void requireShown(List<Guest> guests, String verbosity) {
    List<List<Lspci.Shown>> before =
        Lspci.show(guests.stream().map(Guest::view).toList(), verbosity, folder);
    List<List<Lspci.Shown>> after =
        Lspci.show(guests.stream().map(Guest::config).toList(), verbosity, folder);
    List<List<Lspci.Shown>> raw =
        Lspci.show(guests.stream().map(g -> g.host().config()).toList(), verbosity, folder);
    for (int i = 0; i < guests.size(); i++) {
      List<String> registers = registers(pasid(raw.get(i)));
      String origin = guests.get(i).host().origin();
      assertThat(lasting(after.get(i)))
          .as(origin)
          .containsExactlyInAnyOrderElementsOf(lasting(before.get(i)));
      assertThat(pasid(after.get(i)))
          .as(origin)
          .extracting(Lspci.Shown::offset)
          .isEqualTo(guests.get(i).offset().stream().toList());
      assertThat(after.get(i).stream().filter(LspciGuestViewTest::isMailbox))
          .as(origin)
          .extracting(Lspci.Shown::offset)
          .containsExactlyInAnyOrderElementsOf(guests.get(i).furtherOffsets());
      assertThat(pasid(after.get(i)))
          .as(origin)
          .extracting(Lspci.Shown::details)
          .allSatisfy(details -> assertThat(details).isIn(List.of(), registers));
    }
  }

  /// What -vvv has to show of PASID; -v shows nothing. Never more than the function's own has.
  private static List<String> registers(List<Lspci.Shown> own) {
    int width = HOST.maxPasidLog2();
    String priv = "+";
    for (String line : own.stream().flatMap(shown -> shown.details().stream()).toList()) {
      Matcher register = OWN.matcher(line);
      if (register.matches()) {
        width = Math.min(width, HexFormat.fromHexDigits(register.group(2)));
        priv = register.group(1);
      }
    }
    return List.of(
        "\t\tPASIDCap: Exec- Priv%s, Max PASID Width: %02x".formatted(priv, width),
        "\t\tPASIDCtl: Enable- Exec- Priv-");
  }

  private static List<Lspci.Shown> pasid(List<Lspci.Shown> capabilities) {
    return capabilities.stream().filter(LspciGuestViewTest::isPasid).toList();
  }

  private static boolean isPasid(Lspci.Shown shown) {
    return shown.title().equals(PASID);
  }

  private static boolean isMailbox(Lspci.Shown shown) {
    return shown.title().equals(MAILBOX_TITLE);
  }

  /// What the guest view should have too, word by word: all but PASID, the mailboxes, null
  /// capabilities at the head of the list, and the control words of ATS and PRI, which are as after
  /// a reset.
  private static List<Lspci.Shown> lasting(List<Lspci.Shown> capabilities) {
    List<Lspci.Shown> lasting = new ArrayList<>();
    for (Lspci.Shown shown : capabilities) {
      boolean isNullHead = shown.offset() == 0x100 && shown.title().equals("Null");
      if (!isPasid(shown) && !isMailbox(shown) && !isNullHead) {
        lasting.add(
            new Lspci.Shown(
                shown.offset(),
                shown.isExtended(),
                shown.title(),
                shown.details().stream().filter(line -> !isControl(line)).toList()));
      }
    }
    return lasting;
  }

  private static boolean isControl(String line) {
    return line.matches("\t\t(ATSCtl|PRICtl|PRISta|Page Request Capacity):.*");
  }
}
