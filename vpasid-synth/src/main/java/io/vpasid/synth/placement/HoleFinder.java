package io.vpasid.synth.placement;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.occupancy.OccupancyMap;
import io.vpasid.pci.occupancy.Use;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/// Searches the extended space for the bytes of a capability that the device does not have.
///
/// A pure function of the map and the request: the same input finds the same offset on every host.
/// The strategies are tried in the order of [Strategy]. Among all-zero holes the choice is
///
/// 1. by zone: [#ZONES], those in which the fewest devices keep registers outside capabilities
///    first;
/// 2. in a zone the longest run of free bytes, the lowest of several;
/// 3. in the run its middle, rounded down to 16 bytes where that fits: as far as can be from
///    whatever borders on it.
///
/// That the bytes read as 0 is a hint and not a proof: status registers are 0 while idle. Hence the
/// zones and the distance.
public final class HoleFinder {
  /// A part of the extended space, and how a hole in it counts.
  record Zone(ByteRange range, Strategy strategy, String experience) {}

  /// In order of preference. Registers outside capabilities are known in 0x700-0xb2f (port logic of
  /// a widespread PCI Express core) and at the very end (NVIDIA, Habana, IDT).
  static final List<Zone> ZONES =
      List.of(
          new Zone(
              ByteRange.between(0xb30, 0xfe0),
              Strategy.ZERO_HOLE,
              "the zone in which the fewest devices keep hidden registers"),
          new Zone(
              ByteRange.between(ConfigSpace.EXTENDED_START, 0x700),
              Strategy.ZERO_HOLE,
              "the zone of capabilities, outside those where registers are known to hide"),
          new Zone(
              ByteRange.between(0x700, 0xb30),
              Strategy.RISKY_ZERO_HOLE,
              "port logic registers of a widespread PCI Express core are known here"),
          new Zone(
              ByteRange.between(0xfe0, 0x1000),
              Strategy.RISKY_ZERO_HOLE,
              "registers of several vendors are known here"));

  private static final int COMFORTABLE_ALIGNMENT = 16;

  private static final String OWN_SLOT =
      "The device's own PASID capability is there, hidden by vfio-pci: no other register can own"
          + " these bytes.";
  private static final String OWN_IS_SHADOWED =
      "The physical registers are shadowed: no guest access reaches them.";

  private final OccupancyMap map;
  private final HoleRequest request;
  private final List<PassedOver> passedOver = new ArrayList<>();

  private HoleFinder(OccupancyMap map, HoleRequest request) {
    this.map = map;
    this.request = request;
  }

  /// Searches `map` for what `request` asks.
  public static HoleSearch find(OccupancyMap map, HoleRequest request) {
    HoleFinder finder = new HoleFinder(map, request);
    return finder
        .search()
        .<HoleSearch>map(HoleSearch.Found::new)
        .orElseGet(() -> new HoleSearch.NoHole(finder.passedOver));
  }

  private Optional<Placement> search() {
    return request.requested().isPresent() ? requested(request.requested().get()) : best();
  }

  private Optional<Placement> best() {
    return pinned()
        .or(this::ownSlot)
        .or(this::available)
        .or(this::emptyHead)
        .or(this::zeroHole)
        .or(this::shadowed);
  }

  /// What the user asks for has to be outside the lists, and free unless the user allows to cover
  /// what lives there.
  private Optional<Placement> requested(HoleRequest.Wish wish) {
    Optional<String> conflict = cannotHold(wish.range());
    if (conflict.isPresent()) {
      return pass(wish.range(), Strategy.REQUESTED, conflict.get() + instead(wish.range()));
    }
    String asked = wish.says() + " asks for it.";
    if (isOwnSlot(wish.range())) {
      return place(wish.range(), Strategy.REQUESTED, List.of(asked, OWN_SLOT, OWN_IS_SHADOWED));
    }
    Optional<Integer> live = firstLive(wish.range());
    if (live.isEmpty()) {
      return place(
          wish.range(),
          Strategy.REQUESTED,
          List.of(asked, "Nothing is known there, and all bytes read as 0."));
    }
    String what = describe(live.get());
    return request.shadowing()
        ? place(
            wish.range(),
            Strategy.REQUESTED,
            List.of(
                asked,
                "Shadowing is allowed: the guest can no longer reach what is at " + what + "."))
        : pass(
            wish.range(),
            Strategy.REQUESTED,
            "it would cover what is at " + what + instead(wish.range()));
  }

