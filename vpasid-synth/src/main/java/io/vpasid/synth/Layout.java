package io.vpasid.synth;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The part of a guest's view that has to be the same on another host, before a guest that uses the
/// function can move there: the ids, both capability lists, and the vPASID.
///
/// It consists of facts, each with a name and a value in plain text. Registers that change while a
/// function runs, such as those of the link, are not among them, and neither are names of
/// capabilities, so that another version of this library gives the same facts:
///
/// ```text
/// device          8086:0b25
/// subsystem       8086:0000
/// class           0x088000
/// revision        0x00
/// bytes           4096
/// capability 0x40   id 0x10, next 0x80
/// extended 0x230    id 0x001b, version 1, next 0x240
/// vpasid          at 0x230, width 20, no exec, priv
/// ```
///
/// @param facts the facts in this order
public record Layout(Map<String, String> facts) {
  /// The algorithm of [#fingerprint], as the Java platform names it.
  private static final String ALGORITHM = "SHA-256";

  /// A fact in which two layouts differ.
  ///
  /// @param fact its name
  /// @param expected its value in the layout that was expected; empty if that has no such fact
  /// @param found its value in the other; empty likewise
  public record Difference(String fact, Optional<String> expected, Optional<String> found) {
    /// As in `extended 0x230: expected id 0x001b, version 1, next 0x240, found nothing`.
    @Override
    public String toString() {
      return "%s: expected %s, found %s"
          .formatted(fact, expected.orElse("nothing"), found.orElse("nothing"));
    }
  }

  public Layout {
    facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
  }

  /// The layout that a guest sees if `result` came of `request`.
  public static Layout of(SynthesisRequest request, SynthesisResult result) {
    ConfigSpace guest = result.guestView(request);
    CapabilityChain chain = CapabilityChain.walk(guest);
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("device", guest.id().toString());
    if (guest.headerLayout() == 0) {
      facts.put("subsystem", guest.subsystem().toString());
    }
    facts.put("class", hex(guest.classCode(), 6));
    facts.put("revision", hex(guest.revision(), 2));
    facts.put("bytes", String.valueOf(guest.size()));
    for (Capability c : chain.standard()) {
      facts.put(
          "capability " + hex(c.offset(), 2),
          "id " + hex(c.id().value(), 2) + ", next " + hex(c.next(), 2));
    }
    for (Capability c : chain.extended()) {
      facts.put(
          "extended " + hex(c.offset(), 3),
          "id "
              + hex(c.id().value(), 4)
              + ", version "
              + c.version()
              + ", next "
              + hex(c.next(), 3));
    }
    facts.put("vpasid", vpasid(result));
    return new Layout(facts);
  }

  /// A number of at least so many hex digits.
  private static String hex(int number, int digits) {
    String text = Integer.toHexString(number);
    return "0x" + "0".repeat(Math.max(0, digits - text.length())) + text;
  }

  private static String vpasid(SynthesisResult result) {
    return switch (result) {
      case Synthesis s -> {
        PasidCapability shown = s.capability();
        yield "at "
            + hex(s.offset(), 3)
            + ", width "
            + shown.width()
            + (shown.exec() ? ", exec" : ", no exec")
            + (shown.priv() ? ", priv" : ", no priv");
      }
      case SynthesisResult.Declined _ -> "none";
    };
  }

  /// `sha256:` and the SHA-256 of the facts, each in a line `name=value` of UTF-8 that ends with a
  /// line feed. Equal layouts have equal fingerprints.
  public String fingerprint() {
    try {
      MessageDigest digest = MessageDigest.getInstance(ALGORITHM);
      facts.forEach((name, value) ->
          digest.update((name + '=' + value + '\n').getBytes(StandardCharsets.UTF_8)));
      return "sha256:" + HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has " + ALGORITHM, e);
    }
  }

  /// Facts that are not as in `expected`, in the order there; none if the layouts are equal.
  public List<Difference> differencesFrom(Layout expected) {
    Set<String> names = new LinkedHashSet<>(expected.facts.keySet());
    names.addAll(facts.keySet());
    List<Difference> differences = new ArrayList<>();
    for (String name : names) {
      Optional<String> theirs = Optional.ofNullable(expected.facts.get(name));
      Optional<String> ours = Optional.ofNullable(facts.get(name));
      if (!theirs.equals(ours)) {
        differences.add(new Difference(name, theirs, ours));
      }
    }
    return differences;
  }
}
