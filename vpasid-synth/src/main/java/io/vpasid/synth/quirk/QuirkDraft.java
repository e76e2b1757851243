package io.vpasid.synth.quirk;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.PciId;
import io.vpasid.pci.capability.Anomaly;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.pci.occupancy.OccupancyMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Drafts quirks from captured configuration spaces, for a person who knows the device to check.
///
/// A dword is proposed as a hidden register if one of its bytes, outside the header, every
/// capability and all that quirks say already, is not 0 in some capture or differs between two.
/// Dwords that are near each other are one proposal, because registers come in blocks of which some
/// read as 0. Captures should be of the host's function, as `lspci -xxxx` shows it to root; in what
/// vfio-pci shows, the capabilities that it hides look like hidden registers. More captures, of
/// other machines and other power states, make a better draft.
public final class QuirkDraft {
  /// The gap between registers up to which they are usually one block, in bytes: devices give their
  /// units blocks of 256 bytes or more.
  public static final int USUAL_JOIN = 256;

  private static final int DWORD = 4;

  /// Captures that a draft's source names one by one.
  private static final int NAMED = 8;

  private static final String DIFFERS = ", differs between them";

  /// Stands in drafts until they are in a file.
  private static final String LAYER = "draft";

  /// A captured function and how many of its bytes say something.
  private record Capture(HostFunction function, int readableBytes) {
    /// An extended space that repeats what is below it, or cannot be reached, says nothing.
    static Capture of(HostFunction function) {
      ConfigSpace config = function.config();
      CapabilityChain chain = CapabilityChain.walk(config);
      boolean standardOnly =
          chain.find(Anomaly.Kind.MIRRORED).isPresent()
              || chain.find(Anomaly.Kind.UNREADABLE).isPresent();
      return new Capture(function, standardOnly ? ConfigSpace.STANDARD_SIZE : config.size());
    }
  }

  private final PciId id;
  private final List<Capture> captures;
  private final QuirkTable known;
  private final int join;
  private final PciNames names;
  private final QuirkSource source;

  private QuirkDraft(
      PciId id, List<HostFunction> captures, QuirkTable known, int join, PciNames names) {
    this.id = id;
    this.known = known;
    this.join = join;
    this.captures = captures.stream().map(Capture::of).toList();
    this.names = names;
    source =
        new QuirkSource(
            LAYER, LAYER, String.format(Locale.ROOT, "draft-%04x-%04x", id.vendor(), id.device()));
  }

  /// A draft for each vendor and device id in `captures` of which there is something to say, in the
  /// order in which the ids come. Captures that read as ones only are left out.
  ///
  /// @param known what is known of the devices and left out
  /// @param join gaps up to which registers are one proposal, in bytes; 0 for those without a gap
  /// @param names where the devices' names are looked up
  public static List<Quirk> of(
      List<HostFunction> captures, QuirkTable known, int join, PciNames names) {
    Map<PciId, List<HostFunction>> byId = new LinkedHashMap<>();
    for (HostFunction capture : captures) {
      if (capture.config().u64(0) != -1L) {
        byId.computeIfAbsent(capture.id(), id -> new ArrayList<>()).add(capture);
      }
    }
    return byId.entrySet().stream()
        .flatMap(e -> new QuirkDraft(e.getKey(), e.getValue(), known, join, names).quirk().stream())
        .toList();
  }

  private Optional<Quirk> quirk() {
    List<HiddenBits> hidden = proposals();
    if (hidden.isEmpty()) {
      return Optional.empty();
    }
    QuirkMatch match =
        new QuirkMatch(
            id.vendor(),
            List.of(new IdRange(id.device(), id.device())),
            List.of(),
            List.of(),
            List.of(),
            Optional.of(FunctionIdentity.of(captures.getFirst().function).kind()));
    return Optional.of(
        new Quirk(
            source,
            1,
            1,
            name(),
            citation(),
            "Drafted from what is not 0 outside every capability. Name the registers, say what"
                + " software does with them, and add those that read as 0.",
            List.of(match),
            MatchedQuirks.hiding(hidden)));
  }