  /// The places that would do, as the end of a sentence: the nearest one, and that which would be
  /// taken if the user asked for none.
  private String instead(ByteRange refused) {
    Optional<Placement> best = new HoleFinder(map, request).best();
    Optional<Integer> nearest =
        IntStream.iterate(
                ConfigSpace.EXTENDED_START,
                at -> at <= ConfigSpace.EXTENDED_SIZE - request.length(),
                at -> at + 4)
            .filter(at -> map.isFree(new ByteRange(at, request.length())))
            .boxed()
            .min(Comparator.comparingInt(at -> Math.abs(at - refused.offset())));
    List<String> places = new ArrayList<>();
    nearest.ifPresent(at -> places.add("the nearest free place is " + hex(at)));
    best.filter(place -> !nearest.equals(Optional.of(place.offset())))
        .ifPresent(place ->
            places.add(
                "the best one is %s (%s)"
                    .formatted(hex(place.offset()), place.strategy().title())));
    return "; " + (places.isEmpty() ? "no place is free" : String.join(", ", places));
  }

  private static String hex(int offset) {
    return String.format(Locale.ROOT, "0x%03x", offset);
  }

  private Optional<Placement> pinned() {
    if (request.pinned().isEmpty()) {
      return Optional.empty();
    }
    HoleRequest.Wish wish = request.pinned().get();
    Optional<String> conflict = cannotHold(wish.range());
    return conflict.isPresent()
        ? pass(wish.range(), Strategy.PINNED, conflict.get())
        : place(wish.range(), Strategy.PINNED, List.of("The quirk " + wish.says() + " names it."));
  }

  private Optional<Placement> ownSlot() {
    if (request.ownSlot().isEmpty()) {
      return Optional.empty();
    }
    ByteRange slot = request.ownSlot().get();
    Optional<String> conflict =
        cannotHold(slot).or(() -> firstOfQuirk(slot).map(at -> "it meets " + describe(at)));
    return conflict.isPresent()
        ? pass(slot, Strategy.OWN_SLOT, conflict.get())
        : place(slot, Strategy.OWN_SLOT, List.of(OWN_SLOT, OWN_IS_SHADOWED));
  }

  private boolean isOwnSlot(ByteRange range) {
    return request.ownSlot().equals(Optional.of(range)) && firstOfQuirk(range).isEmpty();
  }

  private Optional<Placement> available() {
    for (HoleRequest.Wish wish : request.available()) {
      Optional<ByteRange> hole = firstFit(wish.range());
      if (hole.isPresent()) {
        return place(
            hole.get(),
            Strategy.AVAILABLE,
            List.of(
                "It is the first free place in "
                    + wish.range()
                    + ", which "
                    + wish.says()
                    + " declares available.",
                "All its bytes read as 0."));
      }
      pass(wish.range(), Strategy.AVAILABLE, full(wish.range()));
    }
    return Optional.empty();
  }

  private Optional<Placement> emptyHead() {
    ByteRange head = new ByteRange(ConfigSpace.EXTENDED_START, request.length());
    if (!request.emptyList()) {
      return Optional.empty();
    }
    if (!map.isFree(head)) {
      return pass(head, Strategy.EMPTY_HEAD, "it meets " + describe(firstLive(head).orElseThrow()));
    }
    return place(
        head,
        Strategy.EMPTY_HEAD,
        List.of(
            "The function has no extended capability, so the list has to start here anyway.",
            "All its bytes read as 0."));
  }

  private Optional<Placement> zeroHole() {
    for (Zone zone : ZONES) {
      Optional<ByteRange> run = longestRun(zone.range());
      if (run.isPresent()) {
        ByteRange hole = middle(run.get());
        return place(
            hole,
            zone.strategy(),
            List.of(
                "It lies in the middle of "
                    + run.get()
                    + ", the longest run of free bytes in "
                    + zone.range()
                    + ": "
                    + zone.experience()
                    + ".",
                "No capability and no known hidden register is there, and all bytes read as 0;"
                    + " that is a hint, not a proof."));
      }
      pass(zone.range(), zone.strategy(), full(zone.range()));
    }
    return Optional.empty();
  }

  private Optional<Placement> shadowed() {
    for (HoleRequest.Wish wish : request.shadowable()) {
      int last = wish.range().end() - request.length();
      for (int at = align(wish.range().offset()); at <= last; at += 4) {
        ByteRange candidate = new ByteRange(at, request.length());
        if (cannotHold(candidate).isEmpty()) {
          return place(
              candidate,
              Strategy.SHADOWED,
              List.of(
                  wish.says() + " allows to shadow " + wish.range() + ".",
                  "The guest can no longer reach what the device has there."));
        }
      }
      pass(
          wish.range(),
          Strategy.SHADOWED,
          "no " + request.length() + " bytes outside capabilities");
    }
    return Optional.empty();
  }

