/// Knowledge about particular devices: hidden registers, fixed places, limits, refusals.
///
/// A [io.vpasid.synth.quirk.QuirkTable] is read from JSON files, one per vendor, in layers; it
/// answers for one function at a time with [io.vpasid.synth.quirk.MatchedQuirks]. Tables never
/// change, so they may be shared between threads and exchanged as a whole.
@NullMarked
package io.vpasid.synth.quirk;

import org.jspecify.annotations.NullMarked;