  private String name() {
    return names
        .vendor(id.vendor())
        .map(vendor -> vendor + ' ' + names.device(id).orElse("Device " + id))
        .orElse("Device " + id);
  }

  private String citation() {
    String named =
        captures.stream().limit(NAMED).map(QuirkDraft::nameOf).collect(Collectors.joining(", "));
    int others = captures.size() - NAMED;
    return (captures.size() == 1 ? "1 dump: " : captures.size() + " dumps: ")
        + named
        + (others > 0 ? " and " + others + " more" : "");
  }

  /// The file without its folders, which mean nothing to others, with the line and the address.
  private static String nameOf(Capture capture) {
    String location = capture.function.location();
    return (location.substring(location.lastIndexOf('/') + 1) + ' ' + capture.function.address())
        .strip();
  }

  private List<HiddenBits> proposals() {
    List<HiddenBits> proposals = new ArrayList<>();
    boolean[] outside = outsideCapabilities();
    int at = 0;
    while (at < outside.length) {
      if (outside[at] && !observation(at).isEmpty()) {
        int end = endOfBlock(at, outside);
        proposals.add(
            HiddenBits.allOf(
                ByteRange.between(at, end),
                Access.UNKNOWN,
                Evidence.OBSERVED,
                observation(at, end),
                source));
        at = end;
      } else {
        at += DWORD;
      }
    }
    return proposals;
  }

  /// The end of the last dword of which there is something to say, without a gap that is too large,
  /// or that is another's.
  private int endOfBlock(int start, boolean[] outside) {
    int end = start + DWORD;
    for (int at = end; at < outside.length && outside[at] && at - end <= join; at += DWORD) {
      if (!observation(at).isEmpty()) {
        end = at + DWORD;
      }
    }
    return end;
  }

  /// Per dword, at its offset: whether it lies outside header, capabilities and what is known, in
  /// all captures.
  private boolean[] outsideCapabilities() {
    boolean[] outside = new boolean[ConfigSpace.EXTENDED_SIZE];
    Arrays.fill(outside, Header.RANGE.end(), outside.length, true);
    for (Capture capture : captures) {
      ConfigSpace config = capture.function.config();
      OccupancyMap map =
          OccupancyMap.builder(config.size()).listed(CapabilityChain.walk(config)).build();
      for (int at = 0; at < config.size(); at++) {
        if (map.useAt(at).isListed()) {
          outside[at & -DWORD] = false;
        }
      }
      MatchedQuirks said = known.match(FunctionIdentity.of(capture.function));
      Stream.concat(
              said.hiddenBits().stream().map(HiddenBits::range),
              said.available().stream().map(Decision::value))
          .forEach(range -> {
            for (int at = range.offset() & -DWORD; at < range.end(); at += DWORD) {
              outside[at] = false;
            }
          });
    }
    return outside;
  }

  /// The values that the captures have in the dword at `at`, as text; empty if all are 0.
  private String observation(int at) {
    List<Integer> values =
        captures.stream()
            .filter(c -> at < c.readableBytes)
            .map(c -> c.function.config().u32(at))
            .toList();
    long nonZero = values.stream().filter(v -> v != 0).count();
    if (nonZero == 0) {
      return "";
    }
    String dumps = values.size() == 1 ? " dump" : " dumps";
    String seen = "not 0 in " + nonZero + " of " + values.size() + dumps;
    return values.stream().distinct().count() > 1 ? seen + DIFFERS : seen;
  }

  /// The values that the captures have in a block, as text.
  private String observation(int start, int end) {
    List<String> said =
        IntStream.iterate(start, at -> at < end, at -> at + DWORD)
            .mapToObj(this::observation)
            .toList();
    if (said.stream().distinct().count() == 1) {
      return said.getFirst();
    }
    long live = said.stream().filter(text -> !text.isEmpty()).count();
    return "%d of %d dwords are not 0 in %s%s"
        .formatted(
            live,
            said.size(),
            captures.size() == 1 ? "1 dump" : "some of " + captures.size() + " dumps",
            said.stream().anyMatch(text -> text.endsWith(DIFFERS)) ? ", some differ" : "");
  }
}
