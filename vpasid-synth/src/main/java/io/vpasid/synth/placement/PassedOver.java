package io.vpasid.synth.placement;

import io.vpasid.pci.ByteRange;

/// A place that was looked at and not taken.
///
/// @param range the bytes
/// @param strategy the way by which it came up
/// @param why it was not taken
public record PassedOver(ByteRange range, Strategy strategy, String why) {

  @Override
  public String toString() {
    return range + " (" + strategy.title() + "): " + why;
  }
}
