package io.vpasid.guest.report;

import io.vpasid.synth.DeclineReason;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.placement.PassedOver;
import io.vpasid.synth.placement.Strategy;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/// The place of a vPASID and why it is there, or why there is none.
public sealed interface SynthesisReport {

  /// The function gets one.
  boolean placed();

  /// Places that were looked at and not taken.
  List<Place> passedOver();

  /// A vPASID.
  ///
  /// @param predecessor whose next pointer leads to it; empty if it is the head of the list
  /// @param bytes the capability's as they lie in the configuration space, in hexadecimal
  record Placed(
      boolean placed,
      Hex offset,
      int width,
      boolean exec,
      boolean priv,
      Strategy strategy,
      List<String> reasons,
      Optional<Hex> predecessor,
      Hex next,
      String bytes,
      List<String> notes,
      List<Place> passedOver)
      implements SynthesisReport {}

  /// None.
  record Declined(boolean placed, DeclineReason reason, String explanation, List<Place> passedOver)
      implements SynthesisReport {}

  /// A place that was not taken.
  record Place(Hex offset, int length, Strategy strategy, String why) {
    static List<Place> of(List<PassedOver> passedOver) {
      return passedOver.stream()
          .map(p ->
              new Place(new Hex(p.range().offset()), p.range().length(), p.strategy(), p.why()))
          .toList();
    }
  }

  /// The report of a result.
  static SynthesisReport of(SynthesisResult result) {
    return switch (result) {
      case Synthesis s ->
          new Placed(
              true,
              new Hex(s.offset()),
              s.capability().width(),
              s.capability().exec(),
              s.capability().priv(),
              s.placement().strategy(),
              s.placement().reasons(),
              s.predecessor().map(Hex::new),
              new Hex(s.link().next()),
              bytes(s.dwords()),
              s.notes(),
              Place.of(s.placement().passedOver()));
      case SynthesisResult.Declined d ->
          new Declined(false, d.reason(), d.explanation(), Place.of(d.passedOver()));
    };
  }

  private static String bytes(List<Integer> dwords) {
    return dwords.stream()
        .map(d ->
            String.format(
                Locale.ROOT,
                "%02x %02x %02x %02x",
                d & 0xff,
                d >>> 8 & 0xff,
                d >>> 16 & 0xff,
                d >>> 24))
        .collect(Collectors.joining(" "));
  }

  /// The kind of reason in a few words.
  static String words(DeclineReason reason) {
    return switch (reason) {
      case NO_PASID_ON_HOST -> "the host has no PASIDs";
      case REFUSED_BY_QUIRK -> "a quirk refuses it";
      case NOT_AN_ENDPOINT -> "no endpoint: header type 1 or 2";
      case NOT_PCI_EXPRESS -> "no PCI Express capability";
      case NO_EXTENDED_SPACE -> "256 bytes only";
      case UNREADABLE -> "extended space reads as all ones";
      case MIRRORED -> "extended space repeats the first 256 bytes";
      case HEAD_OCCUPIED -> "the list would have to start on a register";
      case NO_HOLE -> "no free place";
    };
  }
}
