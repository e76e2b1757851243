package io.vpasid.guest.report;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Anomaly;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.pci.occupancy.OccupancyMap;
import io.vpasid.pci.occupancy.Segment;
import io.vpasid.pci.occupancy.UnlinkedCapabilities;
import io.vpasid.pci.occupancy.Use;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/// What `inspect` says of one function.
///
/// @param function the function as it was read
/// @param name what it is called
/// @param request what its vPASID would depend on
/// @param chain its own capabilities, those included that vfio-pci hides
/// @param map who owns its bytes, as the search for a hole sees it
/// @param result whether and where it would get a vPASID
public record InspectReport(
    HostFunction function,
    String name,
    SynthesisRequest request,
    CapabilityChain chain,
    OccupancyMap map,
    SynthesisResult result) {

  /// Most rows of live bytes that are printed.
  private static final int MAX_LIVE_ROWS = 32;

  private static final int ROW = 16;

  public static InspectReport of(HostFunction function, SynthesisRequest request, PciNames names) {
    return new InspectReport(
        function,
        nameOf(function, names),
        request,
        CapabilityChain.walk(function.config()),
        Synthesizer.occupancy(request),
        Synthesizer.synthesize(request));
  }

  /// As lspci names it. A dump's own words count more where nobody here knows the vendor.
  private static String nameOf(HostFunction function, PciNames names) {
    ConfigSpace config = function.config();
    boolean isNumbers = function.description().contains(": " + function.id());
    boolean known = names.vendor(function.id().vendor()).isPresent();
    if (!known && !isNumbers && !function.description().isEmpty()) {
      return function.description();
    }
    return names.describe(function.id(), config.classCode(), config.revision());
  }

  public OccupancyPicture picture() {
    OccupancyPicture picture =
        OccupancyPicture.of(map)
            .titled(
                name,
                function.address() + " \u00b7 " + function.id() + " \u00b7 " + counts(),
                outcome());
    return switch (result) {
      case Synthesis s -> picture.marking(s.range(), "vPASID");
      case SynthesisResult.Declined _ -> picture;
    };
  }

  private String counts() {
    int hidden = request.view().hidden().size();
    return function.config().size()
        + " bytes, "
        + freeBytes()
        + " free; header type "
        + function.config().headerLayout()
        + "; "
        + chain.standard().size()
        + " standard and "
        + chain.extended().size()
        + " extended capabilities"
        + (hidden == 0 ? "" : ", vfio-pci hides " + hidden);
  }

  private String outcome() {
    return switch (result) {
      case Synthesis s ->
          "vPASID at " + Json.hex(s.offset()) + ", " + s.placement().strategy().title();
      case SynthesisResult.Declined d -> "no vPASID: " + d.explanation();
    };
  }

  public int freeBytes() {
    return map.free().stream().mapToInt(ByteRange::length).sum();
  }

  public void print(PrintWriter out, int bytesPerRow, boolean colour) {
    OccupancyPicture picture = picture();
    out.printf("%s %s %s%n", function.address(), function.id(), name);
    out.println(counts());
    out.println(outcome());
    out.println();
    out.print(picture.text(bytesPerRow, colour).replace("\n", System.lineSeparator()));
    printCapabilities(
        out, picture, chain, capability -> isHidden(capability) ? ", hidden by vfio-pci" : "");
    printUnlinked(out, picture);
    printGaps(out);
    printAnomalies(out, chain);
    out.println();
  }

  /// Capabilities that are in the bytes, but in no list.
  private List<Capability> unlinked() {
    return UnlinkedCapabilities.find(function.config(), chain, List.of());
  }

  private void printUnlinked(PrintWriter out, OccupancyPicture picture) {
    List<Capability> unlinked = unlinked();
    if (!unlinked.isEmpty()) {
      out.printf("%n     %-11s  %6s  %7s%n", "in no list", "bytes", "version");
      unlinked.forEach(c -> print(out, picture, c, ", unlinked"));
    }
  }

  static void printAnomalies(PrintWriter out, CapabilityChain chain) {
    if (!chain.anomalies().isEmpty()) {
      out.printf("%nodd%n");
      chain.anomalies().forEach(anomaly -> out.println("  " + anomaly));
    }
  }

  /// A line for each capability.
  ///
  /// @param remark what to say behind its name
  static void printCapabilities(
      PrintWriter out,
      OccupancyPicture picture,
      CapabilityChain chain,
      Function<Capability, String> remark) {
    if (chain.standard().isEmpty() && chain.extended().isEmpty()) {
      return;
    }
    out.printf("%n     %-11s  %6s  %7s%n", "capability", "bytes", "version");
    Stream.concat(chain.standard().stream(), chain.extended().stream())
        .forEach(capability -> print(out, picture, capability, remark.apply(capability)));
  }

  private static void print(
      PrintWriter out, OccupancyPicture picture, Capability capability, String remark) {
    out.printf(
        "  %c  %-11s  %6s  %7s  %s%s%n",
        picture.symbolAt(capability.offset()),
        capability.extent().range(),
        (capability.extent().isLowerBound() ? "\u2265" : "") + capability.extent().range().length(),
        capability.id().isExtended() ? capability.version() : "-",
        capability.id().title(),
        remark);
  }

  private boolean isHidden(Capability capability) {
    return request.view().hidden().stream()
        .anyMatch(h -> h.id().equals(capability.id()) && h.offset() == capability.offset());
  }

  private void printGaps(PrintWriter out) {
    List<ByteRange> gaps = map.gaps();
    if (gaps.isEmpty()) {
      return;
    }
    out.printf("%n     %-11s  %6s%n", "gap", "bytes");
    int rows = 0;
    int left = 0;
    for (ByteRange gap : gaps) {
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

  /// What is in a gap, and how many bytes of each.
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
              ? String.format(Locale.ROOT, "%02x ", function.config().u8(at))
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
      case QUIRK -> function.config().u8(at) != 0;
      default -> false;
    };
  }

  public Map<String, Object> toJson() {
    Map<String, Object> document = Json.object();
    document.put("function", function.address().toString());
    document.put("id", function.id().toString());
    document.put("description", function.description());
    document.put("name", name);
    document.put("bytes", function.config().size());
    document.put("free", freeBytes());
    document.put("headerType", function.config().headerLayout());
    document.put("capabilities", chain.standard().stream().map(this::toJson).toList());
    document.put("extendedCapabilities", chain.extended().stream().map(this::toJson).toList());
    document.put("unlinkedCapabilities", unlinked().stream().map(c -> toJson(c, false)).toList());
    List<Map<String, Object>> gaps = new ArrayList<>();
    for (Segment segment : map.segments()) {
      if (!segment.use().isListed()) {
        gaps.add(toJson(segment));
      }
    }
    document.put("gaps", gaps);
    document.put("vpasid", vpasid());
    document.put("anomalies", chain.anomalies().stream().map(InspectReport::toJson).toList());
    return document;
  }

  private Map<String, Object> vpasid() {
    Map<String, Object> vpasid = Json.object();
    vpasid.put("hwInfo", request.hardware().toString());
    switch (result) {
      case Synthesis s -> {
        vpasid.put("placed", true);
        vpasid.putAll(Json.range(s.range()));
        vpasid.put("strategy", Json.word(s.placement().strategy()));
      }
      case SynthesisResult.Declined d -> {
        vpasid.put("placed", false);
        vpasid.put("reason", Json.word(d.reason()));
        vpasid.put("explanation", d.explanation());
      }
    }
    return vpasid;
  }

  private Map<String, Object> toJson(Capability capability) {
    return toJson(capability, isHidden(capability));
  }

  static Map<String, Object> toJson(Capability capability, boolean hidden) {
    Map<String, Object> json = Json.object();
    json.put("id", Json.hex(capability.id().value()));
    json.put("name", capability.id().title());
    json.put("version", capability.version());
    json.putAll(Json.range(capability.extent().range()));
    json.put("lengthIsLowerBound", capability.extent().isLowerBound());
    json.put("next", Json.hex(capability.next()));
    json.put("hidden", hidden);
    return json;
  }

  private Map<String, Object> toJson(Segment segment) {
    Map<String, Object> gap = Json.range(segment.range());
    gap.put("free", segment.use() == Use.FREE);
    if (segment.use() != Use.FREE) {
      gap.put("use", Json.word(segment.use()));
      gap.put("owner", segment.owner());
      gap.put("content", content(segment.range()));
    }
    return gap;
  }

  private String content(ByteRange range) {
    StringBuilder text = new StringBuilder();
    for (int at = range.offset(); at < range.end(); at++) {
      text.append(text.isEmpty() ? "" : " ");
      text.append(String.format(Locale.ROOT, "%02x", function.config().u8(at)));
    }
    return text.toString();
  }

  static Map<String, Object> toJson(Anomaly anomaly) {
    Map<String, Object> json = Json.object();
    json.put("kind", Json.word(anomaly.kind()));
    json.put("offset", Json.hex(anomaly.offset()));
    json.put("text", anomaly.toString());
    return json;
  }
}