  /// Why no capability can be at `range` whatever is behind its bytes; empty if it can.
  private Optional<String> cannotHold(ByteRange range) {
    if ((range.offset() & 3) != 0) {
      return Optional.of("its offset is not a multiple of 4");
    }
    if (range.offset() < ConfigSpace.EXTENDED_START || range.end() > ConfigSpace.EXTENDED_SIZE) {
      return Optional.of("it reaches outside the extended space 0x100-0xfff");
    }
    for (int at = range.offset(); at < range.end(); at++) {
      Use use = map.useAt(at);
      if (use.isListed() || use == Use.MIRRORED) {
        return Optional.of("it meets " + describe(at));
      }
    }
    return Optional.empty();
  }

  private Optional<Integer> firstLive(ByteRange range) {
    return first(range, use -> use != Use.FREE);
  }

  private Optional<Integer> firstOfQuirk(ByteRange range) {
    return first(range, use -> use == Use.QUIRK);
  }

  private Optional<Integer> first(ByteRange range, Predicate<Use> wanted) {
    for (int at = range.offset(); at < range.end(); at++) {
      if (wanted.test(map.useAt(at))) {
        return Optional.of(at);
      }
    }
    return Optional.empty();
  }

  private String describe(int at) {
    return String.format(
        Locale.ROOT,
        "0x%03x: %s",
        at,
        switch (map.useAt(at)) {
          case FREE -> "nothing";
          case HEADER -> "the header";
          case CAPABILITY -> map.ownerAt(at);
          case CAPABILITY_OF_UNKNOWN_LENGTH -> map.ownerAt(at) + ", whose end is not known";
          case HIDDEN_CAPABILITY -> map.ownerAt(at) + ", not in the list";
          case UNLINKED_CAPABILITY -> map.ownerAt(at) + ", in no list";
          case QUIRK -> "hidden register, " + map.ownerAt(at);
          case MIRRORED -> "a mirror of lower bytes";
          case NON_ZERO -> "a byte, " + map.ownerAt(at);
          case NOT_IN_DUMP -> "not in the dump";
        });
  }

  /// Why there is no hole in `range`: how many of its bytes are in use for which reason.
  private String full(ByteRange range) {
    Map<Use, Integer> bytes = new EnumMap<>(Use.class);
    for (int at = range.offset(); at < Math.min(range.end(), map.size()); at++) {
      bytes.merge(map.useAt(at), 1, Integer::sum);
    }
    List<String> uses = new ArrayList<>();
    bytes.forEach((use, count) -> uses.add(count + " " + describe(use)));
    return "no "
        + request.length()
        + " free bytes in a row"
        + (uses.isEmpty() ? "" : ": " + String.join(", ", uses));
  }

  private static String describe(Use use) {
    return switch (use) {
      case FREE -> "free";
      case HEADER -> "of the header";
      case CAPABILITY -> "of capabilities";
      case CAPABILITY_OF_UNKNOWN_LENGTH -> "of capabilities whose end is not known";
      case HIDDEN_CAPABILITY -> "of capabilities that are not in the list";
      case UNLINKED_CAPABILITY -> "of capabilities that no list leads to";
      case QUIRK -> "of registers that a quirk names";
      case MIRRORED -> "mirrored";
      case NON_ZERO -> "not zero";
      case NOT_IN_DUMP -> "not in the dump";
    };
  }

  private Optional<ByteRange> firstFit(ByteRange range) {
    int start = Math.max(ConfigSpace.EXTENDED_START, align(range.offset()));
    for (int at = start; at <= range.end() - request.length(); at += 4) {
      ByteRange candidate = new ByteRange(at, request.length());
      if (map.isFree(candidate)) {
        return Optional.of(candidate);
      }
    }
    return Optional.empty();
  }

  /// The longest run of free dwords in `zone` that holds the capability.
  private Optional<ByteRange> longestRun(ByteRange zone) {
    ByteRange best = new ByteRange(zone.offset(), 0);
    for (ByteRange run : map.free()) {
      int start = Math.max(align(run.offset()), zone.offset());
      int end = Math.min(run.end() & ~3, zone.end());
      if (end - start > best.length()) {
        best = ByteRange.between(start, end);
      }
    }
    return best.length() >= request.length() ? Optional.of(best) : Optional.empty();
  }

  private ByteRange middle(ByteRange run) {
    int centered = run.offset() + (run.length() - request.length()) / 2;
    int rounded = centered & -COMFORTABLE_ALIGNMENT;
    return new ByteRange(rounded >= run.offset() ? rounded : centered & ~3, request.length());
  }

  private static int align(int offset) {
    return (offset + 3) & ~3;
  }

  private Optional<Placement> place(ByteRange range, Strategy strategy, List<String> reasons) {
    return Optional.of(new Placement(range, strategy, reasons, passedOver));
  }

  private Optional<Placement> pass(ByteRange range, Strategy strategy, String why) {
    passedOver.add(new PassedOver(range, strategy, why));
    return Optional.empty();
  }
}
