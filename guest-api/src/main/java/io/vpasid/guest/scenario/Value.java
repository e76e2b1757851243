package io.vpasid.guest.scenario;

import io.vpasid.synth.json.JsonCursor.Place;

/// A number in a step: written there, or the name of a parameter or of a random number.
///
/// @param number the number, 32 bits; unused with a name
/// @param name what `"${name}"` names; empty if the number is written
/// @param place where it is written
record Value(int number, String name, Place place) {

  static Value of(int number, Place place) {
    return new Value(number, "", place);
  }

  static Value named(String name, Place place) {
    return new Value(0, name, place);
  }

  /// The number, with what the names mean now.
  int in(Bindings bindings) {
    return name.isEmpty() ? number : bindings.number(name);
  }
}
