package io.vpasid.guest.report;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.pci.occupancy.OccupancyMap;
import io.vpasid.pci.occupancy.Segment;
import io.vpasid.pci.occupancy.UnlinkedCapabilities;
import io.vpasid.pci.occupancy.Use;
import io.vpasid.synth.DeclineReason;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.placement.Placement;
import io.vpasid.synth.placement.Strategy;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The configuration space of one function: what is where in it.
///
/// @param origin where the function was read
/// @param name of the function, as lspci would name it, or its class
/// @param bytes size of its configuration space
/// @param free bytes that nobody is known to own
/// @param capabilities its own, those included that vfio-pci hides
/// @param unlinkedCapabilities those that are in the bytes, but in no list
/// @param gaps runs of bytes outside all listed capabilities
/// @param vpasid whether and where it would get a vPASID
/// @param captured the function as it was read
/// @param map who owns its bytes, as the search for a hole sees it
/// @param counts what there is, in a line
/// @param picture the map for people
public record InspectReport(
    @JsonUnwrapped Origin origin,
    PciAddress function,
    PciId id,
    String description,
    String name,
    int bytes,
    int free,
    int headerType,
    List<CapabilityReport> capabilities,
    List<CapabilityReport> extendedCapabilities,
    List<CapabilityReport> unlinkedCapabilities,
    List<Gap> gaps,
    Place vpasid,
    List<AnomalyReport> anomalies,
    @JsonIgnore HostFunction captured,
    @JsonIgnore OccupancyMap map,
    @JsonIgnore String counts,
    @JsonIgnore OccupancyPicture picture)
    implements SpaceReport {

  /// Most rows of live bytes that are printed.
  private static final int MAX_LIVE_ROWS = 32;

  private static final int ROW = 16;

  /// A run of bytes outside all listed capabilities that have one owner, or none.
  ///
  /// @param content the bytes in hexadecimal
  record Gap(
      Hex offset,
      int length,
      boolean free,
      Optional<Use> use,
      Optional<String> owner,
      Optional<String> content) {

    private static Gap of(Segment segment, ConfigSpace config) {
      ByteRange range = segment.range();
      Optional<Segment> used = Optional.of(segment).filter(s -> s.use() != Use.FREE);
      return new Gap(
          new Hex(range.offset()),
          range.length(),
          used.isEmpty(),
          used.map(Segment::use),
          used.map(Segment::owner),
          used.map(_ ->
              HexFormat.ofDelimiter(" ")
                  .formatHex(config.toByteArray(), range.offset(), range.end())));
    }
  }

  /// The place of a vPASID, or why there is none.
  ///
  /// @param hwInfo what was taken for the host's
  record Place(
      HardwareInfo hwInfo,
      boolean placed,
      Optional<Hex> offset,
      Optional<Integer> length,
      Optional<Strategy> strategy,
      Optional<DeclineReason> reason,
      Optional<String> explanation) {

    private static Place of(HardwareInfo hwInfo, SynthesisResult result) {
      Optional<Placement> place =
          result instanceof Synthesis s ? Optional.of(s.placement()) : Optional.empty();
      Optional<SynthesisResult.Declined> none =
          result instanceof SynthesisResult.Declined d ? Optional.of(d) : Optional.empty();
      return new Place(
          hwInfo,
          place.isPresent(),
          place.map(p -> new Hex(p.offset())),
          place.map(p -> p.range().length()),
          place.map(Placement::strategy),
          none.map(SynthesisResult.Declined::reason),
          none.map(SynthesisResult.Declined::explanation));
    }

    private String text() {
      return offset
          .map(at -> "vPASID at " + at + ", " + strategy.orElseThrow().title())
          .orElseGet(() -> "no vPASID: " + explanation.orElseThrow());
    }
  }

  public static InspectReport of(HostFunction function, SynthesisRequest request, PciNames names) {
    ConfigSpace config = function.config();
    CapabilityChain chain = CapabilityChain.walk(config);
    OccupancyMap map = Synthesizer.occupancy(request);
    SynthesisResult result = Synthesizer.synthesize(request);
    Place place = Place.of(request.hardware(), result);
    String name = FunctionTitle.of(function, names);
    int free = map.free().stream().mapToInt(ByteRange::length).sum();
    int hidden = request.view().hidden().size();
    String counts =
        config.isSilent()
            ? config.size() + " bytes, all ff"
            : "%d bytes, %d free; header type %d; %d standard and %d extended capabilities%s"
                .formatted(
                    config.size(),
                    free,
                    config.headerLayout(),
                    chain.standard().size(),
                    chain.extended().size(),
                    hidden == 0 ? "" : ", vfio-pci hides " + hidden);
    OccupancyPicture picture =
        OccupancyPicture.of(map)
            .titled(
                name,
                function.address() + " \u00b7 " + function.id() + " \u00b7 " + counts,
                place.text());
    return new InspectReport(
        Origin.of(function),
        function.address(),
        function.id(),
        function.description(),
        name,
        config.size(),
        free,
        config.headerLayout(),
        CapabilityReport.of(chain.standard(), c -> isHidden(c, request)),
        CapabilityReport.of(chain.extended(), c -> isHidden(c, request)),
        CapabilityReport.of(UnlinkedCapabilities.find(config, chain, List.of()), _ -> false),
        map.segments().stream()
            .filter(s -> !s.use().isListed())
            .map(s -> Gap.of(s, config))
            .toList(),
        place,
        AnomalyReport.of(chain),
        function,
        map,
        counts,
        result instanceof Synthesis s ? picture.marking(s.range(), "vPASID") : picture);
  }

  private static boolean isHidden(Capability capability, SynthesisRequest request) {
    return request.view().hidden().stream()
        .anyMatch(h -> h.id().equals(capability.id()) && h.offset() == capability.offset());
  }

  /// The offset of the device's own PASID capability, if it has one.
  public Optional<Hex> pasid() {
    return extendedCapabilities.stream()
        .filter(c -> c.capability().id().equals(CapabilityId.PASID))
        .findFirst()
        .map(CapabilityReport::offset);
  }

  /// Whatever is odd, each in a line.
  public List<String> odd() {
    return anomalies.stream().map(AnomalyReport::text).toList();
  }

  @Override
  public void print(Page page, int bytesPerRow, boolean colour) {
    page.line(function + " " + id + " " + name);
    page.line(counts);
    page.line(vpasid.text());
    page.blank();
    picture.print(page, bytesPerRow, colour);
    CapabilityReport.print(page, picture, "capability", listed(), "");
    CapabilityReport.print(page, picture, "in no list", unlinkedCapabilities, ", unlinked");
    printGaps(page.out());
    AnomalyReport.print(page, anomalies);
    page.blank();
  }

  private void printGaps(PrintWriter out) {
    if (gaps.isEmpty()) {
      return;
    }
    out.printf("%n     %-11s  %6s%n", "gap", "bytes");
    int rows = 0;
    int left = 0;
    for (ByteRange gap : map.gaps()) {
      out.printf("     %-11s  %6d  %s%n", gap, gap.length(), contentOf(gap));
      for (int at = gap.offset() & -ROW; at < gap.end(); at += ROW) {
        String bytes = liveBytes(at, gap);
        if (!bytes.isBlank()) {
          if (rows < MAX_LIVE_ROWS) {
            out.printf("       %03x  %s%n", at, bytes);
            rows++;
          } else {
            left++;
          }
        }
      }
    }
    if (left > 0) {
      out.printf("       and %d more rows with live bytes; --json has them all%n", left);
    }
  }

  /// The content of a gap: what there is, and how many bytes of each.
  private String contentOf(ByteRange gap) {
    Map<Use, Integer> bytes = new EnumMap<>(Use.class);
    Set<String> owners = new HashSet<>();
    List<String> words = new ArrayList<>();
    for (int at = gap.offset(); at < gap.end(); at++) {
      Use use = map.useAt(at);
      bytes.merge(use, 1, Integer::sum);
      if (use == Use.HIDDEN_CAPABILITY && owners.add(map.ownerAt(at))) {
        words.add(map.ownerAt(at) + " (hidden)");
      }
      if (use == Use.UNLINKED_CAPABILITY && owners.add(map.ownerAt(at))) {
        words.add(map.ownerAt(at) + " (unlinked)");
      }
    }
    int free = bytes.getOrDefault(Use.FREE, 0);
    if (free == gap.length()) {
      return "free";
    }
    add(words, "hidden bits", bytes.getOrDefault(Use.QUIRK, 0));
    add(words, "live", bytes.getOrDefault(Use.NON_ZERO, 0));
    add(words, "mirror of lower bytes", bytes.getOrDefault(Use.MIRRORED, 0));
    add(words, "free", free);
    return String.join(", ", words);
  }

  private static void add(List<String> words, String what, int bytes) {
    if (bytes > 0) {
      words.add(what + " " + bytes);
    }
  }

  /// The bytes of a row that nobody is known to own and that are not 0 in any case; blanks for all
  /// others.
  private String liveBytes(int row, ByteRange gap) {
    StringBuilder text = new StringBuilder();
    for (int at = row; at < row + ROW; at++) {
      text.append(
          gap.contains(at) && isLive(at)
              ? String.format(Locale.ROOT, "%02x ", captured.config().u8(at))
              : gap.contains(at) ? "\u00b7\u00b7 " : "   ");
    }
    return text.indexOf("\u00b7") < 0 || hasDigit(text) ? text.toString().stripTrailing() : "";
  }

  private static boolean hasDigit(CharSequence text) {
    return text.chars().anyMatch(c -> Character.digit(c, 16) >= 0);
  }

  private boolean isLive(int at) {
    return switch (map.useAt(at)) {
      case NON_ZERO -> true;
      case QUIRK -> captured.config().u8(at) != 0;
      default -> false;
    };
  }
}
