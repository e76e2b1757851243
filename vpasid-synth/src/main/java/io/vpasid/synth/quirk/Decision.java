package io.vpasid.synth.quirk;

/// Something that a quirk decided.
///
/// @param value what was decided
/// @param source the quirk that decided it
public record Decision<T>(T value, QuirkSource source) {
  /// As in `0x180 by nvidia-ga100 (built in)`, with the value as it prints.
  @Override
  public String toString() {
    return value + " by " + source;
  }
}
